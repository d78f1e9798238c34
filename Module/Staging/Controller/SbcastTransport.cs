using Slipway.Linux;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Controller;

/// <summary>
/// Slurm's own broadcast, in an allocation: sbcast(1) copies, and checks nothing; a step on the nodes holds the place, checks, and makes it
/// an entry.
/// </summary>
/// <remarks>
/// sbcast(1) sends to all nodes of a step or to none: one that fails (a full disk) fails them all, so a step that failed is done again in
/// halves.
/// </remarks>
sealed class SbcastTransport(string job) : ITransport
{
    public Transport Transport => Transport.Sbcast;

    public NodeStarter Starter { get; } = NodeStarter.BySrun(job);

    public void Send(PublishWork work, IReadOnlyList<string> nodes, CancellationToken cancel)
    {
        Queue<IReadOnlyList<string>> groups = new([nodes]);
        while (groups.TryDequeue(out IReadOnlyList<string>? group))
            foreach (IReadOnlyList<string> again in SendTo(work, group, cancel))
                groups.Enqueue(again);
    }

    /// <returns>Groups that are to be tried again: smaller ones.</returns>
    List<IReadOnlyList<string>> SendTo(PublishWork work, IReadOnlyList<string> nodes, CancellationToken cancel)
    {
        Dictionary<string, NodeReply.Holds> ready = [];
        HashSet<string> finished = [];
        bool waiting = false;
        object gate = new();
        NodeRequest request = new NodeRequest.AwaitCopy(work.Image(Transport), Guid.NewGuid().ToString("n"));
        using NodeSession session = new(Starter, nodes, request, (node, reply) =>
        {
            lock (gate)
            {
                switch (reply)
                {
                    case NodeReply.Answer answer:
                        work.Take(node, answer);
                        finished.Add(node);
                        break;
                    case NodeReply.Holds place:
                        ready[node] = place;
                        break;
                    case NodeReply.Waits:
                        waiting = true;
                        work.Report(node, "waits for another who publishes it there");
                        break;
                }
                Monitor.Pulse(gate);
            }
        });
        if (!WaitUntil(() => ready.Count + finished.Count >= nodes.Count, () => waiting ? 10 : 1))
        {
            if (ready.Count + finished.Count == 0 && nodes.Count > 1)
                return Halves(nodes);
            foreach (string node in nodes.Where(n => !ready.ContainsKey(n) && !finished.Contains(n)))
                work.Fail(node, StagingErrors.Unreachable(session.WhyItEnded));
        }
        // a path, and no option of sbcast
        List<IGrouping<string, string>> places =
            [.. ready.Where(r => !finished.Contains(r.Key) && r.Value is { Partial: ['/', ..], Step: not null })
                .GroupBy(r => r.Value.Partial, r => r.Key)];
        if (places.Count == 0)
            return [];
        // the step's nodes all get the file at one path: where some are done already, or the cache is not at the same place, the rest goes
        // in steps of its own
        if (places.Count > 1 || finished.Count > 0 || ready.Count < nodes.Count)
            return [.. places.Select(p => (IReadOnlyList<string>)[.. p])];

        foreach (string node in nodes)
            work.Report(node, "sbcast");
        List<string> said = [];
        int exit = HostProgram.Run("sbcast",
            ["--force", $"--jobid={ready[nodes[0]].Step}", .. work.Width > 0 ? (string[])[$"--fanout={Math.Min(64, work.Width)}"] : [],
                work.Entry, places[0].Key],
            said.Add, said.Add, grace: TimeSpan.FromSeconds(2), cancel: cancel);
        if (exit != 0 && nodes.Count > 1)
            return Halves(nodes);
        if (exit != 0)
        {
            work.Fail(nodes[0], StagingErrors.SbcastFailed(said));
            return [];
        }
        foreach (string node in nodes)
            work.Report(node, "checking the digest");
        session.Send(new NodeOrder.CopyIsThere());
        WaitUntil(() => finished.Count >= nodes.Count, () => 10); // a large image takes its time to be hashed
        foreach (string node in nodes.Where(n => !finished.Contains(n)))
            work.Fail(node, StagingErrors.Unreachable(session.WhyItEnded));
        return [];

        bool WaitUntil(Func<bool> done, Func<int> times)
        {
            lock (gate)
                while (!done())
                {
                    cancel.ThrowIfCancellationRequested();
                    if (session.HasEnded || Environment.TickCount64 - session.LastHeard > times() * ReplyLines.Patience.TotalMilliseconds)
                        return done();
                    Monitor.Wait(gate, 100);
                }
            return true;
        }
    }

    static List<IReadOnlyList<string>> Halves(IReadOnlyList<string> nodes) => [.. nodes.Chunk((nodes.Count + 1) / 2)];
}
