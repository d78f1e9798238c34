using Slipway.Readers;

namespace Slipway.Inventory;

/// <summary>Finds the fabric devices in sysfs.</summary>
/// <remarks>
/// Devices are enumerated one by one with what belongs to each, never as lists of uverbs, infiniband and cxi entries that are paired
/// by position: a function may have a uverbs node and no ibdev, or the other way round (SR-IOV, BlueField). The files are those of
/// the kernel's Documentation/ABI/stable/sysfs-class-infiniband, and what rdma-core's libibverbs/init.c reads.
/// </remarks>
sealed class SysfsFabric(RootTree files, ProviderTable table)
{
    const string Verbs = "/sys/class/infiniband_verbs";
    const string Infiniband = "/sys/class/infiniband";

    /// <summary>Nodes that all verbs devices have, whatever drives them; <c>*</c> is a number.</summary>
    public static IReadOnlyList<string> SharedNodes { get; } = ["/dev/infiniband/uverbs*", ConnectionManager];

    /// <summary>Of the RDMA connection manager: it belongs to no single device.</summary>
    public const string ConnectionManager = "/dev/infiniband/rdma_cm";

    /// <summary>The class of the user interface, and that of the device itself, where the former is not loaded.</summary>
    static readonly string[] Cxi = ["/sys/class/cxi_user", "/sys/class/cxi"];

    public IReadOnlyList<FabricDevice> ReadDevices()
    {
        SortedDictionary<string, string> uverbs = ReadUverbs();
        List<FabricDevice> devices = new List<FabricDevice>();
        foreach (string name in files.List(Infiniband))
            devices.Add(ReadVerbs(name, $"{Infiniband}/{name}", uverbs.GetValueOrDefault(name)));
        foreach ((string? ibdev, string? node) in uverbs)
            if (!devices.Exists(d => d.Name == ibdev))
                devices.Add(ReadVerbs(ibdev, $"{Verbs}/{node}", node));
        foreach (string directory in Cxi)
            foreach (string name in files.List(directory))
                if (!devices.Exists(d => d.Name == name))
                    devices.Add(ReadCxi(name, $"{directory}/{name}"));
        return devices;
    }

