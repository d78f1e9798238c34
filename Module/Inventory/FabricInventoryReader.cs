using System.Runtime.InteropServices;
using Slipway.Readers;

namespace Slipway.Inventory;

/// <summary>What fabric hardware a node has, from its sysfs and procfs.</summary>
public static class FabricInventoryReader
{
    /// <param name="root">A directory that is laid out like a node's root filesystem; its <c>/sys</c>, <c>/dev</c> and <c>/proc</c> are
    /// read.</param>
    /// <remarks>Files that are empty, unreadable, or vanish meanwhile leave their property null; nothing is thrown for them.</remarks>
    public static FabricInventory Read(string root = "/")
    {
        RootTree files = new RootTree(root);
        (long? soft, long? hard) = ReadMemlock(files);
        return new FabricInventory
        {
            Node = files.Small("/proc/sys/kernel/hostname") ?? Environment.MachineName,
            Machine = files.Small("/proc/sys/kernel/arch") ?? RunningMachine(),
            X86Level = Slipway.Inventory.X86Level.OfCpu(files),
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
    static (long? Soft, long? Hard) ReadMemlock(RootTree files)
    {
        const string Name = "Max locked memory";
        string? line = files.Small("/proc/self/limits")?.Split('\n').FirstOrDefault(l => l.StartsWith(Name, StringComparison.Ordinal));
        string[] fields = line?[Name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return (Limit(0), Limit(1));

        long? Limit(int field) => fields.Length <= field ? null
            : fields[field] == "unlimited" ? long.MaxValue
            : long.TryParse(fields[field], out long bytes) ? bytes : null;
    }
}
