namespace Slipway.Inventory;

/// <summary>Where a container sees the host's files: a directory of ours, so that nothing of the image is covered.</summary>
static class FabricPaths
{
    public const string Libraries = "/.slipway/fabric/lib";
    public const string VerbsProviders = "/.slipway/fabric/libibverbs";
    public const string LibfabricProviders = "/.slipway/fabric/libfabric";

    public static IReadOnlyList<string> All { get; } = [Libraries, VerbsProviders, LibfabricProviders];
}
