using System.Runtime.InteropServices;
using Slipway.Fabric;
using Slipway.Readers;

namespace Slipway;

/// <summary>The fabric hardware of one node, as its kernel shows it.</summary>
public sealed class FabricInventory
{
    public required string Node { get; init; }

    /// <summary>Machine as <c>uname -m</c> names it.</summary>
    public required string Machine { get; init; }

    /// <summary>Level of an x86-64 CPU, 1 to 4, as the psABI defines x86-64-v2 to v4; null elsewhere, and where the node does not tell.</summary>
    public int? X86Level { get; init; }

    public IReadOnlyList<FabricDevice> Devices { get; init; } = [];

    /// <summary><c>/sys/class/infiniband_verbs/abi_version</c>: the ABI of uverbs as such; null where there are no verbs.</summary>
    public int? UverbsAbi { get; init; }

    /// <summary>Nodes that belong to no single device (<c>/dev/infiniband/rdma_cm</c>), of those that exist.</summary>
    public IReadOnlyList<string> SharedDeviceNodes { get; init; } = [];

    /// <summary>Kernel helpers for ranks of one node or for GPUs (<c>xpmem</c>, <c>knem</c>, <c>gdrdrv</c>), of those that are there, with their device nodes.</summary>
    public IReadOnlyList<IntraNodeDevice> IntraNode { get; init; } = [];

    /// <summary>Soft <c>RLIMIT_MEMLOCK</c> of the reading process in bytes; <see cref="long.MaxValue"/> is unlimited, null is unknown.</summary>
    public long? MemlockSoft { get; init; }

    /// <summary>Hard <c>RLIMIT_MEMLOCK</c>, likewise.</summary>
    public long? MemlockHard { get; init; }

    /// <summary>For a person: each device on a line with what matters first, then what belongs to the node.</summary>
    public IEnumerable<string> Describe()
    {
        foreach (var d in Devices)
            yield return string.Join('\t', [d.Name, d.Fabric, d.KernelDriver ?? "?", d.PciAddress ?? "virtual", $"{d.State ?? "?"} {d.Rate}".TrimEnd(),
                d.Uverbs is null ? "no uverbs" : $"{d.Uverbs}, ABI {d.UverbsAbi?.ToString() ?? "?"}", string.Join(',', d.NetDevices), .. d.MissingDeviceNodes.Select(n => $"{n} is missing")]);
        if (Devices.Count == 0)
            yield return $"{Node}: no fabric device";
        if (IntraNode.Count > 0)
            yield return $"within the node: {string.Join(", ", IntraNode.Select(i => i.Name))}";
        yield return $"locked memory: {Bytes(MemlockSoft)} (hard limit {Bytes(MemlockHard)})";

        static string Bytes(long? limit) => limit switch { null => "unknown", long.MaxValue => "unlimited", _ => $"{limit} bytes" };
    }

    /// <param name="root">A directory that is laid out like a node's root filesystem; its <c>/sys</c>, <c>/dev</c> and <c>/proc</c> are read.</param>
    /// <remarks>Files that are empty, unreadable, or vanish meanwhile leave their property null; nothing is thrown for them.</remarks>
    public static FabricInventory Read(string root = "/")
    {
        var files = new RootDirectory(root);
        var (soft, hard) = ReadMemlock(files);
        return new FabricInventory
        {
            Node = files.Text("/proc/sys/kernel/hostname") ?? Environment.MachineName,
            Machine = files.Text("/proc/sys/kernel/arch") ?? RunningMachine(),
            X86Level = Fabric.X86Level.OfCpu(files),
            Devices = new SysfsFabric(files, ProviderTable.Default).ReadDevices(),
            UverbsAbi = files.Number("/sys/class/infiniband_verbs/abi_version"),
            SharedDeviceNodes = files.HasFile(SysfsFabric.ConnectionManager) ? [SysfsFabric.ConnectionManager] : [],
            IntraNode = ProviderTable.Default.IntraNode.Where(r => files.HasFile(r.DeviceNode))
                .Select(r => new IntraNodeDevice(r.Name, r.DeviceNode)).ToList(),
            MemlockSoft = soft,
            MemlockHard = hard,
        };
    }

    // /proc/sys/kernel/arch exists since Linux 6.1
    static string RunningMachine() => RuntimeInformation.OSArchitecture switch
    {
        Architecture.X64 => "x86_64",
        Architecture.Arm64 => "aarch64",
        Architecture.Ppc64le => "ppc64le",
        Architecture.S390x => "s390x",
        Architecture.RiscV64 => "riscv64",
        Architecture.LoongArch64 => "loongarch64",
        var other => other.ToString().ToLowerInvariant(),
    };

    /// <summary>The line <c>Max locked memory</c> of <c>/proc/self/limits</c>, proc_pid_limits(5).</summary>
    static (long? Soft, long? Hard) ReadMemlock(RootDirectory files)
    {
        const string Name = "Max locked memory";
        var line = files.Text("/proc/self/limits")?.Split('\n').FirstOrDefault(l => l.StartsWith(Name, StringComparison.Ordinal));
        var fields = line?[Name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return (Limit(0), Limit(1));

        long? Limit(int field) => fields.Length <= field ? null
            : fields[field] == "unlimited" ? long.MaxValue
            : long.TryParse(fields[field], out var bytes) ? bytes : null;
    }
}

/// <summary>A kernel helper and its device node.</summary>
public sealed record IntraNodeDevice(string Name, string DeviceNode);
