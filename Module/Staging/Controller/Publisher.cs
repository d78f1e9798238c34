using Microsoft.Win32.SafeHandles;
using Slipway.Cache;
using Slipway.Images;
using Slipway.Linux;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Controller;

/// <summary>What to publish, where to, and how.</summary>
public sealed record PublishRequest
{
    /// <summary>Path of the image; ignored where <see cref="Image"/> is given.</summary>
    public string Path { get; init; } = "";

    /// <summary>An image that was described before: what is published must have its digest.</summary>
    public ContainerImage? Image { get; init; }

    public NodeSelection Nodes { get; init; } = new();

    /// <summary><c>Sbcast</c>, <c>SshTree</c>, <c>SharedFile</c> or <c>Local</c>; null takes the first that is there.</summary>
    public string? Transport { get; init; }

    /// <summary>How many nodes each passes the image on to (<c>SshTree</c>; <c>Sbcast</c>'s fan-out); 0 is the transport's own.</summary>
    public int Width { get; init; }

    /// <summary>How often nodes that failed are tried again.</summary>
    public int Retry { get; init; } = 1;
}

/// <summary>Publishes an image: one reader of the shared filesystem, one checked copy a node.</summary>
public static class Publisher
{
    /// <summary>Each node sends twice what it receives at most, and 1000 nodes are nine steps deep.</summary>
    internal const int DefaultWidth = 2;

    public static IReadOnlyList<string> Transports { get; } = ["Sbcast", "SshTree", "SharedFile", "Local"];

    /// <summary>Copies the image into this node's cache, reading it once, and from there to all nodes that lack it.</summary>
    /// <param name="placed">Gets each node's result as it comes.</param>
    /// <param name="failed">Gets the error of each node that failed in the end.</param>
    /// <param name="warn">Gets a sentence where a fabric plan does not go along.</param>
    /// <returns>The image, with a placement for each node that has it now.</returns>
    /// <exception cref="SlipwayException">There is no such image, or nothing can reach nodes from here, or this node's own cache cannot be used.</exception>
    public static ContainerImage Publish(PublishRequest request, Action<Placement>? placed = null, Action<SlipwayException>? failed = null, IProgress<StepProgress>? progress = null,
        CancellationToken cancel = default, Action<string>? warn = null)
    {
        if (request.Width < 0 || request.Retry < 0)
            throw new SlipwayException("BadWidth", ErrorKind.InvalidArgument, "the width of a tree and the number of retries cannot be negative", "Give 1 or more (0: the default).");
        string path = System.IO.Path.GetFullPath(request.Image?.Path ?? request.Path);
        IReadOnlyList<string> nodes = request.Nodes.Resolve();
        List<string> good = [.. nodes.Where(NodeName.IsValid)];
        List<string> remote = [.. good.Where(n => !NodeName.IsThis(n))];
        ITransport? transport = remote.Count == 0 ? null : Choose(request, remote);
        if (remote.Count == 0 && request.Transport is not (null or "Local") && !Transports.Contains(request.Transport))
            throw Unknown(request.Transport);

        FabricPlan? plan = null;
        Placement here;
        int held, tries = 0;
        // kept until the last node has it, though somebody clears the cache meanwhile
        do
            here = CacheWriter.Publish(path, request.Image?.Digest, digest => plan = PlanFor(request.Image, path, digest, warn ?? (_ => { })), good.Find(NodeName.IsThis) ?? Environment.MachineName, "Local", remote.Count > 0 ? LauncherBundle.Own.LinkHere() : null, progress, cancel);
        while ((held = NodeCache.Hold(here.Path)) < 0 && ++tries < NodeCache.Most);
        using SafeFileHandle entry = new(held, ownsHandle: true);
        ContainerImage image = request.Image ?? ImageReader.Read(path, here.Digest, cancel, here.Path);
        image.FabricPlan ??= plan;
        StageWork work = new(path, here, plan, request.Width, request.Nodes.ThrottleLimit, placed, progress);
        if (request.Nodes.IsHere)
            work.Succeed(here.Node, here);
        foreach (string node in good.Where(NodeName.IsThis))
            work.Succeed(node, here);
        foreach (string bad in nodes.Except(good))
            work.Fail(bad, NodeName.Bad(bad));

        for (int round = 0; round <= request.Retry && transport is not null; round++)
        {
            List<string> left = [.. remote.Where(n => work.PlacementOf(n) is null)];
            if (left.Count == 0)
                break;
            if (round > 0)
                cancel.WaitHandle.WaitOne(1000);
            cancel.ThrowIfCancellationRequested();
            List<string> missing = Probe(work, transport, left, cancel);
            if (missing.Count > 0)
                transport.Send(work, missing, cancel);
        }

        IReadOnlyList<string> all = request.Nodes.IsHere ? [here.Node] : nodes;
        image.Placements = [.. all.Select(work.PlacementOf).OfType<Placement>()];
        foreach (SlipwayException error in all.Select(work.ErrorOf).OfType<SlipwayException>())
            failed?.Invoke(error);
        return image;
    }

