using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Slipway.Building.Sources;
using Slipway.Definitions;
using Slipway.Images;
using Slipway.Linux;

namespace Slipway.Building;

/// <summary>
/// Makes an image from a definition: starts the builder in its namespace, hands on what it says, and puts the image in place.
/// </summary>
public static class ImageBuilder
{
    static readonly string[] Programs = ["unshare", "mksquashfs", "chroot", "cp"];

    /// <summary>How long a cancelled builder may take to remove its tree before it is killed (and the tree removed from outside).</summary>
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    /// <summary>Builds; nothing but a whole image is ever seen at the destination.</summary>
    /// <exception cref="SlipwayException">The definition, a repository, a command of it or the machine is not as needed; nothing is left
    /// behind.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; nothing is left behind.</exception>
    public static ContainerImage Build(BuildRequest request, IProgress<StepProgress>? progress = null, CancellationToken cancel = default)
    {
        Definition definition = request.DefinitionText is { } given
            ? DefinitionReader.Parse(given, request.DefinitionPath, request.Variables)
            : DefinitionReader.Read(request.DefinitionPath, request.Variables, cancel);
        string destination = Path.GetFullPath(request.Destination);
        string name = Path.GetFileNameWithoutExtension(definition.Path);
        IEnumerable<string> ofSources = definition.Stages.Append(definition).SelectMany(s => RootSources.Programs(s.Source));
        foreach (string program in ofSources.Concat(Programs).Distinct())
            HostProgram.Find(program);
        string? lockPath = request.LockFile is null ? null : Path.GetFullPath(request.LockFile);
        if (lockPath is null && request.UpdateLock)
            throw BuildErrors.NoLockFile(request.DefinitionPath);
        IReadOnlyDictionary<string, string> cached = ImageRoot.FindCached(definition);
        BuildLock? locked = lockPath is null || request.UpdateLock ? null : BuildLocks.Read(lockPath);
        IReadOnlyList<string> command = BuildNamespace.Command();
        PartialFile reserved = ReservePartial(destination);
        string partial = reserved.Path;
        try
        {
            string cache = CacheDirectory();
            BuildMessage.Done built;
            using (WorkDirectory work = WorkDirectory.Create())
            {
                BuildJob job = new()
                {
                    DefinitionPath = request.DefinitionPath,
                    DefinitionText = definition.Text,
                    Name = name,
                    WorkDirectory = work.Path,
                    PartialPath = partial,
                    Variables = request.Variables,
                    PackageCache = request.PackageCache is { } own ? Path.GetFullPath(own)
                        : Path.Combine(cache, "packages", definition.Source.From.Value),
                    MetadataCache = Path.Combine(cache, "dnf"),
                    StepCache = Path.Combine(cache, "steps"),
                    UseStepCache = request.UseStepCache,
                    ControlCache = Path.Combine(cache, "control"),
                    CachedImages = cached,
                    Destination = destination,
                    Lock = locked,
                    LockPath = lockPath,
                    LogPath = Path.Combine(Directory.CreateDirectory(Path.Combine(cache, "logs")).FullName,
                        $"{name}-{ContentKey.Of([destination])[..8]}.log"),
                    Compression = request.Compression,
                    SourceDateEpoch = long.TryParse(Environment.GetEnvironmentVariable("SOURCE_DATE_EPOCH"), NumberStyles.None,
                        CultureInfo.InvariantCulture, out long epoch) ? epoch : null,
                };
                string jobPath = Path.Combine(work.Path, "job.json");
                File.WriteAllText(jobPath, JsonSerializer.Serialize(job, BuildJson.Default.BuildJob));
                built = RunBuilder([.. command, SlipwayProgram.Path, "build-inside", jobPath], $"Building {Path.GetFileName(destination)}",
                    job, progress, cancel);
            }
            InPlace(destination, partial, () =>
            {
                if (!built.IsThere)
                    using (FileStream written = new(partial, FileMode.Open, FileAccess.ReadWrite))
                        written.Flush(flushToDisk: true);
            });
            // before the image: a lock file that cannot be written is an error, and leaves no image behind
            if (lockPath is not null && locked is null)
                BuildLocks.Write(lockPath, built.Lock);
            InPlace(destination, partial, () =>
            {
                if (!built.IsThere)
                    File.Move(partial, destination, overwrite: true);
            });
            ImageManifest? manifest = built.Manifest is { } text
                ? ManifestReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)), destination) : null;
            ContainerImage image = ImageReader.Read(destination, built.Digest, cancel, manifest: manifest);
            image.BuiltFrom = new ImageOrigin(Path.GetFullPath(request.DefinitionPath), definition.Text, request.Variables);
            return image;
        }
        finally
        {
            reserved.Dispose();
        }
    }

    /// <summary>How many images are built at once where nobody says: each takes more than one core while it is packed.</summary>
    public static int DefaultThrottle => Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>Builds several images, at most <paramref name="throttle"/> at once; each is handed on when it is there.</summary>
    /// <param name="failed">Gets the error of each that failed; null throws the first after the others have ended.</param>
    public static IEnumerable<ContainerImage> BuildAll(
        IReadOnlyList<BuildRequest> requests, int throttle, IProgress<StepProgress>? progress = null, CancellationToken cancel = default,
        Action<SlipwayException>? failed = null)
    {
        using BlockingCollection<ContainerImage> done = [];
        List<SlipwayException> errors = [];
        Task all = Task.Run(() =>
        {
            try
            {
                Parallel.ForEach(
                    requests, new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, throttle), CancellationToken = cancel }, request =>
                {
                    try
                    {
                        done.Add(Build(request, progress, cancel), CancellationToken.None);
                    }
                    catch (SlipwayException e)
                    {
                        lock (errors)
                            errors.Add(e);
                        failed?.Invoke(e);
                    }
                });
            }
            finally
            {
                done.CompleteAdding();
            }
        }, CancellationToken.None);
        foreach (ContainerImage image in done.GetConsumingEnumerable(CancellationToken.None))
            yield return image;
        try
        {
            all.GetAwaiter().GetResult();
        }
        catch (AggregateException e) when (e.InnerExceptions.All(i => i is OperationCanceledException))
        {
            throw new OperationCanceledException(cancel);
        }
        if (failed is null && errors.Count > 0)
            throw BuildErrors.Several(errors);
    }

    static BuildMessage.Done RunBuilder(IReadOnlyList<string> command, string activity, BuildJob job, IProgress<StepProgress>? progress,
        CancellationToken cancel)
    {
        BuildMessage.Failed? failed = null;
        BuildMessage.Done? done = null;
        List<string> errors = [];
        int exit = HostProgram.Run(command[0], command.Skip(1), Read, errors.Add, holdInput: true, grace: Grace, cancel: cancel);
        if (failed is not null)
            throw failed.ToException();
        return done ?? throw BuildErrors.BuilderEnded(job.DefinitionPath, job.LogPath, exit, errors);

        void Read(string line)
        {
            switch (BuildMessage.FromLine(line))
            {
                case null:
                    errors.Add(line);
                    break;
                case BuildMessage.Step step:
                    progress?.Report(new StepProgress(activity, step.Name, step.Percent));
                    break;
                case BuildMessage.Done end:
                    done = end;
                    break;
                case BuildMessage.Failed end:
                    failed = end;
                    break;
                case var other:
                    throw new UnreachableException(other.ToString());
            }
        }
    }

    /// <summary>The last steps of a build, whose errors name the image and not the file that is to become it.</summary>
    static void InPlace(string destination, string partial, Action work)
    {
        try
        {
            work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw BuildErrors.NotWritable(destination, partial, e);
        }
    }

    /// <summary>
    /// Makes the file that will become the image, beside its destination: whether that can be written shows before the long work.
    /// </summary>
    static PartialFile ReservePartial(string destination)
    {
        string directory = Path.GetDirectoryName(destination)!;
        if (Directory.Exists(destination))
            throw BuildErrors.DestinationIsDirectory(destination);
        PartialFile? partial = null;
        bool ours = false;
        try
        {
            using IDisposable turn = PartialFile.Turn(directory);
            PartialFile.RemoveStale(directory);
            partial = PartialFile.Reserve(destination);
            File.Open(partial.Path, FileMode.CreateNew).Dispose();
            // what is left belongs to somebody who is at it; the later of two sees the earlier
            ours = PartialFile.Others(destination, partial.Path) is not { } other ? true
                : throw BuildErrors.DestinationInUse(destination, other);
            return partial;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw BuildErrors.NotWritable(destination, partial?.Path ?? destination, e);
        }
        finally
        {
            if (!ours)
                partial?.Dispose();
        }
    }

    /// <summary>Downloaded packages, steps and logs. In root's cache are the node's images too: a build has a directory there.</summary>
    static string CacheDirectory()
    {
        string path = geteuid() == 0 ? Path.Combine(Places.Cache, "build") : Places.Cache;
        try
        {
            return Directory.CreateDirectory(path).FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw BuildErrors.NoCacheDirectory(path, "Set XDG_CACHE_HOME to a directory that you may write to.", e);
        }
    }
}
