namespace Slipway.Fabric;

/// <summary>What to plan, and what the plan is restricted to.</summary>
public sealed class FabricRequest
{
    /// <summary>A tree laid out like a node's root, whose devices and libraries are meant: <c>/</c> is this node.</summary>
    public string Root { get; init; } = "/";

    /// <summary>Kernel names of the devices that the plan is for; empty means all that the job was given.</summary>
    public IReadOnlyList<string> Devices { get; init; } = [];

    /// <summary>The one source that may be; <see cref="FabricSource.Auto"/> leaves it to the ladder.</summary>
    public FabricSource Source { get; init; }

    /// <summary>For <see cref="FabricSource.Package"/>: absolute path of the definition that the image is built from; null takes the one
    /// that the image was built from, where this process did that.</summary>
    public string? Definition { get; init; }

    /// <summary>Values for the variables that this definition declares.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = new Dictionary<string, string>();

    /// <summary>Absolute path of a CDI specification that is written too; null for none.</summary>
    public string? Cdi { get; init; }

    /// <summary>The rungs that may hold, in the order in which they are tried.</summary>
    internal IReadOnlyList<FabricRung> Rungs => Source switch
    {
        FabricSource.Auto => [FabricRung.Image, FabricRung.Provider, FabricRung.Stack],
        FabricSource.Image or FabricSource.Package => [FabricRung.Image],
        FabricSource.Provider => [FabricRung.Provider],
        _ => [FabricRung.Stack],
    };
}
