using Slipway.Staging.Messages;

namespace Slipway.Staging.Controller;

/// <summary>One question to many nodes, a bounded number at a time; every node has exactly one answer, if only an error.</summary>
static class NodeCall
{
    /// <summary>A node that says nothing for this long is given up.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>How long a command may take to end after its answer before it is not waited for. Milliseconds.</summary>
    const int Ending = 3000;

    /// <param name="bring">Nodes get our launcher with the question.</param>
    /// <param name="progress">Gets what is no answer yet.</param>
    public static Dictionary<string, StageReply> Ask(NodeStarter starter, IReadOnlyList<string> nodes, StageRequest request, int limit, bool bring = false,
        Action<string, StageReply>? progress = null, Action<string, StageReply>? answered = null, CancellationToken cancel = default)
    {
        Dictionary<string, StageReply> answers = [];
        Queue<IReadOnlyList<string>> waiting = new(nodes.Chunk(starter.Grouped ? limit : 1));
        List<NodeSession> active = [];
        object gate = new();
        void Replied(string node, StageReply reply)
        {
            lock (gate)
            {
                if (reply.Kind is "busy" or "at" or "ready")
                    progress?.Invoke(node, reply);
                else if (answers.TryAdd(node, reply))
                    answered?.Invoke(node, reply);
                Monitor.Pulse(gate);
            }
        }
        void Failed(string node, string id, ErrorKind kind, string why) =>
            Replied(node, new StageReply { Kind = "error", Error = new StageError(id, kind, why, null) });
        if (bring && starter.Silent)
        {
            foreach (string node in nodes)
                Replied(node, new StageReply { Kind = "error", Error = new StageError("LauncherNotBrought", ErrorKind.ObjectNotFound, $"slipway is not there, and {starter.Name} gives a task no input by which it could be brought along",
                    "Install it there, or start this from a copy of slipway on a filesystem that the nodes share.") });
            return answers;
        }
        try
        {
            while (waiting.Count + active.Count > 0)
            {
                cancel.ThrowIfCancellationRequested();
                while (waiting.Count > 0 && active.Sum(s => s.Nodes.Count) is var busy && (busy == 0 || busy + waiting.Peek().Count <= limit))
                    active.Add(new NodeSession(starter, waiting.Dequeue(), request, Replied, bring));
                foreach (NodeSession session in active.ToList())
                {
                    bool ended = session.HasEnded, late = Environment.TickCount64 - session.LastHeard > Patience.TotalMilliseconds;
                    List<string> silent;
                    lock (gate)
                        silent = [.. session.Nodes.Where(n => !answers.ContainsKey(n))];
                    // one that has answered is done in a moment; until then it counts, where others wait
                    bool ending = silent.Count == 0 && waiting.Count > 0 && Environment.TickCount64 - session.LastHeard < Ending;
                    if (!ended && !late && (silent.Count > 0 || ending))
                        continue;
                    active.Remove(session);
                    if (late)
                        session.Kill();
                    // one dead node can keep a batch system from starting anything on a group: the others are asked without it
                    if (ended && silent.Count > 1 && silent.Count == session.Nodes.Count)
                        foreach (string[] half in silent.Chunk((silent.Count + 1) / 2))
                            waiting.Enqueue(half);
                    else
                        foreach (string node in silent)
                            Failed(node, late ? "NodeTimeout" : "NodeUnreachable", late ? ErrorKind.OperationTimeout : ErrorKind.ConnectionError, late ? $"it does not answer{(session.Said.Length > 0 ? $": {session.Said.ReplaceLineEndings("; ")}" : "")}" : Why(starter, session));
                    TreeServer.Start(session.Dispose);
                }
                lock (gate)
                    Monitor.Wait(gate, 20);
            }
        }
        finally
        {
            active.ForEach(s => s.Dispose());
        }
        return answers;
    }

    /// <summary>Why a session ended without an answer.</summary>
    public static string Why(NodeStarter starter, NodeSession session)
    {
        string said = session.Said.ReplaceLineEndings("; ");
        return said.Length > 0 ? $"{starter.Name}: {said}" : $"{starter.Name} ended with exit code {session.ExitCode} and said nothing";
    }

    /// <summary>The error of a node as whoever asked for it is told.</summary>
    public static SlipwayException Error(string node, StageError error) =>
        new(error.Id, error.Kind, $"{node}: {error.Message}", error.Recommendation ?? "See whether the node is up and lets you in; then do it again: what is done stays done.", node);
}
