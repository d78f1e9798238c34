namespace Slipway.Staging.Messages;

/// <summary>Where a node can read an image from.</summary>
/// <param name="Host">Null is whoever started the node's process, as SSH saw it: the address that is routed between the two.</param>
sealed record TreeSource(int Port, string? Host = null);
