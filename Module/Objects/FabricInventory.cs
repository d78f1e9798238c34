namespace Slipway;

/// <summary>The fabric hardware of one node, as its kernel shows it.</summary>
public sealed class FabricInventory
{
    /// <summary>Host name, as the node's kernel has it.</summary>
    public required string Node { get; init; }

    /// <summary>Machine as <c>uname -m</c> names it.</summary>
    public required string Machine { get; init; }

    /// <summary>
    /// Level of an x86-64 CPU, 1 to 4, as the psABI defines x86-64-v2 to v4; null elsewhere, and where the node does not tell.
    /// </summary>
    public int? X86Level { get; init; }

    /// <summary>Those of verbs first, then those of Slingshot; empty where the node has no fabric.</summary>
    public IReadOnlyList<FabricDevice> Devices { get; init; } = [];

    /// <summary><c>/sys/class/infiniband_verbs/abi_version</c>: the ABI of uverbs as such; null where there are no verbs.</summary>
    public int? UverbsAbi { get; init; }

    /// <summary>Nodes that belong to no single device (<c>/dev/infiniband/rdma_cm</c>), of those that exist.</summary>
    public IReadOnlyList<string> SharedDeviceNodes { get; init; } = [];

    /// <summary>
    /// Kernel helpers for ranks of one node or for GPUs (<c>xpmem</c>, <c>knem</c>, <c>gdrdrv</c>), of those that are there, with their
    /// device nodes.
    /// </summary>
    public IReadOnlyList<IntraNodeDevice> IntraNode { get; init; } = [];

    /// <summary>
    /// Soft <c>RLIMIT_MEMLOCK</c> of the reading process in bytes; <see cref="long.MaxValue"/> is unlimited, null is unknown.
    /// </summary>
    public long? MemlockSoft { get; init; }

    /// <summary>Hard <c>RLIMIT_MEMLOCK</c>, likewise.</summary>
    public long? MemlockHard { get; init; }

    /// <summary>For a person: each device on a line with what matters first, then what belongs to the node.</summary>
    public IEnumerable<string> Describe()
    {
        foreach (FabricDevice d in Devices)
            yield return string.Join('\t',
                [d.Name, d.Fabric, d.KernelDriver ?? "?", d.PciAddress ?? "virtual", $"{d.State ?? "?"} {d.Rate}".TrimEnd(),
                d.Uverbs is null ? "no uverbs" : $"{d.Uverbs}, ABI {d.UverbsAbi?.ToString() ?? "?"}", string.Join(',', d.NetDevices),
                .. d.MissingDeviceNodes.Select(n => $"{n} is missing")]);
        if (Devices.Count == 0)
            yield return $"{Node}: no fabric device";
        if (IntraNode.Count > 0)
            yield return $"within the node: {string.Join(", ", IntraNode.Select(i => i.Name))}";
        yield return $"locked memory: {Bytes(MemlockSoft)} (hard limit {Bytes(MemlockHard)})";

        static string Bytes(long? limit) => limit switch { null => "unknown", long.MaxValue => "unlimited", _ => $"{limit} bytes" };
    }
}

/// <summary>A kernel helper and its device node.</summary>
public sealed record IntraNodeDevice(string Name, string DeviceNode)
{
    /// <summary>For people: <c>xpmem (/dev/xpmem)</c>.</summary>
    public override string ToString() => $"{Name} ({DeviceNode})";
}
