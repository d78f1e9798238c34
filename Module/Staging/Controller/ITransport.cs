namespace Slipway.Staging.Controller;

/// <summary>How an image gets to nodes that lack it.</summary>
interface ITransport
{
    /// <summary>As the placements tell it.</summary>
    Transport Transport { get; }

    /// <summary>How the nodes are reached before: asked what they have, given our program.</summary>
    NodeStarter Starter { get; }

    /// <summary>Sends; each node ends with a placement, whose digest was checked on the node, or with an error.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled; nodes that were not done have nothing.</exception>
    void Send(PublishWork work, IReadOnlyList<string> nodes, CancellationToken cancel);
}
