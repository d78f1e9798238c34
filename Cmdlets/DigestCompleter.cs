using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using Slipway.Cache;
using Slipway.Staging.Controller;

namespace Slipway.Cmdlets;

/// <summary>Completes <c>sha256:…</c> to the digests that this node's cache has; anything else is left to be completed as a path.</summary>
public sealed class DigestCompleter : IArgumentCompleter
{
    const string Prefix = "sha256:";

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        // shorter ones may be names of files
        if (wordToComplete.Length < 3
            || !Prefix.StartsWith(wordToComplete[..Math.Min(wordToComplete.Length, Prefix.Length)], StringComparison.Ordinal))
            return [];
        try
        {
            return [.. ImageCache.Do(new CacheVerb.List(), new NodeSelection(), _ => { })
                .Where(e => e.Digest.StartsWith(wordToComplete, StringComparison.Ordinal)).DistinctBy(e => e.Digest)
                .Select(e => new CompletionResult(e.Digest, e.Digest, CompletionResultType.ParameterValue, e.Sources is [var source, ..]
                    ? source : e.Digest))];
        }
        catch (SlipwayException)
        {
            return [];
        }
    }
}
