using Slipway.Cache;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Controller;

/// <summary>An image on its way to nodes: what is sent, and what has become of each node.</summary>
sealed class StageWork
{
    readonly Dictionary<string, Placement> placements = [];
    readonly Dictionary<string, SlipwayException> errors = [];
    readonly IProgress<StepProgress>? progress;
    readonly Action<Placement>? placed;

    public StageWork(string path, Placement source, FabricPlan? plan, int width, int limit, Action<Placement>? placed, IProgress<StepProgress>? progress)
    {
        (Path, Entry, Digest, Plan, Width, Limit, this.placed, this.progress) = (path, source.Path, source.Digest, plan, width, limit, placed, progress);
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

    /// <summary>Nobody else has a partial file of this name.</summary>
    readonly string partial = Guid.NewGuid().ToString("n");

    public StageRequest Request(string action, string transport) => new()
    {
        Action = action, Transport = transport, Digest = Digest, Size = Size, Path = Path, Source = Stamp, Plan = Plan, Partial = partial, Launcher = LauncherBundle.Own.Name,
    };

    public void Report(string node, string step, long bytes = -1) =>
        progress?.Report(new StepProgress($"Publishing {System.IO.Path.GetFileName(Path)}", step, bytes < 0 ? -1 : (int)(100 * bytes / Math.Max(1, Size)), node));

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

    public void Fail(string node, SlipwayException error)
    {
        lock (placements)
            if (!placements.ContainsKey(node))
                errors[node] = error;
        Report(node, "failed: " + error.Message);
    }

    /// <summary>Takes a node's last word.</summary>
    /// <returns>False where it was none.</returns>
    public bool Take(string node, StageReply reply)
    {
        if (reply is { Kind: "done", Placement: { } placement } && placement.Digest == Digest)
            Succeed(node, placement);
        else if (reply is { Kind: "error", Error: { } error })
            Fail(node, NodeCall.Error(node, error));
        else
            return false;
        return true;
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

/// <summary>How an image gets to nodes that lack it.</summary>
interface ITransport
{
    /// <summary>As <see cref="Placement.Transport"/> tells it.</summary>
    string Name { get; }

    /// <summary>How the nodes are reached before: asked what they have, given our launcher.</summary>
    NodeStarter Starter { get; }

    /// <summary>Sends; each node ends with a placement, whose digest was checked on the node, or with an error.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled; nodes that were not done have nothing.</exception>
    void Send(StageWork work, IReadOnlyList<string> nodes, CancellationToken cancel);
}
