using Slipway.Staging.Messages;

namespace Slipway.Staging.Controller;

/// <summary>Each node reads the shared file once, started by the batch system.</summary>
sealed class SharedFileTransport(NodeStarter starter) : ITransport
{
    public Transport Transport => Transport.SharedFile;

    public NodeStarter Starter => starter;

    public void Send(PublishWork work, IReadOnlyList<string> nodes, CancellationToken cancel)
    {
        foreach (string node in nodes)
            work.Report(node, "reads the shared file");
        NodeCall.Ask(starter, nodes, new NodeRequest.Pull(work.Image(Transport)), work.Limit, answered: work.Take, cancel: cancel);
    }
}
