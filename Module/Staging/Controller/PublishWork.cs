using Slipway.Cache;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Controller;

/// <summary>An image on its way to nodes: what is sent, and what has become of each node.</summary>
sealed class PublishWork
{
    readonly Dictionary<string, Placement> placements = [];
    readonly Dictionary<string, SlipwayException> errors = [];
    readonly IProgress<StepProgress>? progress;
    readonly Action<Placement>? placed;

    public PublishWork(string path, Placement source, FabricPlan? plan, int width, int limit, Action<Placement>? placed,
        IProgress<StepProgress>? progress)
    {
        (Path, Entry, Digest, Plan, Width, Limit, this.placed, this.progress) =
            (path, source.Path, source.Digest, plan, width, limit, placed, progress);
        Size = new FileInfo(Entry).Length;
        Stamp = stat(path, out statx found) == 0 ? SourceStamp.Of(found) : null;
    }

    /// <summary>As the user named it, absolute.</summary>
    public string Path { get; }

    /// <summary>The checked copy in this node's own cache: this is what is sent.</summary>
    public string Entry { get; }

    public string Digest { get; }
    public long Size { get; }
    public FabricPlan? Plan { get; }
    public SourceStamp? Stamp { get; }

    /// <summary>How many nodes each node passes the image on to.</summary>
    public int Width { get; }

    /// <summary>How many nodes are worked on at a time.</summary>
    public int Limit { get; }

    /// <summary>Other users of the cluster do not know it.</summary>
    public string Token { get; } = Guid.NewGuid().ToString("n") + Guid.NewGuid().ToString("n");

    /// <summary>What nodes are told of the image.</summary>
    public SentImage Image(Transport transport) => new(transport, Digest, Size, Path, ProgramBundle.Own.Name, Stamp, Plan);

    public void Report(string node, string step, long bytes = -1) =>
        progress?.Report(new StepProgress($"Publishing {System.IO.Path.GetFileName(Path)}", step, bytes < 0
            ? -1 : (int)(100 * bytes / Math.Max(1, Size)), node));

    public void Succeed(string node, Placement placement)
    {
        lock (placements)
        {
            if (!placements.TryAdd(node, placement))
                return;
            errors.Remove(node);
            placed?.Invoke(placement);
        }
        Report(node, placement.Hit ? "has it" : "copied and checked", Size);
    }

    public void Fail(string node, NodeError error) => Fail(node, StagingErrors.OfNode(node, error));

    public void Fail(string node, SlipwayException error)
    {
        lock (placements)
            if (!placements.ContainsKey(node))
                errors[node] = error;
        Report(node, "failed: " + error.Message);
    }

    /// <summary>Takes a node's last word.</summary>
    public void Take(string node, NodeReply.Answer answer)
    {
        switch (answer)
        {
            case NodeReply.Done { Placement: var placement } when placement.Digest == Digest:
                Succeed(node, placement);
                break;
            case NodeReply.Failed failed:
                Fail(node, failed.Error);
                break;
            default:
                Fail(node, StagingErrors.AnswerUnexpected(answer));
                break;
        }
    }

    public Placement? PlacementOf(string node)
    {
        lock (placements)
            return placements.GetValueOrDefault(node);
    }

    public SlipwayException? ErrorOf(string node)
    {
        lock (placements)
            return errors.GetValueOrDefault(node);
    }
}
