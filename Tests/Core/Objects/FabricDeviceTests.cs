namespace Slipway.Tests.Objects;

public sealed class FabricDeviceTests
{
    [Fact]
    public void AWholeDeviceIsTheSameWhenItIsReadAndWritten()
    {
        FabricDevice device = RoundTrip.Whole("""
            {
              "name": "mlx5_0", "fabric": "InfiniBand", "kernelDriver": "mlx5_ib", "busDriver": "mlx5_core",
              "vendorId": "0x15b3", "deviceId": "0x1017",
              "pciAddress": "0000:3b:00.0", "physicalFunction": "0000:3b:00.1", "uverbs": "uverbs0", "uverbsAbi": 1, "nodeType": "CA",
              "firmware": "16.35", "boardId": "MT_8", "numaNode": 0, "netDevices": ["ib0"],
              "ports": [
                {"number": 1, "linkLayer": "InfiniBand", "state": "ACTIVE", "physicalState": "LinkUp", "rate": "200 Gb/sec (4X HDR)"},
                {"number": 2, "linkLayer": "Ethernet", "state": "DOWN", "physicalState": "Disabled", "rate": "25 Gb/sec (1X EDR)"}
              ],
              "deviceNodes": ["/dev/infiniband/uverbs0"], "missingDeviceNodes": ["/dev/infiniband/umad0"],
              "linkLayer": "InfiniBand", "state": "ACTIVE", "rate": "200 Gb/sec (4X HDR)"
            }
            """, ObjectsJson.Default.FabricDevice);
        Assert.Equal(("mlx5_ib", "mlx5_core", "0000:3b:00.1", 1, 0),
            (device.KernelDriver, device.BusDriver, device.PhysicalFunction, device.UverbsAbi, device.NumaNode));
        Assert.Equal(new FabricPort(2, "Ethernet", "DOWN", "Disabled", "25 Gb/sec (1X EDR)"), device.Ports[1]);
    }

    [Fact]
    public void StateAndRateAreThoseOfTheFirstPort()
    {
        FabricDevice device = new() { Name = "a", Fabric = "RoCE",
            Ports = [new(1, "Ethernet", "INIT", "LinkUp", "100"), new(2, "InfiniBand", "ACTIVE", "LinkUp", "200")] };
        Assert.Equal(("Ethernet", "INIT", "100"), (device.LinkLayer, device.State, device.Rate));
    }

    [Fact]
    public void OfAVirtualDeviceWithoutPortsOnlyNameAndFabricAreKnown()
    {
        FabricDevice device = new() { Name = "rxe0", Fabric = "SoftRoCE" };
        Assert.Null(device.LinkLayer ?? device.State ?? device.Rate ?? device.PciAddress);
        Assert.Null(device.NumaNode);
        Assert.Equal(["deviceNodes", "fabric", "missingDeviceNodes", "name", "netDevices", "ports"],
            RoundTrip.Names(device, ObjectsJson.Default.FabricDevice).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("mlx5_ib", "mlx5_0 (InfiniBand, mlx5_ib)")]
    [InlineData(null, "mlx5_0 (InfiniBand)")]
    public void AtThePromptItIsItsNameWithWhatItIs(string? driver, string text) =>
        Assert.Equal(text, new FabricDevice { Name = "mlx5_0", Fabric = "InfiniBand", KernelDriver = driver }.ToString());
}
