using Slipway.Cache;
using Slipway.Staging.Messages;
using Slipway.Staging.Node;

namespace Slipway.Staging.Controller;

/// <summary>
/// SSH starts a receiver on each node; the receivers form a tree whose root is here, and each passes the image on while it receives. Each
/// knows all nodes above it: where one dies, those below go on with the next one up, in the end with us, and where no network leads to us,
/// through SSH itself.
/// </summary>
sealed class SshTreeTransport : ITransport
{
    /// <summary>A node that makes no progress for this long is given up, in milliseconds.</summary>
    const int Patience = 60_000;

    /// <summary>How often it is looked whether a node holds up those below it, in milliseconds.</summary>
    const int Watch = 2_000;

    /// <summary>Each node sends twice what it receives at most, and 1000 nodes are nine steps deep.</summary>
    const int DefaultWidth = 2;

    public Transport Transport => Transport.SshTree;

    public NodeStarter Starter { get; } = NodeStarter.BySsh;

    /// <summary>One node of the tree.</summary>
    sealed class Branch(string node)
    {
        public string Node { get; } = node;
        public NodeSession? Session { get; set; }
        public TreeSource? Address { get; set; }
        public Branch? Parent { get; set; }
        public bool Over { get; set; }
        public bool Busy { get; set; }
        public long Bytes { get; set; }
        public long Before { get; set; }
        public long MovedAt { get; set; } = Environment.TickCount64;
    }

    public void Send(PublishWork work, IReadOnlyList<string> nodes, CancellationToken cancel)
    {
        using GrowingFile file = GrowingFile.Whole(work.Entry);
        using TreeServer server = new(file, work.Token);
        TreeSource root = new(server.Port);
        foreach (string[] wave in nodes.Chunk(work.Limit))
            new Tree(work, Starter, file, root, wave).Run(cancel);
    }

    sealed class Tree(PublishWork work, NodeStarter starter, GrowingFile file, TreeSource root, IEnumerable<string> nodes)
    {
        readonly object gate = new();
        readonly List<Branch> branches = [.. nodes.Select(n => new Branch(n))];
        readonly List<Branch> joined = [];
        bool grown;

        /// <summary>The most that a node has got in a watch.</summary>
        long best;

        /// <summary>
        /// The node that was led around a slow one last, what it got in the watch before, and for how many more watches nothing is tried
        /// since that was no help.
        /// </summary>
        Branch? tried;
        long triedBefore;
        int pause;

        public void Run(CancellationToken cancel)
        {
            try
            {
                foreach (Branch branch in branches)
                {
                    work.Report(branch.Node, "starting by ssh");
                    NodeRequest request = new NodeRequest.Receive(work.Image(Transport.SshTree));
                    NodeSession session = new(starter, [branch.Node], request, (_, reply) => Take(branch, reply));
                    session.Send(new NodeOrder.Begin(work.Token));
                    lock (gate)
                        branch.Session = session;
                }
                long watched = Environment.TickCount64;
                lock (gate)
                    while (branches.Exists(b => !b.Over))
                    {
                        cancel.ThrowIfCancellationRequested();
                        foreach (Branch branch in branches.Where(b => !b.Over))
                            LookAt(branch);
                        // everybody is there, or will not be soon
                        if (!grown && branches.TrueForAll(b => b.Over || b.Busy || b.Address is not null))
                            Grow();
                        if (Environment.TickCount64 - watched > Watch)
                        {
                            watched = Environment.TickCount64;
                            RouteAroundSlow();
                        }
                        Monitor.Wait(gate, 100);
                    }
            }
            finally
            {
                branches.ForEach(b => b.Session?.Close());
                branches.ForEach(b => b.Session?.Dispose());
            }
        }

