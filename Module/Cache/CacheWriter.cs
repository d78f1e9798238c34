using System.Globalization;
using Slipway.Linux;
using Slipway.Readers.SquashFs;
using Slipway.Shared;

namespace Slipway.Cache;

/// <summary>
/// Makes entries: a file beside, checked, synced, renamed into place, and then recorded as checked, which is what readers go by.
/// </summary>
static class CacheWriter
{
    /// <summary>Copies a file into this user's cache, opening it once, or not at all where it lies there already.</summary>
    /// <param name="digest">What it must have; null takes what it has.</param>
    /// <param name="plan">Given the digest, the plan that goes along where it is this image's (<see cref="NodeCache.KeepPlan"/>).</param>
    /// <param name="program">Path of <c>slipway</c> on every node; null is our own.</param>
    /// <exception cref="SlipwayException">The cache is unsafe or full, or the file is no image, or changed, or not what its digest
    /// says.</exception>
    public static Placement Publish(string path, string? digest, Func<string, FabricPlan?> plan, string node, Transport transport,
        string? program = null, IProgress<StepProgress>? progress = null, CancellationToken cancel = default)
    {
        long started = Environment.TickCount64;
        string cache = NodeCache.Prepare();
        path = Path.GetFullPath(path);
        if (stat(path, out statx found) != 0 || !found.IsRegular)
            throw CacheErrors.NoSuchImage(path);
        Placement Done(string known, string entry, long bytes)
        {
            NodeCache.WriteRecord(cache, path, SourceStamp.Of(found), known);
            NodeCache.KeepPlan(cache, known, plan(known));
            return new Placement
            {
                Node = node, Path = entry, Digest = known, Bytes = bytes, Seconds = (Environment.TickCount64 - started) / 1000.0,
                Transport = transport,
                Hit = bytes == 0, Launcher = program ?? SlipwayProgram.TryPath,
            };
        }
        (string, string)? There() => (digest ?? NodeCache.FindPublished(path, found)) is { } known
            && NodeCache.FindEntry(known) is { } entry ? (known, entry) : null;

        if (There() is var (early, where))
            return Done(early, where, 0);
        // before its digest is known, producers of one file meet at its name
        string source = KeyName.Of($"{path}\n{SourceStamp.WithDevice(found)}");
        StepProgress waiting = new($"Publishing {Path.GetFileName(path)}", "waiting for another who copies it");
        using CacheLock one = CacheLock.Take(cache, source, () => progress?.Report(waiting), cancel);
        if (There() is var (meanwhile, place))
            return Done(meanwhile, place, 0);
        (string got, string made) = Copy(cache, path, found, digest, source, progress, cancel);
        Placement placement = Done(got, made, (long)found.stx_size);
        // last: whoever comes after it takes a lock of their own, and must find the record
        CacheLock.RemoveFile(cache, source);
        return placement;
    }

    static (string Digest, string Entry) Copy(string cache, string path, statx found, string? digest, string name,
        IProgress<StepProgress>? progress, CancellationToken cancel)
    {
        string activity = $"Publishing {Path.GetFileName(path)}";
        string partial = PartialFile.NameFor($"{cache}/sha256/{name}");
        try
        {
            string got;
            using (FileStream from = Open(path))
            using (GrowingFile to = GrowingFile.Create(partial, (long)found.stx_size))
            {
                byte[] buffer = new byte[1 << 20];
                for (int n; to.Length < to.Size && (n = Read(from, buffer, path)) > 0;)
                {
                    cancel.ThrowIfCancellationRequested();
                    to.Append(buffer.AsSpan(0, (int)Math.Min(n, to.Size - to.Length)));
                    progress?.Report(new StepProgress(
                        activity, "copying to this node's cache", (int)(100 * to.Length / Math.Max(1, to.Size))));
                }
                progress?.Report(new StepProgress(activity, "checking the digest"));
                // a file that changes under our hands has no digest
                if (to.Length < to.Size || fstat((int)from.SafeFileHandle.DangerousGetHandle(), out statx after) != 0
                    || SourceStamp.Of(after) != SourceStamp.Of(found))
                    throw CacheErrors.SourceChanged(path);
                got = to.Finish();
            }
            if (digest is not null && got != digest)
                throw CacheErrors.CopyDiffers(path, got, digest);
            SquashFsSuperblock.Read(path, partial);
            using CacheLock held = CacheLock.Take(cache, got[Digest.Prefix.Length..], cancel: cancel);
            return (got, NodeCache.FindEntry(got) ?? Place(cache, partial, got));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CacheErrors.NotWritable(cache, e);
        }
        finally
        {
            unlink(partial);
        }
    }

    /// <exception cref="SlipwayException">The source, not the cache.</exception>
    static FileStream Open(string path)
    {
        try
        {
            return OpenedFile.Named(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CacheErrors.MayNotBeRead(path, OpenedFile.Why(e, path), e);
        }
    }

    /// <exception cref="SlipwayException">The source, not the cache.</exception>
    static int Read(FileStream from, byte[] buffer, string path)
    {
        try
        {
            return from.Read(buffer);
        }
        catch (IOException e)
        {
            throw CacheErrors.ReadFailed(path, e);
        }
    }

    /// <summary>
    /// Checks a file that something else wrote beside the entries, and makes it the entry. The digest's lock must be held.
    /// </summary>
    /// <exception cref="SlipwayException">It is not what its digest says.</exception>
    public static string Adopt(string cache, string partial, string digest, long size, CancellationToken cancel = default)
    {
        try
        {
            if (stat(partial, out statx found, follow: false) != 0 || !found.IsRegular || found.stx_uid != geteuid()
                || (long)found.stx_size != size)
                throw CacheErrors.CopyIncomplete(partial, found.IsRegular ? found.stx_size : 0, size);
            if (Digest.OfFile(partial, cancel: cancel) is var got && got != digest)
                throw CacheErrors.ArrivedDiffers(got, digest);
            return Place(cache, partial, digest);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CacheErrors.NotWritable(cache, e);
        }
    }

    /// <summary>Syncs a whole and checked file, renames it into place, and says that it was checked.</summary>
    /// <exception cref="IOException">The disk.</exception>
    public static string Place(string cache, string partial, string digest)
    {
        string entry = NodeCache.EntryPath(cache, digest);
        chmod(partial, Mode.r__r__r__);
        Sync(partial);
        CheckedRecord.Remove(cache, digest);
        if (rename(partial, entry) != 0 && errno is var error)
            throw new IOException(string.Create(CultureInfo.InvariantCulture, $"{entry}: cannot be put into place (errno {error})"), error);
        Sync($"{cache}/sha256");
        CheckedRecord.Write(cache, digest, entry);
        return entry;
    }

    static void Sync(string path)
    {
        int fd = open(path, O_RDONLY | O_CLOEXEC, 0);
        if (fd < 0 || fsync(fd) != 0)
        {
            int error = errno;
            if (fd >= 0)
                close(fd);
            throw new IOException(string.Create(CultureInfo.InvariantCulture, $"{path}: cannot be synced (errno {error})"), error);
        }
        close(fd);
    }
}