    /// <summary>
    /// ibdev to uverbs node, by the node's own file or by the function that both belong to. <c>abi_version</c> is a plain file among the
    /// devices.
    /// </summary>
    SortedDictionary<string, string> ReadUverbs()
    {
        SortedDictionary<string, string> result = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string node in files.List(Verbs))
            if (files.HasDirectory($"{Verbs}/{node}"))
                result.TryAdd(files.Small($"{Verbs}/{node}/ibdev") ?? files.List($"{Verbs}/{node}/device/infiniband").FirstOrDefault()
                    ?? node, node);
        return result;
    }

    FabricDevice ReadVerbs(string name, string entry, string? uverbs)
    {
        Bus bus = ReadBus(entry);
        string? description = files.Small($"{entry}/node_desc");
        // rxe alone has the file "parent" (drivers/infiniband/sw/rxe/rxe_verbs.c); rdma-ndd may have rewritten node_desc.
        if (bus.Driver is null && files.HasFile($"{entry}/parent"))
            description = "rxe";
        ProviderRow? row = table.Find(bus.Module, bus.Driver, bus.Vendor, bus.Device, description, name);
        string? nodeType = AfterColon(files.Small($"{entry}/node_type"));
        List<FabricPort> ports = files.List($"{entry}/ports").Select(p => ReadPort($"{entry}/ports/{p}", p)).OfType<FabricPort>().ToList();
        (List<string>? nodes, List<string>? missing) = DeviceNodes(name, row, uverbs);
        return new FabricDevice
        {
            Name = name,
            Fabric = row?.Fabric ?? Classify(nodeType, ports),
            KernelDriver = row?.KernelDriver ?? bus.Module,
            BusDriver = bus.Driver,
            VendorId = bus.Vendor,
            DeviceId = bus.Device,
            PciAddress = bus.Address,
            PhysicalFunction = bus.PhysicalFunction,
            Uverbs = uverbs,
            UverbsAbi = uverbs is null ? null : files.Number($"{Verbs}/{uverbs}/abi_version"),
            NodeType = nodeType,
            Firmware = files.Small($"{entry}/fw_ver"),
            BoardId = files.Small($"{entry}/board_id"),
            NumaNode = bus.NumaNode,
            NetDevices = bus.NetDevices.Count > 0 ? bus.NetDevices : files.Small($"{entry}/parent") is { } parent ? [parent] : [],
            Ports = ports,
            DeviceNodes = nodes,
            MissingDeviceNodes = missing,
        };
    }

    /// <summary>Slingshot: <c>properties</c> of the PCI function, as libcxi's cxil_query_devinfo reads them.</summary>
    FabricDevice ReadCxi(string name, string entry)
    {
        Bus bus = ReadBus(entry);
        ProviderRow? row = table.Find(bus.Module, bus.Driver, bus.Vendor, bus.Device, null, name);
        (List<string>? nodes, List<string>? missing) = DeviceNodes(name, row, null);
        string? link = files.Small($"{entry}/device/properties/link");
        return new FabricDevice
        {
            Name = name,
            Fabric = row?.Fabric ?? "Slingshot",
            KernelDriver = row?.KernelDriver ?? bus.Module,
            BusDriver = bus.Driver,
            VendorId = bus.Vendor,
            DeviceId = bus.Device,
            PciAddress = bus.Address,
            PhysicalFunction = bus.PhysicalFunction,
            BoardId = files.Small($"{entry}/device/fru/description"),
            NumaNode = bus.NumaNode,
            NetDevices = bus.NetDevices,
            Ports =
            [
                new FabricPort(1, "Ethernet", link switch { "1" => "ACTIVE", "0" => "DOWN", _ => link }, null,
                    files.Small($"{entry}/device/properties/speed")),
            ],
            DeviceNodes = nodes,
            MissingDeviceNodes = missing,
        };
    }

    /// <summary>The row's own nodes, of which only the first must be there, and the uverbs node, which always must.</summary>
    (List<string> Present, List<string> Missing) DeviceNodes(string name, ProviderRow? row, string? uverbs)
    {
        List<string> own = (row?.DeviceNodes ?? []).Select(n => n.Replace("{name}", name, StringComparison.Ordinal)).ToList();
        List<string> needed = own.Take(1).ToList();
        if (uverbs is not null)
            needed.Add($"/dev/infiniband/{uverbs}");
        return (needed.Concat(own.Skip(1)).Where(files.HasFile).ToList(), needed.Where(n => !files.HasFile(n)).ToList());
    }

    readonly record struct Bus(string? Address, string? Driver, string? Module, string? Vendor, string? Device, string? PhysicalFunction,
        int? NumaNode, IReadOnlyList<string> NetDevices);

    /// <summary>The function behind a class device; a virtual device has no <c>device</c> link.</summary>
    /// <remarks>A subfunction (BlueField) lies on the auxiliary bus, below the PCI function that has its ids.</remarks>
    Bus ReadBus(string entry)
    {
        string device = $"{entry}/device";
        if (!files.HasDirectory(device))
            return new Bus(null, null, null, null, null, null, null, []);
        string[] components = files.Resolve(device).Path.Split('/');
        int at = Array.FindLastIndex(components, IsPciAddress);
        string function = at < 0 ? device : string.Join('/', components[..(at + 1)]);
        return new Bus(
            at < 0 ? null : components[at],
            files.LinkName($"{device}/driver"),
            files.LinkName($"{device}/driver/module"),
            files.Small($"{function}/vendor"),
            files.Small($"{function}/device"),
            files.LinkName($"{function}/physfn"),
            files.Number($"{function}/numa_node") is >= 0 and var node ? node : null,
            files.List($"{device}/net"));
    }

    /// <summary>DOMAIN:BUS:DEVICE.FUNCTION, as the kernel's pci_setup_device names it.</summary>
    static bool IsPciAddress(string name)
    {
        string[] parts = name.Split(':', '.');
        return parts.Length == 4 && parts[0].Length >= 4 && parts[1].Length == 2 && parts[2].Length == 2 && parts[3].Length == 1
            && name.IndexOf('.') == name.Length - 2 && parts.All(p => p.All(char.IsAsciiHexDigit));
    }

    FabricPort? ReadPort(string port, string number) => int.TryParse(number, out int n)
        ? new FabricPort(n, files.Small($"{port}/link_layer"), AfterColon(files.Small($"{port}/state")),
            AfterColon(files.Small($"{port}/phys_state")), files.Small($"{port}/rate"))
        : null;

    static string Classify(string? nodeType, List<FabricPort> ports) =>
        nodeType == "RNIC" ? "iWARP"
        : ports.FirstOrDefault(p => p.LinkLayer is not null)?.LinkLayer switch
        {
            "InfiniBand" => "InfiniBand",
            "Ethernet" => "RoCE",
            var other => other ?? "Unknown",
        };

    /// <summary>sysfs writes enumerations as <c>4: ACTIVE</c>.</summary>
    static string? AfterColon(string? text) => text is null ? null : text[(text.IndexOf(':') + 1)..].Trim();
}
