using Slipway.Inventory;

namespace Slipway.Tests.Inventory;

/// <summary>What is known about fabrics: the rows are there, and a device finds its own.</summary>
public sealed class ProviderTableTests
{
    static ProviderTable Table => ProviderTable.Default;

    [Theory]
    [InlineData("mlx4_ib", "mlx5_core", null, null, null, "x", "mlx4_ib")]
    [InlineData(null, "mlx5_core", "0x15b3", "0x1003", null, "x", "mlx5_ib")]
    [InlineData(null, "unknown", "0x15b3", "0x1003", null, "x", "mlx4_ib")]
    [InlineData(null, null, "0x1003", "0x15b3", null, "x", null)]
    [InlineData(null, null, "0x15b3", null, null, "x", null)]
    [InlineData(null, null, null, null, "rxe", "siw0", "rdma_rxe")]
    [InlineData(null, null, null, null, "n1 HCA-1", "rxe7", "rdma_rxe")]
    [InlineData(null, null, null, null, null, "hfi1_0", "hfi1")]
    [InlineData(null, null, "0x8086", null, null, "hfi1_0", "hfi1")]
    [InlineData(null, null, "0x9999", null, null, "hfi1_0", null)]
    [InlineData(null, null, null, null, null, "x", null)]
    public void ADeviceFindsItsRowByTheSurestThingThatIsKnown(
        string? module, string? busDriver, string? vendor, string? device, string? description, string name, string? row) =>
        Assert.Equal(row, Table.Find(module, busDriver, vendor, device, description, name)?.KernelDriver);

    [Fact]
    public void APlansDeviceFindsItsRowByItsKernelDriver()
    {
        Assert.Equal("efa", Table.ForDevice(
            new FabricDevice { Name = "rdmap0s6", Fabric = "EFA", KernelDriver = "efa" })?.ThroughLibfabric);
        Assert.Null(Table.ForDevice(new FabricDevice { Name = "rxe0", Fabric = "SoftRoCE" }));
    }

    [Fact]
    public void EachDriverHasOneRowAndEachRowIsWhole()
    {
        Assert.Equal(Table.Providers.Count, Table.Providers.Select(p => p.KernelDriver).Distinct().Count());
        Assert.All(Table.Providers, p => Assert.True(p.AbiMin <= p.AbiMax, p.KernelDriver));
        Assert.All(Table.Providers.Where(p => p.Shared || p.Carrier == "libfabric"), p => Assert.StartsWith("lib", p.Library));
        Assert.All(Table.Providers, p => Assert.Contains(p.Carrier, (string[])["libibverbs", "libfabric"]));
    }

    /// <summary>After rdma-core's providers/*/*.c: the arguments of PROVIDER_DRIVER and of match_*_abi_version.</summary>
    [Theory]
    [InlineData("mlx5_ib", "mlx5", 1, 1)]
    [InlineData("mlx4_ib", "mlx4", 2, 4)]
    [InlineData("rdma_rxe", "rxe", 1, 2)]
    [InlineData("irdma", "irdma", 0, 5)]
    [InlineData("iw_cxgb4", "cxgb4", 0, int.MaxValue)]
    public void TheRangesAreThoseOfRdmaCore(string driver, string provider, int min, int max)
    {
        ProviderRow row = Table.Providers.Single(p => p.KernelDriver == driver);
        Assert.Equal((provider, min, max), (row.Provider, row.AbiMin, row.AbiMax));
        Assert.Equal(new AbiRange(3, 6), Table.UverbsAbi);
    }
}
