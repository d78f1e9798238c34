using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Building.Inside;

/// <summary>
/// What earlier builds have made, by the content of what they made it of: whole images, and root filesystems between two steps. Shared by
/// all images that this user builds; the least recently used goes when there is more than the limit.
/// </summary>
sealed class StepCache(string directory, bool use, Action<string> log)
{
    /// <summary>Another limit in bytes than <see cref="DefaultLimit"/>; 0 keeps nothing.</summary>
    public const string LimitVariable = "SLIPWAY_STEP_CACHE_BYTES";

    const long DefaultLimit = 20L << 30;
    const string ImageEnding = ".image", RootEnding = ".root";

    /// <summary>How long the last snapshot took: a step that is faster than that is quicker run again than kept.</summary>
    TimeSpan cost;

    static long Limit => long.TryParse(Environment.GetEnvironmentVariable(LimitVariable), NumberStyles.None, CultureInfo.InvariantCulture,
        out long bytes) ? bytes : DefaultLimit;

    bool Enabled => use && Limit > 0;

    /// <summary>The key of a whole image: everything that is in it, and how it is packed.</summary>
    public static string ImageKey(Definition definition, BuildJob job, BuildLock locked) => ContentKey.Of(
    [
        Version, job.Name, definition.Text, JsonSerializer.Serialize(locked, ObjectsJson.Default.BuildLock), job.Compression.ToString(),
        job.SourceDateEpoch?.ToString(CultureInfo.InvariantCulture) ?? "",
        .. definition.Variables.SelectMany(v => new[] { v.Key, v.Value }),
        .. definition.Stages.Append(definition).SelectMany(s => s.Files).Where(f => f.Stage is null).Select(f => FileKey.Of(f.From)),
    ]);

    /// <summary>Another version may make another image of the same inputs.</summary>
    public static string Version { get; } =
        $"{typeof(StepCache).Assembly.GetName().Version} {typeof(StepCache).Assembly.ManifestModule.ModuleVersionId} "
        + $"{System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture}";

    string PathOf(string key, string ending) => Path.Combine(directory, key + ending);

    /// <summary>
    /// Copies an image that was built before, checked against its digest; where <paramref name="destination"/> has the same bytes already,
    /// nothing is written.
    /// </summary>
    /// <returns>The digest; null where there is none, or the copy is not what was kept.</returns>
    public (string Digest, bool IsThere)? TakeImage(string key, string destination, string to, CancellationToken cancel)
    {
        string path = PathOf(key, ImageEnding), wanted = path + ".digest";
        if (!Enabled || !File.Exists(path) || OpenedFile.TryTextFound(wanted) is not { } kept)
            return null;
        try
        {
            bool there = stat(destination, out statx found, follow: false) == 0 && found.IsRegular
                && found.stx_size == (ulong)new FileInfo(path).Length
                && access(destination, R_OK) == 0 && Digest.OfFile(destination, cancel: cancel) == kept;
            if (!there)
                OpenedFile.CopyNamed(path, to);
            if (there || Digest.OfFile(to, cancel: cancel) == kept)
            {
                Touch(path);
                log($"the image was built before ({key})");
                return (kept, there);
            }
            log($"{path} has changed since it was kept: it is built anew");
            Remove(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log($"{path}: {e.Message}");
        }
        return null;
    }

    /// <summary>Keeps an image: a second name of it where that goes, else a copy.</summary>
    public void KeepImage(string key, string image, string digest) => Keep(PathOf(key, ImageEnding), partial =>
    {
        if (link(image, partial) != 0)
            OpenedFile.CopyNamed(image, partial);
        AtomicFile.Write(PathOf(key, ImageEnding) + ".digest", Mode.rw_r__r__, digest);
        return true;
    });

    /// <summary>Unpacks the root filesystem as a step left it.</summary>
    /// <returns>False where no build has kept it.</returns>
    public bool TakeRoot(string key, string root, BuildContext context, CancellationToken cancel)
    {
        string path = PathOf(key, RootEnding);
        if (!Enabled || !File.Exists(path))
            return false;
        if (context.Run("unsquashfs", ["-no-progress", "-quiet", "-force", "-dest", root, path], cancel: cancel).Exit == 0)
        {
            Touch(path);
            return true;
        }
        // a file that is damaged, or of a user whose subordinate ids were others then
        Remove(path);
        WorkDirectory.Remove(root);
        Directory.CreateDirectory(root);
        return false;
    }

    /// <summary>True where a build has kept what a step left.</summary>
    public bool HasRoot(string key) => Enabled && File.Exists(PathOf(key, RootEnding));

    /// <summary>Keeps the root filesystem as a step left it.</summary>
    /// <param name="took">How long the steps since the last snapshot took.</param>
    /// <returns>False where it was quicker to run than it would be to keep.</returns>
    public bool KeepRoot(string key, string root, TimeSpan took, BuildContext context, CancellationToken cancel)
    {
        if (!Enabled || took < cost)
            return false;
        long start = Stopwatch.GetTimestamp();
        Keep(PathOf(key, RootEnding), partial =>
            context.Run("mksquashfs", [root, partial, "-noappend", "-no-progress", "-quiet", "-exit-on-error", "-comp", "zstd",
                "-Xcompression-level", "1"],
            new Dictionary<string, string?> { ["SOURCE_DATE_EPOCH"] = null }, cancel: cancel).Exit == 0);
        cost = Stopwatch.GetElapsedTime(start);
        return true;
    }

    /// <summary>Puts a file in place when it is whole. The cache is a convenience: where it cannot be written, the build goes on.</summary>
    void Keep(string path, Func<string, bool> make)
    {
        if (!Enabled || File.Exists(path))
            return;
        try
        {
            Directory.CreateDirectory(directory, (UnixFileMode)Mode.rwx______);
            PartialFile.RemoveStale(directory);
            using PartialFile partial = PartialFile.Reserve(path);
            if (make(partial.Path))
            {
                File.Move(partial.Path, path, overwrite: true);
                Shrink();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log($"{path}: not kept: {e.Message}");
        }
    }

    void Shrink()
    {
        long left = Limit;
        foreach (FileInfo file in new DirectoryInfo(directory).EnumerateFiles().Where(f => f.Extension is ImageEnding or RootEnding)
            .OrderByDescending(f => f.LastWriteTimeUtc))
            if ((left -= file.Length) < 0)
                Remove(file.FullName);
    }

    static void Remove(string path)
    {
        File.Delete(path);
        File.Delete(path + ".digest");
    }

    /// <summary>The time of an image is that of its second name too: used now, it is newer than what was not.</summary>
    static void Touch(string path) => File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
}
