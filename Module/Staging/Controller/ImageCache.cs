using Slipway.Cache;
using Slipway.Linux;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Controller;

/// <summary>Looks after the caches of this node and of others: what <c>Get-</c>, <c>Remove-</c>, <c>Clear-</c>, <c>Lock-</c> and <c>Unlock-ImageCache</c> do.</summary>
public static class ImageCache
{
    /// <param name="failed">Gets the error of each node that failed; the others go on.</param>
    public static IReadOnlyList<ImageCacheEntry> List(NodeSelection nodes, Action<SlipwayException> failed, CancellationToken cancel = default) =>
        Do(nodes, new StageRequest { Action = "list" }, CacheKeeper.List, failed, cancel);

    /// <summary>Removes entries by digest, pinned ones too.</summary>
    /// <returns>What was removed.</returns>
    public static IReadOnlyList<ImageCacheEntry> Remove(NodeSelection nodes, IReadOnlyList<string> digests, Action<SlipwayException> failed, CancellationToken cancel = default) =>
        Do(nodes, new StageRequest { Action = "remove", Digests = Valid(digests) }, node => CacheKeeper.Remove(node, digests), failed, cancel);

    /// <summary>Removes what was not used for <paramref name="maxAge"/>, and the least recently used until <paramref name="maxSize"/> bytes are left on each node; without either all that is neither in use nor pinned.</summary>
    /// <returns>What was removed.</returns>
    public static IReadOnlyList<ImageCacheEntry> Clear(NodeSelection nodes, long? maxSize, TimeSpan? maxAge, Action<SlipwayException> failed, CancellationToken cancel = default) =>
        maxSize < 0 || maxAge < TimeSpan.Zero ? throw new SlipwayException("BadLimit", ErrorKind.InvalidArgument, "neither a size nor an age can be negative", "Give bytes, and a span of time.")
        : Do(nodes, new StageRequest { Action = "clear", MaxSize = maxSize, MaxAge = maxAge?.TotalSeconds }, node => CacheKeeper.Clear(node, maxSize, maxAge), failed, cancel);

    /// <summary>Pins entries, so that they are never cleared, or lets them go again.</summary>
    /// <returns>The entries as they are then.</returns>
    public static IReadOnlyList<ImageCacheEntry> Pin(NodeSelection nodes, IReadOnlyList<string> digests, bool pinned, Action<SlipwayException> failed, CancellationToken cancel = default) =>
        Do(nodes, new StageRequest { Action = pinned ? "lock" : "unlock", Digests = Valid(digests) }, node => CacheKeeper.Pin(node, digests, pinned), failed, cancel);

    /// <summary>The digest that is meant: as it is, or that of an image file, by its record where it was published.</summary>
    /// <exception cref="SlipwayException">It is neither.</exception>
    public static string DigestOf(string image, CancellationToken cancel = default)
    {
        if (image.StartsWith(Digest.Prefix, StringComparison.Ordinal))
            return Valid([image])[0];
        string path = Path.GetFullPath(image);
        if (stat(path, out statx found) != 0)
            throw new SlipwayException("ImageNotFound", ErrorKind.ObjectNotFound, $"{path}: there is no such image", "Give the path of an image, or sha256: and its digest (Get-ImageCache shows them).", path);
        return NodeCache.FindPublished(path, found) ?? Digest.OfFile(path, cancel: cancel);
    }

    // they become parts of paths
    static IReadOnlyList<string> Valid(IReadOnlyList<string> digests) => digests.FirstOrDefault(d => !Digest.IsValid(d)) is { } bad
        ? throw new SlipwayException("DigestInvalid", ErrorKind.InvalidArgument, $"'{bad}' is not a digest: sha256: and 64 hexadecimal digits are needed", null, bad) : digests;

    static IReadOnlyList<ImageCacheEntry> Do(NodeSelection selection, StageRequest request, Func<string, IReadOnlyList<ImageCacheEntry>> here, Action<SlipwayException> failed, CancellationToken cancel)
    {
        if (selection.IsHere)
            return here(Environment.MachineName);
        IReadOnlyList<string> nodes = selection.Resolve();
        Dictionary<string, IReadOnlyList<ImageCacheEntry>> found = [];
        Dictionary<string, SlipwayException> errors = [];
        foreach (string node in nodes.Where(n => !NodeName.IsValid(n)))
            errors[node] = NodeName.Bad(node);
        foreach (string node in nodes.Where(n => NodeName.IsValid(n) && NodeName.IsThis(n)))
            try
            {
                found[node] = here(node);
            }
            catch (SlipwayException e)
            {
                errors[node] = e;
            }
        List<string> remote = [.. nodes.Where(n => NodeName.IsValid(n) && !NodeName.IsThis(n))];
        if (remote.Count > 0)
        {
            NodeStarter starter = NodeStarter.Choose(selection.JobId, remote);
            Dictionary<string, StageReply> answers = NodeCall.Ask(starter, remote, request, selection.ThrottleLimit, cancel: cancel);
            List<string> lacking = [.. remote.Where(n => answers[n].Kind == "lacks")];
            // the launcher is brought with a harmless question: what a node changes is asked of it once
            if (lacking.Count > 0)
            {
                Dictionary<string, StageReply> brought = NodeCall.Ask(starter, lacking, new StageRequest { Action = "list" }, selection.ThrottleLimit, bring: true, cancel: cancel);
                List<string> able = [.. lacking.Where(n => brought[n].Kind == "entries")];
                foreach ((string node, StageReply reply) in brought.Concat(NodeCall.Ask(starter, able, request, selection.ThrottleLimit, cancel: cancel)).ToList())
                    answers[node] = reply;
            }
            foreach ((string node, StageReply reply) in answers)
                if (reply is { Kind: "entries", Entries: { } entries })
                    found[node] = entries;
                else
                    errors[node] = NodeCall.Error(node, reply.Error ?? new StageError("NodeUnreachable", ErrorKind.ConnectionError, $"it answered '{reply.Kind}'", null));
        }
        foreach (string node in nodes)
            if (errors.TryGetValue(node, out SlipwayException? error))
                failed(error);
        return [.. nodes.Where(found.ContainsKey).SelectMany(n => found[n])];
    }
}
