using Microsoft.Win32.SafeHandles;
using Slipway.Cache;
using Slipway.Images;
using Slipway.Linux;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Controller;

/// <summary>Publishes an image: one reader of the shared filesystem, one checked copy a node.</summary>
public static class Publisher
{
    public static IReadOnlyList<string> Transports { get; } = Enum.GetNames<Transport>();

    /// <exception cref="SlipwayException">There is no such transport.</exception>
    public static Transport TransportNamed(string name) => Transports.Contains(name, StringComparer.OrdinalIgnoreCase)
        ? Enum.Parse<Transport>(name, ignoreCase: true) : throw StagingErrors.UnknownTransport(name, Transports);

    /// <summary>Copies the image into this node's cache, reading it once, and from there to all nodes that lack it.</summary>
    /// <param name="placed">Gets each node's result as it comes.</param>
    /// <param name="failed">Gets the error of each node that failed in the end.</param>
    /// <param name="warn">Gets a sentence where a fabric plan does not go along.</param>
    /// <returns>The image, with a placement for each node that has it now.</returns>
    /// <exception cref="SlipwayException">There is no such image, or nothing can reach nodes from here, or this node's own cache cannot be
    /// used.</exception>
    public static ContainerImage Publish(PublishRequest request, Action<Placement>? placed = null, Action<SlipwayException>? failed = null,
        IProgress<StepProgress>? progress = null,
        CancellationToken cancel = default, Action<string>? warn = null)
    {
        if (request.Width < 0 || request.Retry < 0)
            throw StagingErrors.BadWidth();
        string path = System.IO.Path.GetFullPath(request.Image?.Path ?? request.Path);
        IReadOnlyList<string> nodes = request.Nodes.Resolve();
        List<string> good = [.. nodes.Where(NodeName.IsValid)];
        List<string> remote = [.. good.Where(n => !NodeName.IsThis(n))];
        ITransport? transport = remote.Count == 0 ? null : Choose(request, remote);

        FabricPlan? plan = null;
        Placement here;
        int held, tries = 0;
        // kept until the last node has it, though somebody clears the cache meanwhile
        do
            here = CacheWriter.Publish(path, request.Image?.Digest,
                digest => plan = PlanFor(request.Image, path, digest, warn ?? (_ => { })),
                good.Find(NodeName.IsThis) ?? Environment.MachineName, Transport.Local,
                remote.Count > 0 ? ProgramBundle.Own.LinkHere() : null, progress, cancel);
        while ((held = NodeCache.Hold(here.Path)) < 0 && ++tries < NodeCache.Most);
        using SafeFileHandle entry = new(held, ownsHandle: true);
        ContainerImage image = request.Image ?? ImageReader.Read(path, here.Digest, cancel, here.Path);
        image.FabricPlan ??= plan;
        PublishWork work = new(path, here, plan, request.Width, request.Nodes.ThrottleLimit, placed, progress);
        if (request.Nodes.IsHere)
            work.Succeed(here.Node, here);
        foreach (string node in good.Where(NodeName.IsThis))
            work.Succeed(node, here);
        foreach (string bad in nodes.Except(good))
            work.Fail(bad, StagingErrors.BadNodeName(bad));

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

    /// <summary>
    /// The plan that goes along: the object's, or the one that lies beside the image; of this image, and made by who publishes, or by root.
    /// </summary>
    static FabricPlan? PlanFor(ContainerImage? image, string path, string digest, Action<string> warn)
    {
        FabricPlan? plan = image?.FabricPlan ?? FabricPlanFile.Find(path, digest, SiteConfiguration.Read().Libraries, warn);
        if (plan is not null && NodeCache.WhyNotPublished(plan) is { } why)
        {
            warn($"the fabric plan '{FabricPlanFile.PathFor(path)}' is left out: it {why} (slipway fabric makes a new one)");
            return null;
        }
        if (plan is { Verdict: not FabricRung.None } && NodeCache.IsRoots(digest))
            warn($"root has put this image into {NodeCache.RootCache}: "
                + "containers on this node get the fabric plan that root has put there, "
                + $"not '{FabricPlanFile.PathFor(path)}' (slipway run --fabric FILE takes that)");
        return plan;
    }

    /// <summary>Asks nodes for the image, bringing our program where there is none.</summary>
    /// <returns>Those that lack the image.</returns>
    static List<string> Probe(PublishWork work, ITransport transport, IReadOnlyList<string> nodes, CancellationToken cancel)
    {
        NodeRequest request = new NodeRequest.Probe(work.Image(transport.Transport));
        List<string> lackProgram = [], lackImage = [];
        void Ask(IReadOnlyList<string> which, bool bring)
        {
            foreach (string node in which)
                work.Report(node, bring ? "bringing slipway along" : "asking");
            NodeCall.Ask(transport.Starter, which, request, work.Limit, bring, (node, answer) =>
            {
                if (answer is NodeReply.LacksImage)
                    lackImage.Add(node);
                else if (answer is NodeReply.LacksProgram && !bring)
                    lackProgram.Add(node);
                else
                    work.Take(node, answer);
            }, cancel);
        }
        Ask(nodes, bring: false);
        Ask(lackProgram, bring: true);
        return [.. nodes.Where(lackImage.Contains)];
    }

    static ITransport Choose(PublishRequest request, IReadOnlyList<string> nodes)
    {
        string? job = request.Nodes.JobId;
        switch (request.Transport)
        {
            case Transport.SshTree:
                return new SshTreeTransport();
            case Transport.SharedFile:
                return new SharedFileTransport(NodeStarter.Choose(job, nodes));
            case Transport.Sbcast:
                HostProgram.Find("sbcast");
                return new SbcastTransport(job ?? NodeStarter.SlurmJob ?? throw StagingErrors.NotInAllocation());
            case Transport.Local:
                throw StagingErrors.TransportIsLocal(nodes[0], Enum.GetValues<Transport>().Except([Transport.Local]));
        }
        NodeStarter? ofJob = NodeStarter.OfJob(job, nodes);
        return ofJob is { Job: { } slurms } && HostProgram.TryFind("sbcast") is not null ? new SbcastTransport(slurms)
            : ofJob is not null ? new SharedFileTransport(ofJob)
            : HostProgram.TryFind("ssh") is not null ? new SshTreeTransport()
            : new SharedFileTransport(NodeStarter.Choose(null, nodes));
    }
}
