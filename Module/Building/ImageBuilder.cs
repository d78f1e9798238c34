using System.Globalization;
using System.Text.Json;
using Slipway.Definitions;
using Slipway.Images;
using Slipway.Linux;

namespace Slipway.Building;

/// <summary>What to build, and where to put it.</summary>
public sealed class BuildRequest
{
    /// <summary>Absolute or relative path of the definition.</summary>
    public required string DefinitionPath { get; init; }

    /// <summary>Absolute path of the image; one that exists is replaced when the new one is whole.</summary>
    public required string Destination { get; init; }

    public ImageCompression Compression { get; init; }
}

/// <summary>Makes an image from a definition: starts the builder in its namespace, hands on what it says, and puts the image in place.</summary>
public static class ImageBuilder
{
    static readonly string[] Programs = ["unshare", "mmdebstrap", "mksquashfs", "chroot", "cp"];

    /// <summary>How long a cancelled builder may take to remove its tree before it is killed (and the tree removed from outside).</summary>
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    /// <summary>Builds; nothing but a whole image is ever seen at the destination.</summary>
    /// <exception cref="SlipwayException">The definition, a repository, a command of it or the machine is not as needed; nothing is left behind.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; nothing is left behind.</exception>
    public static ContainerImage Build(BuildRequest request, IProgress<StepProgress>? progress = null, CancellationToken cancel = default)
    {
        Definition definition = DefinitionReader.Read(request.DefinitionPath);
        string destination = Path.GetFullPath(request.Destination);
        string name = Path.GetFileNameWithoutExtension(definition.Path);
        foreach (string program in Programs)
            HostProgram.Find(program);
        IReadOnlyList<string> command = BuildNamespace.Command();
        string partial = ReservePartial(destination);
        try
        {
            string cache = CacheDirectory(), digest;
            using (WorkDirectory work = WorkDirectory.Create())
            {
                BuildJob job = new()
                {
                    DefinitionPath = request.DefinitionPath,
                    DefinitionText = definition.Text,
                    Name = name,
                    WorkDirectory = work.Path,
                    PartialPath = partial,
                    PackageCache = Path.Combine(cache, "packages", "deb"),
                    LogPath = Path.Combine(Directory.CreateDirectory(Path.Combine(cache, "logs")).FullName, name + ".log"),
                    Compression = request.Compression,
                    SourceDateEpoch = long.TryParse(Environment.GetEnvironmentVariable("SOURCE_DATE_EPOCH"), NumberStyles.None, CultureInfo.InvariantCulture, out long epoch) ? epoch : null,
                };
                string jobPath = Path.Combine(work.Path, "job.json");
                File.WriteAllText(jobPath, JsonSerializer.Serialize(job, SlipwayJson.Default.BuildJob));
                digest = RunBuilder([.. command, SlipwayProgram.Path, "build-inside", jobPath], $"Building {Path.GetFileName(destination)}", job, progress, cancel);
            }
            using (FileStream written = new(partial, FileMode.Open, FileAccess.ReadWrite))
                written.Flush(flushToDisk: true);
            File.Move(partial, destination, overwrite: true);
            return ImageReader.Read(destination, digest, cancel);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    static string RunBuilder(IReadOnlyList<string> command, string activity, BuildJob job, IProgress<StepProgress>? progress, CancellationToken cancel)
    {
        BuildFailure? failure = null;
        string? digest = null;
        List<string> errors = [];
        int exit = HostProgram.Run(command[0], command.Skip(1), line =>
        {
            BuildMessage message = JsonSerializer.Deserialize(line, SlipwayJson.Default.BuildMessage)!;
            failure ??= message.Failure;
            digest ??= message.Digest;
            if (message.Step is { } step)
                progress?.Report(new StepProgress(activity, step, message.Percent));
        }, errors.Add, holdInput: true, grace: Grace, cancel: cancel);
        if (failure is not null)
            throw new SlipwayException(failure.Id, failure.Kind, failure.Message, failure.Recommendation, failure.Target);
        return digest ?? throw new SlipwayException("BuilderEnded", ErrorKind.InvalidOperation,
            $"{job.DefinitionPath}: the builder ended with exit code {exit}: {(errors.Count > 0 ? string.Join("; ", errors.TakeLast(3)) : "it said nothing")}",
            $"Check that user namespaces are allowed (/proc/sys/user/max_user_namespaces). The log: {job.LogPath}", job.DefinitionPath);
    }

    /// <summary>Makes the file that will become the image, beside its destination: whether that can be written shows before the long work.</summary>
    static string ReservePartial(string destination)
    {
        string directory = Path.GetDirectoryName(destination)!;
        if (Directory.Exists(destination))
            throw new SlipwayException("DestinationIsDirectory", ErrorKind.InvalidArgument, $"{destination}: the destination is a directory", "Give the path of a file, e.g. ./lammps.sqfs.", destination);
        string partial = PartialFile.NameFor(destination);
        try
        {
            PartialFile.RemoveStale(directory);
            using FileStream reserved = new(partial, FileMode.CreateNew);
            return partial;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SlipwayException("DestinationNotWritable", ErrorKind.PermissionDenied, $"{destination}: the image cannot be written there: {e.Message}", "Choose a directory that exists and that you may write to.", destination, e);
        }
    }

    /// <summary>Downloaded packages and build logs: <c>/var/cache/slipway/build</c> for root, else <c>$XDG_CACHE_HOME/slipway</c> or <c>~/.cache/slipway</c>.</summary>
    static string CacheDirectory()
    {
        string path = LibC.geteuid() == 0 ? "/var/cache/slipway/build"
            : Path.Combine(Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } set && set.StartsWith('/') ? set
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "slipway");
        try
        {
            return Directory.CreateDirectory(path).FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SlipwayException("NoCacheDirectory", ErrorKind.WriteError, $"{path}: the package cache cannot be made: {e.Message}", "Set XDG_CACHE_HOME to a directory that you may write to.", path, e);
        }
    }
}
