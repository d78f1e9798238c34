using Microsoft.Win32.SafeHandles;
using Slipway.Images;
using Slipway.Linux;

namespace Slipway.Cache;

/// <summary>Looks after this user's cache on this node: lists, removes, clears, pins. Nothing that is in use is ever removed.</summary>
static class CacheKeeper
{
    /// <summary>What this user may read: root's entries too.</summary>
    public static IReadOnlyList<ImageCacheEntry> List(string node)
    {
        CacheUse use = CacheUse.Read();
        // one of before, or another version's, may lack a directory
        if (stat(NodeCache.Own, out _, follow: false) == 0)
            NodeCache.Prepare();
        return [.. NodeCache.Readable.SelectMany(cache => In(cache, node, use))];
    }

    static List<ImageCacheEntry> In(string cache, string node, CacheUse use)
    {
        List<ImageCacheEntry> entries = [];
        if (!NodeCache.IsSafe(cache))
            // root's may be one that nobody has used yet
            return cache != NodeCache.Own || stat(cache, out _, follow: false) != 0 ? entries : throw NodeCache.Unsafe(cache);
        ILookup<string, string> sources = Sources(cache);
        foreach (string path in Directory.EnumerateFiles(cache + "/sha256").Order(StringComparer.Ordinal))
        {
            string digest = Digest.Prefix + Path.GetFileName(path);
            if (!Digest.IsValid(digest) || stat(path, out statx found, follow: false) != 0 || !found.IsRegular)
                continue;
            long used = Math.Max(found.stx_atime.tv_sec, found.stx_mtime.tv_sec);
            if (stat(NodeCache.UsedPath(cache, digest), out statx mark, follow: false) == 0)
                used = Math.Max(used, mark.stx_mtime.tv_sec);
            entries.Add(new ImageCacheEntry
            {
                Node = node,
                Digest = digest,
                Path = path,
                Size = (long)found.stx_size,
                Published = DateTimeOffset.FromUnixTimeSeconds(found.stx_mtime.tv_sec),
                LastUsed = DateTimeOffset.FromUnixTimeSeconds(used),
                Pinned = access(PinPath(cache, digest), F_OK) == 0,
                UsedBy = use.Of(path, digest),
                Valid = CheckedRecord.Holds(cache, digest, found),
                Sources = [.. sources[digest].Order(StringComparer.Ordinal)],
            });
        }
        return entries;
    }

    static ILookup<string, string> Sources(string cache) =>
        (Directory.Exists(cache + "/published") ? Directory.EnumerateFiles(cache + "/published") : []).Select(f => OpenedFile.TryTextFound(f)?.Split('\n'))
            .Where(l => l is [_, _, _, ""]).ToLookup(l => l![1], l => l![2]);

    static string PinPath(string cache, string digest) => $"{cache}/pins/{digest[Digest.Prefix.Length..]}";

    /// <summary>Takes entries away, pinned ones too: who names one means it.</summary>
    /// <returns>What was removed.</returns>
    /// <exception cref="SlipwayException">There is none, or it is in use; the others have been removed then.</exception>
    public static IReadOnlyList<ImageCacheEntry> Remove(string node, IReadOnlyList<string> digests)
    {
        string cache = NodeCache.Prepare();
        List<ImageCacheEntry> removed = [], entries = In(cache, node, CacheUse.Read());
        SlipwayException? first = null;
        foreach (string digest in digests)
            if (entries.Find(e => e.Digest == digest) is not { } entry)
                first ??= NotCached(cache, digest);
            else if (entry.UsedBy.Count > 0)
                first ??= new SlipwayException("EntryInUse", ErrorKind.ResourceUnavailable, $"{entry.Path}: is in use: {string.Join(", ", entry.UsedBy)}", "Wait until those have ended.", entry.Path);
            else if (!TryRemove(cache, entry))
                first ??= new SlipwayException("EntryInUse", ErrorKind.ResourceUnavailable, $"{entry.Path}: is being published, or opened by a container", "Wait until that has ended.", entry.Path);
            else
                removed.Add(entry);
        return first is null ? removed : throw first;
    }

    static SlipwayException NotCached(string cache, string digest) =>
        new("ImageNotCached", ErrorKind.ObjectNotFound, $"{digest}: the cache {cache} does not have this image", "See what it has: Get-ImageCache (slipway cache list).", digest);

    /// <summary>Removes what was not used for <paramref name="maxAge"/>, then the least recently used until no more than <paramref name="maxSize"/> bytes are left; without either, all that may go.</summary>
    /// <returns>What was removed.</returns>
    public static IReadOnlyList<ImageCacheEntry> Clear(string node, long? maxSize, TimeSpan? maxAge)
    {
        string cache = NodeCache.Prepare();
        List<ImageCacheEntry> all = In(cache, node, CacheUse.Read()), removed = [];
        long size = all.Sum(e => e.Size);
        foreach (ImageCacheEntry entry in all.Where(e => !e.Pinned && e.UsedBy.Count == 0).OrderBy(e => e.LastUsed).ThenBy(e => e.Digest, StringComparer.Ordinal))
        {
            bool old = maxAge is { } age && DateTimeOffset.UtcNow - entry.LastUsed > age, much = maxSize is { } limit && size > limit;
            if ((!old && !much && (maxAge is not null || maxSize is not null)) || !TryRemove(cache, entry))
                continue;
            removed.Add(entry);
            size -= entry.Size;
        }
        return removed;
    }

    /// <summary>False while somebody publishes or uses it.</summary>
    static bool TryRemove(string cache, ImageCacheEntry entry)
    {
        string name = entry.Digest[Digest.Prefix.Length..];
        using CacheLock? held = CacheLock.TryTake(cache, name);
        // a container that has just chosen it has it locked, though nothing is mounted yet
        using SafeFileHandle? free = held is null ? null : NodeCache.TryFree(entry.Path);
        if (held is null || free is null)
            return false;
        // first what readers go by
        CheckedRecord.Remove(cache, entry.Digest);
        unlink(entry.Path);
        unlink(FabricPlanFile.PathFor(entry.Path));
        unlink(NodeCache.UsedPath(cache, entry.Digest));
        unlink(PinPath(cache, entry.Digest));
        foreach (string record in Directory.EnumerateFiles(cache + "/published"))
            if (OpenedFile.TryTextFound(record)?.Split('\n') is [_, var digest, ..] && digest == entry.Digest)
                unlink(record);
        CacheLock.RemoveFile(cache, name);
        return true;
    }

    /// <summary>Keeps entries from being cleared, or lets them go again.</summary>
    /// <returns>The entries as they are then.</returns>
    /// <exception cref="SlipwayException">The cache has no such entry.</exception>
    public static IReadOnlyList<ImageCacheEntry> Pin(string node, IReadOnlyList<string> digests, bool pinned)
    {
        string cache = NodeCache.Prepare();
        foreach (string digest in digests)
        {
            if (stat(NodeCache.EntryPath(cache, digest), out _, follow: false) != 0)
                throw NotCached(cache, digest);
            if (!pinned)
                unlink(PinPath(cache, digest));
            else if (!OpenedFile.Write(PinPath(cache, digest), "", Mode.rw_r__r__))
                throw new SlipwayException("CacheNotWritable", ErrorKind.WriteError, $"{PinPath(cache, digest)}: cannot be written (errno {errno})", CacheWriter.Advice(errno), cache);
        }
        return [.. In(cache, node, CacheUse.Read()).Where(e => digests.Contains(e.Digest))];
    }
}
