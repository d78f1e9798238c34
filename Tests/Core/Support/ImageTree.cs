using Slipway.Inventory;

namespace Slipway.Tests;

/// <summary>An image's root filesystem.</summary>
public sealed class ImageTree : RootFixture
{
    public ImageTree(string id, string version, string glibc, ushort machine = 62)
    {
        this.Distribution(id, version).CLibrary(glibc, machine);
    }

    /// <summary>An image without glibc.</summary>
    public ImageTree(string id, string version)
    {
        this.Distribution(id, version);
    }

    public ImageFabric Read() => ImageFabricReader.FromRoot(Root);

    public ContainerImage Image() => new()
    {
        Path = "/images/app.sqfs",
        Digest = "sha256:" + new string('0', 64),
        Size = 1,
        Manifest = new ImageManifest { Fabric = Read() },
    };
}
