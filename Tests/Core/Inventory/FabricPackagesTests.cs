using Slipway.Inventory;
using static Slipway.Tests.FabricSample;

namespace Slipway.Tests.Inventory;

/// <summary>Which packages of an image's distribution bring a fabric.</summary>
public sealed class FabricPackagesTests
{
    [Theory]
    [InlineData("debian", null, "auto", "libibverbs1,ibverbs-providers,librdmacm1")]
    [InlineData("debian", null, "mlx5", "libibverbs1,ibverbs-providers,librdmacm1")]
    [InlineData("debian", null, "efa", "libibverbs1,ibverbs-providers,libfabric1")]
    [InlineData("rhel", "7", "auto", "libibverbs,librdmacm")]
    [InlineData("rhel", "9.4", "psm2", "libpsm2,libfabric")]
    [InlineData("rhel", "10", "psm2", "libfabric")]
    [InlineData("rhel", "7.9", "efa", "")]
    [InlineData("suse", "15.5", "mlx5", "libibverbs,libibverbs1,librdmacm1,libmlx5-1")]
    [InlineData("suse", "15.5", "cxi", "")]
    public void PackagesAreKnownByFamilyAndRelease(string family, string? release, string name, string packages) =>
        Assert.Equal(packages, string.Join(',', FabricPackages.For(family, release, [name])));

    [Fact]
    public void AVendorsOldRepositoryHasOtherNames()
    {
        Assert.Equal(["libibverbs", "libmlx5", "librdmacm"],
            FabricPackages.For("rhel", "7", ["mlx5"], ["https://example.org/mlnx_ofed/4.9-7.1.0.0/rhel7.9/x86_64"]));
        Assert.Equal(["libibverbs", "librdmacm"],
            FabricPackages.For("rhel", "7", ["mlx5"], ["https://example.org/mlnx_ofed/5.8-1.0.1.1/rhel7.9/x86_64"]));
    }

    [Fact]
    public void AProviderYoungerThanTheDistributionIsNotAdvised()
    {
        using NodeTree node = NodeTree.Of("irdma");
        using ImageTree image = new ImageTree("debian", "11", "2.31");
        image.Verbs(33, "33.2").Provider("rxe", 33);
        Assert.Contains("debian 11 has rdma-core 33, and irdma came with 37", Plan(node, image).Reason);
    }

    [Fact]
    public void AnUnknownDistributionGetsNoPackagesAsAdvice()
    {
        using NodeTree node = NodeTree.Of("rxe");
        using ImageTree image = new ImageTree("nixos", "24.05", "2.36");
        Assert.Contains("no package of nixos 24.05 is known to have it", Plan(node, image).Reason);
    }

    [Theory]
    [InlineData("auto", "libibverbs.so.1 librdmacm.so.1")]
    [InlineData("rxe", "libibverbs.so.1 librdmacm.so.1")]
    [InlineData("mlx5", "libibverbs.so.1 librdmacm.so.1 libmlx5.so.1")]
    [InlineData("efa", "libibverbs.so.1 librdmacm.so.1 libfabric.so.1 libefa.so.1")]
    [InlineData("cxi", "libfabric.so.1 libcxi.so.1")]
    [InlineData("cxi psm2", "libfabric.so.1 libcxi.so.1 libpsm2.so.2")]
    public void LibrariesAreKnownByProvider(string names, string libraries) =>
        Assert.Equal(libraries, string.Join(' ', FabricPackages.Libraries(names.Split(' '))));

    [Theory]
    [InlineData("auto", true)]
    [InlineData("mlx5", true)]
    [InlineData("opx", false)]
    [InlineData("verbs", false)]
    [InlineData("", false)]
    public void ADefinitionMayNameProviders(string name, bool known) => Assert.Equal(known, FabricPackages.IsKnown(name));

    [Fact]
    public void ANameWithoutAPackageIsAnErrorWithItsPlace()
    {
        Assert.Equal(["libibverbs", "libibverbs1", "librdmacm1", "libmlx5-1"],
            FabricPackages.For("suse", "15.5", [new Located("mlx5", "app.yaml:3:9")]));
        SlipwayException error = Assert.Throws<SlipwayException>(() =>
            FabricPackages.For("suse", "15.5", [new Located("mlx5", "app.yaml:3:9"), new Located("cxi", "app.yaml:3:15")]));
        Assert.Equal("FabricPackageUnknown", error.Id);
        Assert.Equal("app.yaml:3:15: Slipway knows no package of the suse family, release 15.5, that has provider cxi", error.Message);
    }

    [Fact]
    public void AnImageWithoutOsReleaseGetsNoPackagesAsAdvice()
    {
        using NodeTree node = NodeTree.Of("rxe");
        using ImageTree image = Image();
        Assert.Contains("which installs libibverbs1, ibverbs-providers, librdmacm1", Plan(node, image).Reason);
        File.Delete(Path.Combine(image.Root, "etc/os-release"));
        Assert.Contains("the image has no os-release, so its distribution is not known", Plan(node, image).Reason);
    }
}
