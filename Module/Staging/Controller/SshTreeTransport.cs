using System.Globalization;
using Slipway.Cache;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Controller;

/// <summary>
/// SSH starts a receiver on each node; the receivers form a tree whose root is here, and each passes the image on while it receives. Each knows all nodes
/// above it: where one dies, those below go on with the next one up, in the end with us, and where no network leads to us, through SSH itself.
/// </summary>
sealed class SshTreeTransport : ITransport
{
    /// <summary>A node that makes no progress for this long is given up, in milliseconds.</summary>
    const int Patience = 60_000;

    /// <summary>How often it is looked whether a node holds up those below it, in milliseconds.</summary>
    const int Watch = 2_000;

    public string Name => "SshTree";

    public NodeStarter Starter { get; } = NodeStarter.BySsh;

    /// <summary>One node of the tree.</summary>
    sealed class Branch(string node)
    {
        public string Node { get; } = node;
        public NodeSession? Session { get; set; }
        public string? Address { get; set; }
        public Branch? Parent { get; set; }
        public bool Placed { get; set; }
        public bool Over { get; set; }
        public bool Busy { get; set; }
        public long Bytes { get; set; }
        public long Before { get; set; }
        public long MovedAt { get; set; } = Environment.TickCount64;
    }

    public void Send(StageWork work, IReadOnlyList<string> nodes, CancellationToken cancel)
    {
        using GrowingFile file = GrowingFile.Whole(work.Entry);
        using TreeServer server = new(file, work.Token);
        string root = string.Create(CultureInfo.InvariantCulture, $"controller {server.Port}");
        foreach (string[] wave in nodes.Chunk(work.Limit))
            new Tree(work, Starter, file, root, wave).Run(cancel);
    }

    sealed class Tree(StageWork work, NodeStarter starter, GrowingFile file, string root, IEnumerable<string> nodes)
    {
        readonly object gate = new();
        readonly List<Branch> branches = [.. nodes.Select(n => new Branch(n))];
        readonly List<Branch> joined = [];
        bool grown;

        /// <summary>The most that a node has got in a watch.</summary>
        long best;

        /// <summary>The node that was led around a slow one last, what it got in the watch before, and for how many more watches nothing is tried since that was no help.</summary>
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
                    NodeSession session = new(starter, [branch.Node], work.Request("receive", "SshTree"), (_, reply) => Take(branch, reply));
                    session.Send(new StageOrder { Token = work.Token });
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

        void Take(Branch branch, StageReply reply)
        {
            lock (gate)
            {
                switch (reply.Kind)
                {
                    case "ready" when reply.Address is { } address && branch.Address is null:
                        branch.Address = string.Create(CultureInfo.InvariantCulture, $"{address} {reply.Port}");
                        branch.Busy = false;
                        joined.Add(branch);
                        // late ones, after a wait for another producer, read from us
                        if (grown)
                            branch.Session?.Send(new StageOrder { Sources = [root] });
                        break;
                    case "busy":
                        branch.Busy = true;
                        work.Report(branch.Node, "waits for another who publishes it there");
                        break;
                    case "at":
                        if (reply.Bytes > branch.Bytes)
                            branch.MovedAt = Environment.TickCount64;
                        branch.Bytes = reply.Bytes;
                        work.Report(branch.Node, reply.Bytes < work.Size ? "receiving" : "syncing", reply.Bytes);
                        break;
                    case "stream":
                        work.Report(branch.Node, "reaches nobody, so it goes through ssh", reply.Bytes);
                        branch.Session?.Stream(file, reply.Bytes);
                        break;
                    case "done" or "error":
                        branch.Over = work.Take(branch.Node, reply);
                        branch.Placed = branch.Over && reply.Kind == "done";
                        branch.Bytes = branch.Placed ? work.Size : branch.Bytes;
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
            bool stuck = !branch.Busy && now - (branch.Address is null ? branch.Session.LastHeard : Math.Max(branch.MovedAt, branch.Bytes == work.Size ? branch.Session.LastHeard : 0)) > Patience;
            if (!ended && !stuck)
                return;
            branch.Over = true;
            work.Fail(branch.Node, NodeCall.Error(branch.Node, stuck
                ? new StageError("NodeTimeout", ErrorKind.OperationTimeout, string.Create(CultureInfo.InvariantCulture, $"it does not get on: {branch.Bytes} of {work.Size} bytes for {Patience / 1000} s"), null)
                : new StageError("NodeUnreachable", ErrorKind.ConnectionError, NodeCall.Why(starter, branch.Session), null)));
            if (stuck)
                branch.Session.Kill();
        }

        void Grow()
        {
            grown = true;
            List<Branch> tree = [.. branches.Where(b => !b.Over && joined.Contains(b))];
            int width = work.Width > 0 ? work.Width : Publisher.DefaultWidth;
            for (int i = 0; i < tree.Count; i++)
            {
                tree[i].Parent = i < width ? null : tree[(i / width) - 1];
                tree[i].MovedAt = Environment.TickCount64;
                tree[i].Session!.Send(new StageOrder { Sources = [.. Above(tree[i]), root] });
            }
        }

        /// <summary>The nodes above, the next one first.</summary>
        static IEnumerable<string> Above(Branch branch)
        {
            for (Branch? above = branch.Parent; above is not null; above = above.Parent)
                yield return above.Address!;
        }

        /// <summary>
        /// A node that gets less than a quarter of what any has got in a watch may hold up those below it: they read from above it instead. One such node a watch, from the
        /// top, since those below it are slow too; and where that was no help, as where the whole network has become slow, the tree is left as it is for a while.
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
            else if (joined.Where(b => b.Parent is { Over: false } p && !b.Over && p.Bytes < work.Size && Got(p) * 4 < best).Select(b => b.Parent!).MinBy(p => Above(p).Count()) is { } slow)
                foreach (Branch branch in joined.Where(b => b.Parent == slow && !b.Over))
                {
                    work.Report(branch.Node, $"{slow.Node} is slow, so it goes around", branch.Bytes);
                    (tried, triedBefore) = (branch, Got(branch));
                    branch.Parent = slow.Parent;
                    branch.Session!.Send(new StageOrder { Sources = [.. Above(branch), root] });
                }
            joined.ForEach(b => b.Before = b.Bytes);
        }

        static long Got(Branch branch) => branch.Bytes - branch.Before;
    }
}