    /// <summary>The plan that goes along: the object's, or the one that lies beside the image; of this image, and made by who publishes, or by root.</summary>
    static FabricPlan? PlanFor(ContainerImage? image, string path, string digest, Action<string> warn)
    {
        FabricPlan? plan = image?.FabricPlan ?? FabricPlanFile.Find(path, digest, SiteConfiguration.Read().Libraries, warn);
        if (plan is not null && NodeCache.WhyNotPublished(plan) is { } why)
        {
            warn($"the fabric plan '{FabricPlanFile.PathFor(path)}' is left out: it {why} (slipway fabric makes a new one)");
            return null;
        }
        if (plan is { Verdict: not FabricRung.None } && NodeCache.IsRoots(digest))
            warn($"root has put this image into {NodeCache.RootCache}: containers on this node get the fabric plan that root has put there, "
                + $"not '{FabricPlanFile.PathFor(path)}' (slipway run --fabric FILE takes that)");
        return plan;
    }

    /// <summary>Asks nodes for the image, bringing our launcher where there is none.</summary>
    /// <returns>Those that lack the image.</returns>
    static List<string> Probe(StageWork work, ITransport transport, IReadOnlyList<string> nodes, CancellationToken cancel)
    {
        StageRequest request = work.Request("probe", transport.Name);
        Dictionary<string, StageReply> Ask(IReadOnlyList<string> which, bool bring)
        {
            foreach (string node in which)
                work.Report(node, bring ? "bringing slipway along" : "asking");
            return NodeCall.Ask(transport.Starter, which, request, work.Limit, bring, answered: (node, reply) => work.Take(node, reply), cancel: cancel);
        }
        Dictionary<string, StageReply> answers = Ask(nodes, bring: false);
        List<string> lacking = [.. nodes.Where(n => answers[n].Kind == "lacks")];
        foreach ((string node, StageReply reply) in lacking.Count > 0 ? Ask(lacking, bring: true) : [])
            answers[node] = reply;
        return [.. nodes.Where(n => answers[n].Kind == "miss")];
    }

    static SlipwayException Unknown(string name) => new("UnknownTransport", ErrorKind.InvalidArgument, $"'{name}' is not a transport", $"Choose one of: {string.Join(", ", Transports)}.", name);

    static ITransport Choose(PublishRequest request, IReadOnlyList<string> nodes)
    {
        string? job = request.Nodes.JobId ?? NodeStarter.SlurmJob;
        NodeStarter? ofJob = NodeStarter.OfJob(request.Nodes.JobId, nodes);
        switch (request.Transport)
        {
            case "SshTree":
                return new SshTreeTransport();
            case "SharedFile":
                return new SharedFileTransport(NodeStarter.Choose(request.Nodes.JobId, nodes));
            case "Sbcast":
                HostProgram.Find("sbcast");
                return job is not null ? new SbcastTransport(job) : throw new SlipwayException("NotInAllocation", ErrorKind.InvalidOperation, "sbcast works in an allocation of Slurm's alone, and here is none",
                    "Call it inside a job (salloc, sbatch), name one (-JobId), or choose another transport.", "Sbcast");
            case "Local":
                throw new SlipwayException("TransportIsLocal", ErrorKind.InvalidArgument, $"the transport Local reaches no other node, and {nodes[0]} is another", $"Choose one of: {string.Join(", ", Transports.SkipLast(1))}.", "Local");
            case null when ofJob is { Name: "srun" } && HostProgram.TryFind("sbcast") is not null:
                return new SbcastTransport(job!);
            case null when ofJob is not null:
                return new SharedFileTransport(ofJob);
            case null when HostProgram.TryFind("ssh") is not null:
                return new SshTreeTransport();
            case null:
                return new SharedFileTransport(NodeStarter.Choose(null, nodes));
            default:
                throw Unknown(request.Transport);
        }
    }
}
