using Microsoft.Win32.SafeHandles;
using Slipway.Images;
using Slipway.Linux;

namespace Slipway.Cache;

/// <summary>The entries of a cache as they are now, with all that belongs to each.</summary>
static class CacheEntries
{
    /// <exception cref="SlipwayException">It is this user's own cache, and another user could have written to it.</exception>
    public static List<ImageCacheEntry> In(string cache, string node, CacheUse use)
    {
        List<ImageCacheEntry> entries = [];
        if (!NodeCache.IsSafe(cache))
            // root's may be one that nobody has used yet
            return cache != NodeCache.Own || stat(cache, out _, follow: false) != 0 ? entries : throw CacheErrors.Unsafe(cache);
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
        (Directory.Exists(cache + "/published") ? Directory.EnumerateFiles(cache + "/published") : [])
            .Select(f => OpenedFile.TryTextFound(f)?.Split('\n'))
            .Where(l => l is [_, _, _, ""]).ToLookup(l => l![1], l => l![2]);

    public static string PinPath(string cache, string digest) => $"{cache}/pins/{digest[Digest.Prefix.Length..]}";

    /// <summary>Takes an entry away with all that belongs to it. False while somebody publishes or uses it.</summary>
    public static bool TryRemove(string cache, ImageCacheEntry entry)
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
}
