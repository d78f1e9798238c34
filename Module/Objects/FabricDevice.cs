namespace Slipway;

/// <summary>One fabric device of a node: a PCI function or a virtual device.</summary>
public sealed class FabricDevice
{
    /// <summary>Kernel name, e.g. <c>mlx5_0</c>, <c>hfi1_0</c>, <c>cxi0</c>, <c>rxe0</c>.</summary>
    public required string Name { get; init; }

    /// <summary><c>InfiniBand</c>, <c>RoCE</c>, <c>iWARP</c>, <c>OmniPath</c>, <c>Slingshot</c>, <c>EFA</c>, <c>SoftRoCE</c>…</summary>
    public required string Fabric { get; init; }

    /// <summary>Kernel module, e.g. <c>mlx5_ib</c>; null where sysfs does not tell.</summary>
    public string? KernelDriver { get; init; }

    /// <summary>Driver that the PCI function is bound to, e.g. <c>mlx5_core</c>; null for a virtual device.</summary>
    public string? BusDriver { get; init; }

    /// <summary>PCI vendor as sysfs writes it, e.g. <c>0x15b3</c>; null for a virtual device.</summary>
    public string? VendorId { get; init; }

    /// <summary>PCI device as sysfs writes it, e.g. <c>0x1017</c>; null for a virtual device.</summary>
    public string? DeviceId { get; init; }

    /// <summary>PCI address, e.g. <c>0000:3b:00.0</c>; null for a virtual device.</summary>
    public string? PciAddress { get; init; }

    /// <summary>PCI address of the physical function, where this is a virtual one (SR-IOV).</summary>
    public string? PhysicalFunction { get; init; }

    /// <summary>Kernel name of the uverbs node, e.g. <c>uverbs0</c>; null where there is none.</summary>
    public string? Uverbs { get; init; }

    /// <summary>
    /// The driver's own kernel ABI (<c>uverbsN/abi_version</c>), which a provider must support; null where sysfs does not tell.
    /// </summary>
    public int? UverbsAbi { get; init; }

    /// <summary>E.g. <c>CA</c> or <c>RNIC</c>.</summary>
    public string? NodeType { get; init; }

    /// <summary>Firmware; null where the device has none or does not tell.</summary>
    public string? Firmware { get; init; }

    /// <summary>The vendor's board identification (PSID), e.g. <c>MT_0000000008</c>.</summary>
    public string? BoardId { get; init; }

    /// <summary>NUMA node; null where the kernel does not tell (-1 in sysfs).</summary>
    public int? NumaNode { get; init; }

    /// <summary>Network interfaces of the same function.</summary>
    public IReadOnlyList<string> NetDevices { get; set; } = [];

    /// <summary>By number; empty where the kernel lists none.</summary>
    public IReadOnlyList<FabricPort> Ports { get; set; } = [];

    /// <summary>Absolute paths of the device nodes that a program needs for this device, of those that exist.</summary>
    public IReadOnlyList<string> DeviceNodes { get; set; } = [];

    /// <summary>Absolute paths of device nodes that ought to exist and do not: without them no rung can hold.</summary>
    public IReadOnlyList<string> MissingDeviceNodes { get; set; } = [];

    /// <summary>Of the first port: <c>InfiniBand</c> or <c>Ethernet</c>.</summary>
    public string? LinkLayer => Ports.Count > 0 ? Ports[0].LinkLayer : null;

    /// <summary>Of the first port, e.g. <c>ACTIVE</c>.</summary>
    public string? State => Ports.Count > 0 ? Ports[0].State : null;

    /// <summary>Of the first port, e.g. <c>200 Gb/sec (4X HDR)</c>.</summary>
    public string? Rate => Ports.Count > 0 ? Ports[0].Rate : null;

    /// <summary>For people: <c>mlx5_0 (InfiniBand, mlx5_ib)</c>.</summary>
    public override string ToString() => $"{Name} ({Fabric}{(KernelDriver is null ? "" : $", {KernelDriver}")})";
}

/// <summary>One port of a device: <c>/sys/class/infiniband/DEVICE/ports/N</c>; each text as sysfs has it, null where it has none.</summary>
public sealed record FabricPort(int Number, string? LinkLayer, string? State, string? PhysicalState, string? Rate)
{
    /// <summary>For people: <c>1: InfiniBand, ACTIVE, 200 Gb/sec (4X HDR)</c>.</summary>
    public override string ToString() => $"{Number}: {string.Join(", ", new[] { LinkLayer, State, Rate }.OfType<string>())}";
}