        void Take(Branch branch, NodeReply reply)
        {
            lock (gate)
            {
                switch (reply)
                {
                    case NodeReply.Listens listens when branch.Address is null:
                        branch.Address = new TreeSource(listens.Port, listens.Address);
                        branch.Busy = false;
                        joined.Add(branch);
                        // late ones, after a wait for another producer, read from us
                        if (grown)
                            branch.Session?.Send(new NodeOrder.ReadFrom([root]));
                        break;
                    case NodeReply.Waits:
                        branch.Busy = true;
                        work.Report(branch.Node, "waits for another who publishes it there");
                        break;
                    case NodeReply.At at:
                        if (at.Bytes > branch.Bytes)
                            branch.MovedAt = Environment.TickCount64;
                        branch.Bytes = at.Bytes;
                        work.Report(branch.Node, at.Bytes < work.Size ? "receiving" : "syncing", at.Bytes);
                        break;
                    case NodeReply.NeedsStream stream:
                        work.Report(branch.Node, "reaches nobody, so it goes through ssh", stream.From);
                        branch.Session?.Stream(file, stream.From);
                        break;
                    case NodeReply.Answer answer:
                        work.Take(branch.Node, answer);
                        branch.Over = true;
                        if (work.PlacementOf(branch.Node) is not null)
                            branch.Bytes = work.Size;
                        break;
                }
                Monitor.Pulse(gate);
            }
        }

        /// <summary>Gives up a node whose session has ended, or that does not move.</summary>
        void LookAt(Branch branch)
        {
            bool ended = branch.Session!.HasEnded;
            long now = Environment.TickCount64;
            // one that waits for another producer says nothing, and may
            bool stuck = !branch.Busy && now - (branch.Address is null ? branch.Session.LastHeard
                : Math.Max(branch.MovedAt, branch.Bytes == work.Size ? branch.Session.LastHeard : 0)) > Patience;
            if (!ended && !stuck)
                return;
            branch.Over = true;
            work.Fail(branch.Node, stuck
                ? StagingErrors.Stuck(branch.Bytes, work.Size, Patience)
                : StagingErrors.Unreachable(branch.Session.WhyItEnded));
            if (stuck)
                branch.Session.Kill();
        }

        void Grow()
        {
            grown = true;
            List<Branch> tree = [.. branches.Where(b => !b.Over && joined.Contains(b))];
            int width = work.Width > 0 ? work.Width : DefaultWidth;
            for (int i = 0; i < tree.Count; i++)
            {
                tree[i].Parent = i < width ? null : tree[(i / width) - 1];
                tree[i].MovedAt = Environment.TickCount64;
                tree[i].Session!.Send(new NodeOrder.ReadFrom([.. Above(tree[i]), root]));
            }
        }

        /// <summary>The nodes above, the next one first.</summary>
        static IEnumerable<TreeSource> Above(Branch branch)
        {
            for (Branch? above = branch.Parent; above is not null; above = above.Parent)
                yield return above.Address!;
        }

        /// <summary>
        /// A node that gets less than a quarter of what any has got in a watch may hold up those below it: they read from above it instead.
        /// One such node a watch, from the top, since those below it are slow too; and where that was no help, as where the whole network
        /// has become slow, the tree is left as it is for a while.
        /// </summary>
        void RouteAroundSlow()
        {
            const int rest = 5;
            best = joined.Select(Got).Append(best).Max();
            if (tried is { Over: false } before && before.Bytes < work.Size && Got(before) < 2 * triedBefore)
                pause = rest;
            tried = null;
            if (pause > 0)
                pause--;
            else if (joined.Where(b => b.Parent is { Over: false } p && !b.Over && p.Bytes < work.Size && Got(p) * 4 < best)
                .Select(b => b.Parent!).MinBy(p => Above(p).Count()) is { } slow)
                foreach (Branch branch in joined.Where(b => b.Parent == slow && !b.Over))
                {
                    work.Report(branch.Node, $"{slow.Node} is slow, so it goes around", branch.Bytes);
                    (tried, triedBefore) = (branch, Got(branch));
                    branch.Parent = slow.Parent;
                    branch.Session!.Send(new NodeOrder.ReadFrom([.. Above(branch), root]));
                }
            joined.ForEach(b => b.Before = b.Bytes);
        }

        static long Got(Branch branch) => branch.Bytes - branch.Before;
    }
}
