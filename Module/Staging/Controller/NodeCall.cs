using Slipway.Staging.Messages;

namespace Slipway.Staging.Controller;

/// <summary>One question to many nodes, a bounded number at a time; every node has exactly one answer, if only an error.</summary>
static class NodeCall
{
    /// <summary>How long a command may take to end after its answer before it is not waited for. Milliseconds.</summary>
    const int Ending = 3000;

    /// <param name="bring">Nodes get our program with the question.</param>
    /// <param name="answered">Gets each node's answer as it comes.</param>
    public static Dictionary<string, NodeReply.Answer> Ask(NodeStarter starter, IReadOnlyList<string> nodes, NodeRequest request, int limit,
        bool bring = false, Action<string, NodeReply.Answer>? answered = null, CancellationToken cancel = default)
    {
        Dictionary<string, NodeReply.Answer> answers = [];
        Queue<IReadOnlyList<string>> waiting = new(nodes.Chunk(starter.Grouped ? limit : 1));
        List<NodeSession> active = [];
        object gate = new();
        void Replied(string node, NodeReply reply)
        {
            lock (gate)
            {
                if (reply is NodeReply.Answer answer && answers.TryAdd(node, answer))
                    answered?.Invoke(node, answer);
                Monitor.Pulse(gate);
            }
        }
        void Failed(string node, NodeError error) => Replied(node, new NodeReply.Failed(error));
        if (bring && starter.Silent)
        {
            foreach (string node in nodes)
                Failed(node, StagingErrors.ProgramNotBrought(starter.Name));
            return answers;
        }
        try
        {
            while (waiting.Count + active.Count > 0)
            {
                cancel.ThrowIfCancellationRequested();
                while (waiting.Count > 0 && active.Sum(s => s.Nodes.Count) is var busy
                    && (busy == 0 || busy + waiting.Peek().Count <= limit))
                    active.Add(new NodeSession(starter, waiting.Dequeue(), request, Replied, bring));
                foreach (NodeSession session in active.ToList())
                {
                    bool ended = session.HasEnded,
                        late = Environment.TickCount64 - session.LastHeard > ReplyLines.Patience.TotalMilliseconds;
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
                            Failed(node, late ? StagingErrors.Silent(session.Said) : StagingErrors.Unreachable(session.WhyItEnded));
                    BackgroundThread.Start(session.Dispose);
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
}
