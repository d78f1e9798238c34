using static Slipway.Tests.FabricSample;

namespace Slipway.Tests.Inventory;

/// <summary>Devices as the kernel shows them in sysfs.</summary>
public sealed class SysfsFabricTests
{
    [Fact]
    public void RxeHasNoDeviceLink()
    {
        using NodeTree node = new NodeTree().Rxe();
        FabricDevice rxe = Assert.Single(node.Read().Devices);
        Assert.Equal("rxe0", rxe.Name);
        Assert.Equal("SoftRoCE", rxe.Fabric);
        Assert.Equal("rdma_rxe", rxe.KernelDriver);
        Assert.Equal("uverbs0", rxe.Uverbs);
        Assert.Equal(2, rxe.UverbsAbi);
        Assert.Equal("CA", rxe.NodeType);
        Assert.Equal("Ethernet", rxe.LinkLayer);
        Assert.Equal("ACTIVE", rxe.State);
        Assert.Equal("2.5 Gb/sec (1X SDR)", rxe.Rate);
        Assert.Null(rxe.Firmware);
        Assert.Null(rxe.PciAddress);
        Assert.Equal(["eth0"], rxe.NetDevices);
        Assert.Equal(["/dev/infiniband/uverbs0"], rxe.DeviceNodes);
    }

    [Fact]
    public void ARenamedRxeIsStillRxe()
    {
        using NodeTree node = new NodeTree().Rxe("fast0");
        node.Write("sys/devices/virtual/infiniband/fast0/node_desc", "n1 HCA-1\n");
        Assert.Equal("rdma_rxe", Assert.Single(node.Read().Devices).KernelDriver);
    }

    [Fact]
    public void VirtualFunctionsAreDevicesOfTheirOwn()
    {
        using NodeTree node = new NodeTree().Mlx5WithVirtualFunctions();
        IReadOnlyList<FabricDevice> devices = node.Read().Devices;
        Assert.Equal(["mlx5_0", "mlx5_1", "mlx5_2"], devices.Select(d => d.Name));
        Assert.Equal(["uverbs0", "uverbs1", "uverbs2"], devices.Select(d => d.Uverbs));
        Assert.All(devices, d => Assert.Equal("mlx5_ib", d.KernelDriver));
        Assert.Equal(["0000:3b:00.0", "0000:3b:00.1", "0000:3b:00.2"], devices.Select(d => d.PciAddress));
        Assert.Equal([null, "0000:3b:00.0", "0000:3b:00.0"], devices.Select(d => d.PhysicalFunction));
        Assert.Equal([1, null, null], devices.Select(d => d.NumaNode));
        Assert.Equal("20.31.1014", devices[0].Firmware);
        Assert.Equal("MT_0000000223", devices[0].BoardId);
        Assert.Equal("0x15b3", devices[0].VendorId);
        Assert.Equal("0x101b", devices[0].DeviceId);
        Assert.Equal(["ib0"], devices[0].NetDevices);
        Assert.Equal("InfiniBand", devices[0].Fabric);
    }

    [Theory]
    [InlineData("ice", "0x8086", "4: RNIC", "iWARP", "irdma")]
    [InlineData("ice", "0x8086", "1: CA", "RoCE", "irdma")]
    [InlineData("bnxt_en", "0x14e4", "1: CA", "RoCE", "bnxt_re")]
    [InlineData("mlx4_core", "0x15b3", "1: CA", "RoCE", "mlx4_ib")]
    [InlineData("cxgb4", "0x1425", "4: RNIC", "iWARP", "iw_cxgb4")]
    public void EthernetDevicesAreToldApart(string driver, string vendor, string nodeType, string fabric, string kernelDriver)
    {
        using NodeTree node = new NodeTree().Pci("dev0", "0000:3b:00.0", driver, vendor, "0x1", 1, "Ethernet", nodeType);
        FabricDevice device = Assert.Single(node.Read().Devices);
        Assert.Equal((fabric, kernelDriver), (device.Fabric, device.KernelDriver));
    }

