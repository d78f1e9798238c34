using Slipway.Inventory;

namespace Slipway.Tests.Inventory;

public sealed class FabricInventoryReaderTests
{
    [Fact]
    public void ANodeWithoutAFabricHasNoDevice()
    {
        using NodeTree node = new NodeTree().Memlock("8388608", "unlimited");
        FabricInventory inventory = node.Read();
        Assert.Empty(inventory.Devices);
        Assert.Null(inventory.UverbsAbi);
        Assert.Equal("n1", inventory.Node);
        Assert.Equal(8388608, inventory.MemlockSoft);
        Assert.Equal(long.MaxValue, inventory.MemlockHard);
    }

    [Fact]
    public void AnEmptyRootIsNoError()
    {
        using TemporaryDirectory directory = new TemporaryDirectory();
        FabricInventory inventory = FabricInventoryReader.Read(directory.Path);
        Assert.Empty(inventory.Devices);
        Assert.Null(inventory.MemlockSoft);
    }

    [Fact]
    public void ThisMachineCanBeRead() => Assert.NotEmpty(FabricInventoryReader.Read().Node);

    [Fact]
    public void TwoKindsAtOnceKeepTheirNodes()
    {
        using NodeTree node = new NodeTree().Hfi1().Cxi().Efa();
        node.Write("dev/xpmem", "");
        FabricInventory inventory = node.Read();
        Assert.Equal(["EFA", "OmniPath", "Slingshot"], inventory.Devices.Select(d => d.Fabric));
        Assert.Equal(["/dev/infiniband/uverbs1"], inventory.Devices[0].DeviceNodes);
        Assert.Equal(["/dev/hfi1_0", "/dev/infiniband/uverbs0"], inventory.Devices[1].DeviceNodes);
        Assert.Equal(["/dev/cxi0"], inventory.Devices[2].DeviceNodes);
        Assert.Equal(("ACTIVE", "200000", "0x17db"),
            (inventory.Devices[2].State, inventory.Devices[2].Rate, inventory.Devices[2].VendorId));
        Assert.Equal("xpmem", Assert.Single(inventory.IntraNode).Name);
        Assert.Equal(["/dev/infiniband/rdma_cm"], inventory.SharedDeviceNodes);
    }

    [Fact]
    public void AnInventorySurvivesJson()
    {
        using NodeTree node = new NodeTree().Mlx5WithVirtualFunctions().Memlock("65536", "65536");
        string json = System.Text.Json.JsonSerializer.Serialize(node.Read(), ObjectsJson.Default.FabricInventory);
        FabricInventory back = System.Text.Json.JsonSerializer.Deserialize(json, ObjectsJson.Default.FabricInventory)!;
        Assert.Equal("200 Gb/sec (4X HDR)", back.Devices[0].Rate);
        Assert.Equal(65536, back.MemlockSoft);
    }

    /// <summary>
    /// Of every tree, each device with what tells it apart: name, fabric, kernel driver, function, uverbs node and ABI, state, nodes.
    /// </summary>
    [Theory]
    [InlineData("none")]
    [InlineData("rxe", "rxe0 SoftRoCE rdma_rxe - uverbs0 2 ACTIVE /dev/infiniband/uverbs0")]
    [InlineData("mlx4", "mlx4_0 InfiniBand mlx4_ib 0000:04:00.0 uverbs0 4 ACTIVE /dev/infiniband/uverbs0")]
    [InlineData("mlx5-sriov", "mlx5_0 InfiniBand mlx5_ib 0000:3b:00.0 uverbs0 1 ACTIVE /dev/infiniband/uverbs0",
        "mlx5_1 InfiniBand mlx5_ib 0000:3b:00.1 uverbs1 1 ACTIVE /dev/infiniband/uverbs1",
        "mlx5_2 Unknown mlx5_ib 0000:3b:00.2 uverbs2 1 - /dev/infiniband/uverbs2")]
    [InlineData("bluefield", "mlx5_0 RoCE mlx5_ib 0000:03:00.0 uverbs0 1 ACTIVE /dev/infiniband/uverbs0",
        "mlx5_1 RoCE mlx5_ib 0000:03:00.1 uverbs1 1 ACTIVE /dev/infiniband/uverbs1",
        "mlx5_2 RoCE mlx5_ib 0000:03:00.0 uverbs2 1 ACTIVE /dev/infiniband/uverbs2")]
    [InlineData("hfi1", "hfi1_0 OmniPath hfi1 0000:5e:00.0 uverbs0 0 ACTIVE /dev/hfi1_0,/dev/infiniband/uverbs0")]
    [InlineData("efa", "rdmap0s6 EFA efa 0000:00:06.0 uverbs0 1 ACTIVE /dev/infiniband/uverbs0")]
    [InlineData("irdma", "iwp177s0f1 iWARP irdma 0000:b1:00.1 uverbs1 5 ACTIVE /dev/infiniband/uverbs1",
        "rocep177s0f0 RoCE irdma 0000:b1:00.0 uverbs0 5 ACTIVE /dev/infiniband/uverbs0")]
    [InlineData("bnxt", "bnxt_re0 RoCE bnxt_re 0000:c1:00.0 uverbs0 1 ACTIVE /dev/infiniband/uverbs0")]
    [InlineData("cxi", "cxi0 Slingshot cxi_core 0000:21:00.0 - - ACTIVE /dev/cxi0")]
    [InlineData("cxi-and-mlx5", "mlx5_0 InfiniBand mlx5_ib 0000:3b:00.0 uverbs0 1 ACTIVE /dev/infiniband/uverbs0",
        "cxi0 Slingshot cxi_core 0000:21:00.0 - - ACTIVE /dev/cxi0")]
    public void EveryTreeIsReadFunctionByFunction(string name, params string[] devices)
    {
        using NodeTree node = NodeTree.Of(name);
        Assert.Equal(devices, node.Read()
            .Devices.Select(d => string.Join(' ', d.Name, d.Fabric, d.KernelDriver, d.PciAddress ?? "-", d.Uverbs
                ?? "-", d.UverbsAbi?.ToString() ?? "-", d.State ?? "-", string.Join(',', d.DeviceNodes))));
        Assert.NotEmpty(node.Read().Describe());
    }

    [Fact]
    public void PortsIdsAndHelpersAreTold()
    {
        using NodeTree node = NodeTree.Of("mlx4");
        FabricDevice device = Assert.Single(node.Read().Devices);
        Assert.Equal(["InfiniBand ACTIVE 56 Gb/sec (4X FDR)", "Ethernet DOWN 10 Gb/sec (1X QDR)"],
            device.Ports.Select(p => $"{p.LinkLayer} {p.State} {p.Rate}"));
        Assert.Equal(("2.42.5000", "MT_1090120019", "0x15b3", "0x1003", 0),
            (device.Firmware, device.BoardId, device.VendorId, device.DeviceId, device.NumaNode));
        using NodeTree two = NodeTree.Of("cxi-and-mlx5");
        Assert.Equal(["xpmem", "knem", "gdrdrv"], two.Read().IntraNode.Select(i => i.Name));
    }
}
