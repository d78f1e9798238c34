using Slipway.Cache;
using Slipway.Linux;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Controller;

/// <summary>
/// Looks after the caches of this node and of others: what <c>Get-</c>, <c>Remove-</c>, <c>Clear-</c>, <c>Lock-</c> and
/// <c>Unlock-ImageCache</c> do.
/// </summary>
public static class ImageCache
{
    /// <summary>The digest that is meant: as it is, or that of an image file, by its record where it was published.</summary>
    /// <exception cref="SlipwayException">It is neither.</exception>
    public static string DigestOf(string image, CancellationToken cancel = default)
    {
        if (image.StartsWith(Digest.Prefix, StringComparison.Ordinal))
            return Digest.IsValid(image) ? image : throw CacheErrors.BadDigest(image);
        string path = Path.GetFullPath(image);
        if (stat(path, out statx found) != 0)
            throw CacheErrors.NoSuchImageOrDigest(path);
        return NodeCache.FindPublished(path, found) ?? Digest.OfFile(path, cancel: cancel);
    }

    /// <param name="failed">Gets the error of each node that failed; the others go on.</param>
    /// <returns>The entries that it was done to, node by node.</returns>
    /// <exception cref="SlipwayException">The verb is given what cannot be meant; or only this node is asked, and fails.</exception>
    public static IReadOnlyList<ImageCacheEntry> Do(CacheVerb verb, NodeSelection selection, Action<SlipwayException> failed,
        CancellationToken cancel = default)
    {
        verb.Check();
        if (selection.IsHere)
            return verb.Do(Environment.MachineName);
        IReadOnlyList<string> nodes = selection.Resolve();
        Dictionary<string, IReadOnlyList<ImageCacheEntry>> found = [];
        Dictionary<string, SlipwayException> errors = [];
        List<string> remote = [];
        foreach (string node in nodes)
            if (!NodeName.IsValid(node))
                errors[node] = StagingErrors.BadNodeName(node);
            else if (!NodeName.IsThis(node))
                remote.Add(node);
            else
                try
                {
                    found[node] = verb.Do(node);
                }
                catch (SlipwayException e)
                {
                    errors[node] = e;
                }
        Dictionary<string, NodeReply.Answer> answers = remote.Count == 0 ? []
            : Ask(NodeStarter.Choose(selection.JobId, remote), remote, verb, selection.ThrottleLimit, cancel);
        foreach ((string node, NodeReply.Answer answer) in answers)
            switch (answer)
            {
                case NodeReply.Entries entries:
                    found[node] = entries.All;
                    break;
                case NodeReply.Failed error:
                    errors[node] = StagingErrors.OfNode(node, error.Error);
                    break;
                default:
                    errors[node] = StagingErrors.OfNode(node, StagingErrors.AnswerUnexpected(answer));
                    break;
            }
        foreach (string node in nodes)
            if (errors.TryGetValue(node, out SlipwayException? error))
                failed(error);
        return [.. nodes.Where(found.ContainsKey).SelectMany(n => found[n])];
    }
    static Dictionary<string, NodeReply.Answer> Ask(NodeStarter starter, IReadOnlyList<string> nodes, CacheVerb verb, int limit,
        CancellationToken cancel)
    {
        Dictionary<string, NodeReply.Answer> answers = NodeCall.Ask(starter, nodes, new NodeRequest.Keep(verb), limit, cancel: cancel);
        List<string> lacking = [.. nodes.Where(n => answers[n] is NodeReply.LacksProgram)];
        if (lacking.Count == 0)
            return answers;
        // our program is brought with a harmless question: what a node changes is asked of it once
        NodeRequest harmless = new NodeRequest.Keep(new CacheVerb.List());
        foreach ((string node, NodeReply.Answer answer) in NodeCall.Ask(starter, lacking, harmless, limit, bring: true, cancel: cancel))
            answers[node] = answer;
        List<string> able = [.. lacking.Where(n => answers[n] is NodeReply.Entries)];
        foreach ((string node, NodeReply.Answer answer) in NodeCall.Ask(starter, able, new NodeRequest.Keep(verb), limit, cancel: cancel))
            answers[node] = answer;
        return answers;
    }
}
