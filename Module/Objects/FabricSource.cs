namespace Slipway;

/// <summary>
/// Where the user-space part of a fabric may come from: what a caller asks for. <see cref="FabricRung"/> is what came of it for a device or
/// a node.
/// </summary>
public enum FabricSource
{
    /// <summary>The first rung of the ladder that holds.</summary>
    Auto,

    /// <summary>The image's own provider, or none.</summary>
    Image,

    /// <summary>The node's provider alone, or none.</summary>
    Provider,

    /// <summary>The node's whole verbs or libfabric set, or none.</summary>
    Stack,

    /// <summary>The image's own, after the image was built anew with its distribution's provider packages.</summary>
    Package,
}
