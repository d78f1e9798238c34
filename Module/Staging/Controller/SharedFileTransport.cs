using Slipway.Staging.Messages;

namespace Slipway.Staging.Controller;

/// <summary>Each node reads the shared file once, started by the batch system.</summary>
sealed class SharedFileTransport(NodeStarter starter) : ITransport
{
    public string Name => "SharedFile";

    public NodeStarter Starter => starter;

    public void Send(StageWork work, IReadOnlyList<string> nodes, CancellationToken cancel)
    {
        foreach (string node in nodes)
            work.Report(node, "reads the shared file");
        NodeCall.Ask(starter, nodes, work.Request("pull", Name), work.Limit, answered: (node, reply) =>
        {
            if (!work.Take(node, reply))
                work.Fail(node, NodeCall.Error(node, new StageError("NodeUnreachable", ErrorKind.ConnectionError, $"it answered '{reply.Kind}'", null)));
        }, cancel: cancel);
    }
}
