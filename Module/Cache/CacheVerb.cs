using System.Text.Json.Serialization;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Cache;

/// <summary>
/// What can be done with the cache of a node. A verb is done where the cache is: here, or on a node that the verb is sent to. Nothing that
/// is in use is ever removed.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "verb")]
[JsonDerivedType(typeof(List), "list")]
[JsonDerivedType(typeof(Remove), "remove")]
[JsonDerivedType(typeof(Clear), "clear")]
[JsonDerivedType(typeof(Pin), "pin")]
public abstract record CacheVerb
{
    CacheVerb()
    {
    }

    /// <exception cref="SlipwayException">What it was given cannot be meant, on whatever node.</exception>
    internal virtual void Check()
    {
    }

    /// <summary>Does it with this user's cache on this node.</summary>
    /// <param name="node">What this node is called in the entries.</param>
    /// <returns>The entries that it was done to.</returns>
    internal abstract IReadOnlyList<ImageCacheEntry> Do(string node);

    // they become parts of paths
    static void Check(IEnumerable<string> digests)
    {
        if (digests.FirstOrDefault(d => !Digest.IsValid(d)) is { } bad)
            throw CacheErrors.BadDigest(bad);
    }

    /// <summary>Lists what this user may read: root's entries too.</summary>
    public sealed record List : CacheVerb
    {
        internal override IReadOnlyList<ImageCacheEntry> Do(string node)
        {
            CacheUse use = CacheUse.Read();
            // one of before, or another version's, may lack a directory
            if (stat(NodeCache.Own, out _, follow: false) == 0)
                NodeCache.Prepare();
            return [.. NodeCache.Readable.SelectMany(cache => CacheEntries.In(cache, node, use))];
        }
    }

    /// <summary>Takes entries away, pinned ones too: who names one means it.</summary>
    /// <exception cref="SlipwayException">There is none, or it is in use; the others have been removed then.</exception>
    public sealed record Remove(IReadOnlyList<string> Digests) : CacheVerb
    {
        internal override void Check() => Check(Digests);

        internal override IReadOnlyList<ImageCacheEntry> Do(string node)
        {
            Check();
            string cache = NodeCache.Prepare();
            List<ImageCacheEntry> removed = [], entries = CacheEntries.In(cache, node, CacheUse.Read());
            SlipwayException? first = null;
            foreach (string digest in Digests)
                if (entries.Find(e => e.Digest == digest) is not { } entry)
                    first ??= CacheErrors.NotCached(cache, digest);
                else if (entry.UsedBy.Count > 0)
                    first ??= CacheErrors.InUse(entry.Path, entry.UsedBy);
                else if (!CacheEntries.TryRemove(cache, entry))
                    first ??= CacheErrors.Locked(entry.Path);
                else
                    removed.Add(entry);
            return first is null ? removed : throw first;
        }
    }

    /// <summary>
    /// Removes what was not used for <paramref name="MaxAge"/>, then the least recently used until no more than <paramref name="MaxSize"/>
    /// bytes are left on the node; without either, all that is neither in use nor pinned.
    /// </summary>
    public sealed record Clear(long? MaxSize = null, TimeSpan? MaxAge = null) : CacheVerb
    {
        internal override void Check()
        {
            if (MaxSize < 0 || MaxAge < TimeSpan.Zero)
                throw CacheErrors.BadLimit();
        }

        internal override IReadOnlyList<ImageCacheEntry> Do(string node)
        {
            Check();
            string cache = NodeCache.Prepare();
            List<ImageCacheEntry> all = CacheEntries.In(cache, node, CacheUse.Read()), removed = [];
            long size = all.Sum(e => e.Size);
            IEnumerable<ImageCacheEntry> free = all.Where(e => !e.Pinned && e.UsedBy.Count == 0);
            foreach (ImageCacheEntry entry in free.OrderBy(e => e.LastUsed).ThenBy(e => e.Digest, StringComparer.Ordinal))
            {
                bool old = MaxAge is { } age && DateTimeOffset.UtcNow - entry.LastUsed > age, much = MaxSize is { } limit && size > limit;
                if ((!old && !much && (MaxAge is not null || MaxSize is not null)) || !CacheEntries.TryRemove(cache, entry))
                    continue;
                removed.Add(entry);
                size -= entry.Size;
            }
            return removed;
        }
    }

    /// <summary>Keeps entries from being cleared, or lets them go again; gives them as they are then.</summary>
    /// <exception cref="SlipwayException">The cache has no such entry.</exception>
    public sealed record Pin(IReadOnlyList<string> Digests, bool Pinned) : CacheVerb
    {
        internal override void Check() => Check(Digests);

        internal override IReadOnlyList<ImageCacheEntry> Do(string node)
        {
            Check();
            string cache = NodeCache.Prepare();
            foreach (string digest in Digests)
            {
                string pin = CacheEntries.PinPath(cache, digest);
                if (stat(NodeCache.EntryPath(cache, digest), out _, follow: false) != 0)
                    throw CacheErrors.NotCached(cache, digest);
                if (!Pinned)
                    unlink(pin);
                else if (!OpenedFile.Write(pin, "", Mode.rw_r__r__))
                    throw CacheErrors.FileNotWritable(pin, errno);
            }
            return [.. CacheEntries.In(cache, node, CacheUse.Read()).Where(e => Digests.Contains(e.Digest))];
        }
    }
}
