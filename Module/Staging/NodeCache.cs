using System.Globalization;
using Slipway.Images;
using Slipway.Linux;

namespace Slipway.Staging;

/// <summary>The directory on a node's own disk that holds staged images by digest: <c>CACHE/sha256/DIGEST</c>. Readers take no lock.</summary>
public static class NodeCache
{
    public const string RootCache = "/var/cache/slipway";

    /// <summary>The cache that this user writes to: root's, or one of the user's own on node-local disk.</summary>
    public static string Own => LibC.geteuid() == 0 ? RootCache : UserCache(LibC.geteuid());

    static string UserCache(uint uid) => string.Create(CultureInfo.InvariantCulture, $"{SiteConfiguration.Read().Cache ?? "/var/tmp"}/slipway-{uid}");

    /// <summary>The caches that this user may read from, root's first: what root has staged is everybody's.</summary>
    static IEnumerable<string> Readable => LibC.geteuid() == 0 ? [RootCache] : [RootCache, Own];

    static string EntryPath(string cache, string digest) => $"{cache}/sha256/{digest[Digest.Prefix.Length..]}";

    /// <summary>Where an image of this digest lies on this node; null where none does.</summary>
    internal static string? FindEntry(string digest)
    {
        foreach (string cache in Readable)
        {
            string entry = EntryPath(cache, digest);
            if (LibC.stat(entry, out LibC.statx_t found, follow: false) == 0 && found.IsRegular && IsSafe(cache))
                return entry;
        }
        return null;
    }

    /// <summary>The digest that a file had when it was published; null where it was not, or has changed since (by stat alone).</summary>
    internal static string? FindPublished(string path, LibC.statx_t found)
    {
        foreach (string cache in Readable)
        {
            string record = RecordPath(cache, path);
            if (LibC.access(record, LibC.R_OK) != 0 || !IsSafe(cache))
                continue;
            string[] lines = File.ReadAllLines(record);
            if (lines is [var stamp, var digest, var of] && of == path && stamp == Stamp(found) && Digest.IsValid(digest))
                return digest;
        }
        return null;
    }

    /// <summary>Describes an image; where it was published and has not changed since, its digest is known without reading it.</summary>
    /// <param name="plan">With the fabric plan that lies beside it.</param>
    /// <exception cref="SlipwayException">It is not there, or not an image.</exception>
    public static ContainerImage Describe(string path, CancellationToken cancel = default, bool plan = false)
    {
        path = Path.GetFullPath(path);
        ContainerImage image = ImageReader.Read(path, LibC.stat(path, out LibC.statx_t found) == 0 ? FindPublished(path, found) : null, cancel);
        if (plan)
            image.FabricPlan = FabricPlanFile.Read(path);
        return image;
    }

    static string RecordPath(string cache, string path) => $"{cache}/published/{Running.RuntimeDirectory.NameOf(path)}";

    static string Stamp(LibC.statx_t found) => string.Create(CultureInfo.InvariantCulture,
        $"{found.stx_dev_major}:{found.stx_dev_minor} {found.stx_ino} {found.stx_size} {found.stx_mtime.tv_sec}.{found.stx_mtime.tv_nsec}");

    /// <summary>A cache that another user could have written is not read: its owner is root or we, and nobody else may write.</summary>
    static bool IsSafe(string cache)
    {
        foreach (string directory in new[] { cache, cache + "/sha256" })
            if (LibC.stat(directory, out LibC.statx_t found, follow: false) != 0 || !found.IsDirectory
                || (found.stx_uid != 0 && found.stx_uid != LibC.geteuid()) || (found.stx_mode & 0x12) != 0)
                return false;
        return true;
    }

