namespace Slipway.Staging.Messages;

/// <summary>
/// What went wrong on a node, or with it. Who tells a person puts the node's name to it (<see cref="StagingErrors.OfNode"/>).
/// </summary>
sealed record NodeError(string Id, ErrorKind Kind, string Message, string? Recommendation = null)
{
    public static NodeError Of(SlipwayException e) => new(e.Id, e.Kind, e.Message, e.Recommendation);
}
