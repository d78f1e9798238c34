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
}
