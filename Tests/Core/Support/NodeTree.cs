using Slipway.Inventory;

namespace Slipway.Tests;

/// <summary>
/// A node's root filesystem with the sysfs files that the kernel makes for a device, after the kernel's
/// Documentation/ABI/stable/sysfs-class-infiniband, drivers/infiniband/core/sysfs.c and, for rxe, a running 6.1 kernel.
/// </summary>
public sealed class NodeTree : RootFixture
{
    int uverbs;

    public NodeTree()
    {
        Write("proc/sys/kernel/hostname", "n1\n");
        Write("proc/sys/kernel/arch", "x86_64\n");
    }

    /// <summary>A node of <c>Nodes/NAME.tree</c>.</summary>
    public static NodeTree Of(string name)
    {
        NodeTree node = new NodeTree();
        node.Load(name);
        return node;
    }

    public static IEnumerable<string> Names =>
        Directory.GetFiles(System.IO.Path.Combine(AppContext.BaseDirectory, "Support/Nodes"), "*.tree")
        .Select(f => System.IO.Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal);

    public FabricInventory Read() => FabricInventoryReader.Read(Root);

    public NodeTree Memlock(string soft, string hard)
    {
        Write("proc/self/limits", $"""
            Limit                     Soft Limit           Hard Limit           Units
            Max open files            1024                 1048576              files
            Max locked memory         {soft,-20} {hard,-20} bytes
            """);
        return this;
    }

    /// <summary>soft-RoCE: a virtual device, without a <c>device</c> link, with an empty fw_ver.</summary>
    public NodeTree Rxe(string name = "rxe0")
    {
        string entry = $"sys/devices/virtual/infiniband/{name}";
        Write($"{entry}/node_type", "1: CA\n");
        Write($"{entry}/node_desc", "rxe\n");
        Write($"{entry}/parent", "eth0\n");
        Write($"{entry}/fw_ver", "");
        Port(entry, "Ethernet", "2.5 Gb/sec (1X SDR)");
        Link($"sys/class/infiniband/{name}", $"../../devices/virtual/infiniband/{name}");
        Uverbs("sys/devices/virtual/infiniband_verbs", name, 2, link: null);
        return this;
    }

    /// <summary>A verbs device on a PCI function.</summary>
    public NodeTree Pci(string name, string address, string driver, string vendor, string device, int abi, string linkLayer = "InfiniBand",
        string nodeType = "1: CA", string? physfn = null, bool ibdev = true, string? netdev = null)
    {
        string function = Function(address, driver, vendor, device, physfn, netdev);
        if (ibdev)
        {
            string entry = $"{function}/infiniband/{name}";
            Write($"{entry}/node_type", nodeType + "\n");
            Write($"{entry}/node_desc", "n1 HCA-1\n");
            Write($"{entry}/fw_ver", "20.31.1014\n");
            Write($"{entry}/board_id", "MT_0000000223\n");
            Port(entry, linkLayer, "200 Gb/sec (4X HDR)");
            Link($"{entry}/device", $"../../../{address}");
            Link($"sys/class/infiniband/{name}", $"../../devices/pci0000:00/{address}/infiniband/{name}");
        }
        Uverbs($"{function}/infiniband_verbs", name, abi, $"../../../{address}");
        return this;
    }

    /// <summary>ConnectX-6 (15b3:101b) as one physical function and virtual ones (101c); the last has a uverbs node only.</summary>
    public NodeTree Mlx5WithVirtualFunctions() =>
        Pci("mlx5_0", "0000:3b:00.0", "mlx5_core", "0x15b3", "0x101b", 1, netdev: "ib0")
            .Pci("mlx5_1", "0000:3b:00.1", "mlx5_core", "0x15b3", "0x101c", 1, physfn: "0000:3b:00.0")
            .Pci("mlx5_2", "0000:3b:00.2", "mlx5_core", "0x15b3", "0x101c", 1, physfn: "0000:3b:00.0", ibdev: false);

    public NodeTree Hfi1()
    {
        Pci("hfi1_0", "0000:5e:00.0", "hfi1", "0x8086", "0x24f0", 0);
        Write("dev/hfi1_0", "");
        return this;
    }

    public NodeTree Efa() => Pci("efa_0", "0000:00:06.0", "efa", "0x1d0f", "0xefa1", 1, linkLayer: "Unspecified",
        nodeType: "7: unspecified");

    public NodeTree Cxi()
    {
        string function = Function("0000:21:00.0", "cxi_ss1", "0x17db", "0x0501", null, "hsn0");
        Write($"{function}/properties/link", "1\n");
        Write($"{function}/properties/speed", "200000\n");
        Link($"{function}/cxi_user/cxi0/device", "../../../0000:21:00.0");
        Link("sys/class/cxi_user/cxi0", "../../devices/pci0000:00/0000:21:00.0/cxi_user/cxi0");
        Write("dev/cxi0", "");
        return this;
    }

    string Function(string address, string driver, string vendor, string device, string? physfn, string? netdev)
    {
        string function = $"sys/devices/pci0000:00/{address}";
        Write($"{function}/vendor", vendor + "\n");
        Write($"{function}/device", device + "\n");
        Write($"{function}/numa_node", physfn is null ? "1\n" : "-1\n");
        Write($"sys/bus/pci/drivers/{driver}/bind", "");
        Link($"{function}/driver", $"../../../bus/pci/drivers/{driver}");
        if (physfn is not null)
            Link($"{function}/physfn", $"../{physfn}");
        if (netdev is not null)
            Write($"{function}/net/{netdev}/mtu", "1500\n");
        return function;
    }

    void Port(string entry, string linkLayer, string rate)
    {
        Write($"{entry}/ports/1/state", "4: ACTIVE\n");
        Write($"{entry}/ports/1/phys_state", "5: LinkUp\n");
        Write($"{entry}/ports/1/link_layer", linkLayer + "\n");
        Write($"{entry}/ports/1/rate", rate + "\n");
    }

    void Uverbs(string directory, string ibdev, int abi, string? link)
    {
        string node = $"uverbs{uverbs++}";
        Write($"{directory}/{node}/ibdev", ibdev + "\n");
        Write($"{directory}/{node}/abi_version", abi + "\n");
        if (link is not null)
            Link($"{directory}/{node}/device", link);
        Link($"sys/class/infiniband_verbs/{node}", $"../../../{directory}/{node}");
        Write("sys/class/infiniband_verbs/abi_version", "6\n");
        Write($"dev/infiniband/{node}", "");
        Write("dev/infiniband/rdma_cm", "");
    }
}
