using System.Diagnostics.CodeAnalysis;
using System.Management.Automation;
using Slipway.Cache;
using Slipway.Staging.Controller;

namespace Slipway.Cmdlets;

/// <summary>What all cmdlets have that work on other nodes too: which nodes, and how many at a time.</summary>
public abstract class NodeCmdlet : SlipwayCmdlet
{
    /// <summary>Names of the nodes.</summary>
    [Parameter]
    public string[] Node { get; set; } = [];

    /// <summary>The nodes of a partition of Slurm.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(PartitionCompleter))]
    public string? Partition { get; set; }

    /// <summary>The nodes of a job of Slurm, reached through it.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(JobIdCompleter))]
    public string? JobId { get; set; }

    /// <summary>How many are worked on at once.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int ThrottleLimit { get; set; } = new NodeSelection().ThrottleLimit;

    /// <summary>The nodes that are meant; this one where none is named.</summary>
    protected NodeSelection Selection => new() { Nodes = Node, Partition = Partition, JobId = JobId, ThrottleLimit = ThrottleLimit };

    /// <summary>For ShouldProcess: where something is done.</summary>
    protected string Where
    {
        get
        {
            List<string> named = [.. Node];
            if (Partition is not null)
                named.Add($"partition {Partition}");
            if (JobId is not null)
                named.Add($"job {JobId}");
            return named.Count == 0 ? $"the cache {NodeCache.Own}" : $"the caches of {string.Join(", ", named)}";
        }
    }

    /// <summary>The digests that a parameter means: digests as they are, images by their files.</summary>
    protected bool TryDigests(IEnumerable<ImageArgument> images, [NotNullWhen(true)] out IReadOnlyList<string>? digests)
    {
        List<(string? Digest, string Path)> named =
            [.. images.Select(i => (i.Image?.Digest, i.Path.StartsWith("sha256:", StringComparison.Ordinal) ? i.Path : FullPath(i.Path)))];
        return Try((_, cancel) => (IReadOnlyList<string>)[.. named.Select(n => n.Digest ?? ImageCache.DigestOf(n.Path, cancel))],
            out digests);
    }

    /// <summary>Does something with caches and writes the entries that it was done to.</summary>
    protected void WriteEntries(CacheVerb verb)
    {
        NodeSelection nodes = Selection;
        if (Try((report, cancel) => ImageCache.Do(verb, nodes, report.Error, cancel), out IReadOnlyList<ImageCacheEntry>? entries))
            WriteObject(entries, enumerateCollection: true);
    }
}