    [Fact]
    public void AFunctionWhoseDriverSysfsDoesNotTellIsKnownByItsIds()
    {
        using NodeTree node = NodeTree.Of("bnxt");
        File.Delete(Path.Combine(node.Root, "sys/devices/pci0000:00/0000:c1:00.0/driver"));
        Assert.Equal("bnxt_re", Assert.Single(node.Read().Devices).KernelDriver);
    }

    [Fact]
    public void EmptyUnreadableAndVanishedFilesAreNoError()
    {
        using NodeTree node = new NodeTree().Mlx5WithVirtualFunctions().Rxe();
        // without following the links of sysfs, which go round
        EnumerationOptions noLinks = new EnumerationOptions { RecurseSubdirectories = true,
            AttributesToSkip = FileAttributes.ReparsePoint };
        string[] files = Directory.GetFiles(Path.Combine(node.Root, "sys"), "*", noLinks);
        foreach (string file in files)
            File.WriteAllText(file, "");
        // mlx5_2 has no ibdev, and rxe no function by which its uverbs node could be told
        Assert.Equal(["mlx5_0", "mlx5_1", "rxe0", "uverbs2", "uverbs3"], node.Read().Devices.Select(d => d.Name));
        foreach (string file in files)
            File.Delete(file);
        Assert.NotNull(node.Read());
    }

    [Fact]
    public void LinksThatGoRoundOrOutAreNoError()
    {
        using NodeTree node = new NodeTree();
        node.Link("sys/class/infiniband/mlx5_0", "mlx5_1");
        node.Link("sys/class/infiniband/mlx5_1", "mlx5_0");
        node.Link("sys/class/infiniband/mlx5_2", "../../../../../../../../../../etc");
        Assert.All(node.Read().Devices, d => Assert.Null(d.KernelDriver));
    }

    [Fact]
    public async Task FilesThatVanishWhileTheyAreReadAreNoError()
    {
        using NodeTree node = Node("mlx5-sriov");
        string devices = Path.Combine(node.Root, "sys/devices/pci0000:00");
        string gone = devices + ".gone";
        using CancellationTokenSource stop = new CancellationTokenSource();
        Task hotplug = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                Directory.Move(devices, gone);
                Directory.Move(gone, devices);
            }
        });
        for (int i = 0; i < 200; i++)
            Assert.NotNull(node.Read());
        await stop.CancelAsync();
        await hotplug;
    }

    [Fact]
    public void AnUnreadableDirectoryIsNoError()
    {
        using NodeTree node = Node("mlx5-sriov");
        string device = Path.Combine(node.Root, "sys/devices/pci0000:00/0000:3b:00.0/infiniband/mlx5_0/ports");
        File.SetUnixFileMode(device, UnixFileMode.None);
        try
        {
            Assert.Equal(3, node.Read().Devices.Count);
        }
        finally
        {
            File.SetUnixFileMode(device, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Fact]
    public void TheFirstNodeOfADeviceMustBeThereAndTheOthersMayBe()
    {
        using NodeTree node = new NodeTree().Hfi1();
        FabricDevice device = Assert.Single(Devices(node));
        Assert.Equal(["/dev/hfi1_0", "/dev/infiniband/uverbs0"], device.DeviceNodes);
        Assert.Empty(device.MissingDeviceNodes);
        node.Write("dev/hfi1_gdr", "");
        Assert.Equal(["/dev/hfi1_0", "/dev/infiniband/uverbs0", "/dev/hfi1_gdr"], Assert.Single(Devices(node)).DeviceNodes);
        File.Delete(Path.Combine(node.Root, "dev/hfi1_0"));
        Assert.Equal(["/dev/hfi1_0"], Assert.Single(Devices(node)).MissingDeviceNodes);
    }

    [Fact]
    public void ASlingshotLinkIsUpOrDown()
    {
        using NodeTree node = new NodeTree().Cxi();
        Assert.Equal(("ACTIVE", "200000"), (Devices(node)[0].State, Devices(node)[0].Rate));
        node.Write("sys/devices/pci0000:00/0000:21:00.0/properties/link", "0\n");
        Assert.Equal("DOWN", Devices(node)[0].State);
    }
}