    /// <summary>Puts an image into this node's cache: copied, checked against its digest, synced, renamed into place.</summary>
    /// <returns>Where it lies; a hit where it lay there already.</returns>
    /// <exception cref="SlipwayException">The cache is unsafe or full, or the image is not what its digest says.</exception>
    public static Placement Publish(ContainerImage image, IProgress<StepProgress>? progress = null, CancellationToken cancel = default)
    {
        long started = Environment.TickCount64;
        if (!Digest.IsValid(image.Digest))
            throw new SlipwayException("DigestInvalid", ErrorKind.InvalidArgument, $"'{image.Digest}' is not a digest", null, image.Path);
        string cache = Prepare();
        string entry = EntryPath(cache, image.Digest);
        bool hit = FindEntry(image.Digest) is { } there && new FileInfo(there).Length == image.Size;
        if (hit)
            entry = FindEntry(image.Digest)!;
        else
            Copy(image, entry, progress, cancel);
        WriteRecord(cache, image);
        if (image.FabricPlan is { } plan)
            FabricPlanFile.Write(plan, EntryPath(cache, image.Digest));
        return new Placement
        {
            Node = Environment.MachineName,
            Path = entry,
            Digest = image.Digest,
            Bytes = hit ? 0 : image.Size,
            Seconds = (Environment.TickCount64 - started) / 1000.0,
            Transport = "Local",
            Hit = hit,
        };
    }

    static string Prepare()
    {
        string cache = Own;
        uint mode = LibC.geteuid() == 0 ? 0x1edu : 0x1c0u; // 0755, 0700
        try
        {
            foreach (string directory in new[] { cache, cache + "/sha256", cache + "/published" })
                if (LibC.mkdir(directory, mode) == 0)
                    LibC.chmod(directory, mode); // whatever the umask is
                else if (LibC.errno is var error && error != 17 /* EEXIST */)
                    throw new IOException($"mkdir {directory}: errno {error}");
            if (!IsSafe(cache))
                throw new SlipwayException("CacheUnsafe", ErrorKind.SecurityError, $"{cache}: another user could have written to this cache, so nothing in it can be trusted",
                    "Have it removed, or its owner and mode mended (root's 0755, a user's 0700).", cache);
            PartialFile.RemoveStale(cache + "/sha256");
            return cache;
        }
        catch (IOException e)
        {
            throw new SlipwayException("CacheNotWritable", ErrorKind.WriteError, $"{cache}: the node cache cannot be made: {e.Message}", "Check that the disk has space and that you may write there.", cache, e);
        }
    }

    static void Copy(ContainerImage image, string entry, IProgress<StepProgress>? progress, CancellationToken cancel)
    {
        string partial = PartialFile.NameFor(entry);
        string activity = $"Publishing {Path.GetFileName(image.Path)}";
        try
        {
            byte[] buffer = new byte[1 << 20];
            long done = 0;
            using (FileStream from = new(image.Path, FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.SequentialScan))
            using (FileStream to = new(partial, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                BufferSize = 0,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
            }))
            {
                for (int n; (n = from.Read(buffer)) > 0;)
                {
                    cancel.ThrowIfCancellationRequested();
                    to.Write(buffer, 0, n);
                    done += n;
                    progress?.Report(new StepProgress(activity, "copying to this node's cache", (int)(100 * done / Math.Max(1, image.Size))));
                }
                to.Flush(flushToDisk: true);
            }
            // what is read back is checked, not what was sent
            progress?.Report(new StepProgress(activity, "checking the digest"));
            string digest = Digest.OfFile(partial, cancel: cancel);
            if (digest != image.Digest)
                throw new SlipwayException("DigestMismatch", ErrorKind.InvalidData, $"{image.Path}: the copy on this node has the digest {digest}, not {image.Digest}",
                    "The image changed after it was described: describe it again (Get-ContainerImage), or build it anew.", image.Path);
            File.Move(partial, entry, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SlipwayException("CacheNotWritable", ErrorKind.WriteError, $"{entry}: {e.Message}", "Free some space on the node's disk.", entry, e);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    static void WriteRecord(string cache, ContainerImage image)
    {
        if (LibC.stat(image.Path, out LibC.statx_t found) != 0)
            return;
        string record = RecordPath(cache, image.Path), partial = PartialFile.NameFor(record);
        File.WriteAllText(partial, $"{Stamp(found)}\n{image.Digest}\n{image.Path}\n");
        File.Move(partial, record, overwrite: true);
    }
}
