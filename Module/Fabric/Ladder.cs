using Slipway.Inventory;

namespace Slipway.Fabric;

/// <summary>What came of trying one rung.</summary>
sealed record RungOutcome
{
    public required bool Holds { get; init; }

    public required string Reason { get; init; }

    public IReadOnlyList<FabricBind> Binds { get; init; } = [];

    /// <summary>
    /// Values of RDMAV_DRIVERS: <c>DIRECTORY/libNAME</c>, to which libibverbs adds <c>-rdmavN.so</c> (dynamic_driver.c, since rdma-core
    /// v13).
    /// </summary>
    public IReadOnlyList<string> Drivers { get; init; } = [];

    /// <summary>
    /// Values of FI_PROVIDER_PATH, which replaces libfabric's own directory (fabric(7)); the form <c>+FILE</c> is known to 1.21 and later
    /// only.
    /// </summary>
    public IReadOnlyList<string> ProviderDirectories { get; init; } = [];

    public static RungOutcome Fails(string reason) => new() { Holds = false, Reason = reason };
}

/// <summary>The rungs for one kind of fabric.</summary>
interface ILadder
{
    /// <summary>What keeps every rung from holding; null where nothing does.</summary>
    string? Obstacle(FabricDevice device, ProviderRow row);

    RungOutcome Try(FabricRung rung, FabricDevice device, ProviderRow row);
}
