using Slipway.Cache;

namespace Slipway.Staging.Messages;

/// <summary>The image that nodes are to have.</summary>
/// <param name="Transport">Of the placement that comes of it.</param>
/// <param name="Path">As the user named it, absolute.</param>
/// <param name="Program">The name of the copy of <c>slipway</c> on every node.</param>
/// <param name="Source">Of that file, where it is to be recorded.</param>
sealed record SentImage(Transport Transport, string Digest, long Size, string Path, string Program, SourceStamp? Source = null,
    FabricPlan? Plan = null);
