using Slipway.Inventory;
using Slipway.Readers;

namespace Slipway.Fabric;

/// <summary>Which of a node's devices a job was given: by the batch system's variables, and by what its cgroup lets it open.</summary>
static class FabricAllocation
{
    /// <summary>Devices that the job may not use.</summary>
    /// <param name="environment">A variable's value; null where it is not set.</param>
    /// <param name="root">Whose sysfs and cgroups are read; those of this node are asked of the kernel.</param>
    /// <returns>The device's name, and why.</returns>
    public static IReadOnlyDictionary<string, string> Excluded(IEnumerable<FabricDevice> devices, Func<string, string?> environment,
        string root)
    {
        RootTree files = new RootTree(root);
        string[]? rules = DeviceRules(files);
        SortedDictionary<string, string> result = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (FabricDevice device in devices)
            if ((ByVariable(device, environment) ?? ByCgroup(device, files, rules, root == "/")) is { } reason)
                result[device.Name] = reason;
        return result;
    }

    /// <summary>Leaves out of a plan what the job was not given.</summary>
    public static void Restrict(FabricPlan plan, Func<string, string?> environment)
    {
        List<(FabricDevice Device, string? Reason)> left = plan.Devices.Select(d => (d.Device, Reason: ByVariable(d.Device, environment)))
            .Where(d => d.Reason is not null).ToList();
        if (left.Count == 0)
            return;
        HashSet<string> nodes = left.SelectMany(d => d.Device.DeviceNodes).ToHashSet(StringComparer.Ordinal);
        plan.Devices = plan.Devices.Where(d => left.TrueForAll(o => o.Device != d.Device)).ToList();
        plan.DeviceNodes = plan.DeviceNodes.Where(n => !nodes.Contains(n)).ToList();
        plan.HiddenDeviceNodes = plan.HiddenDeviceNodes.Concat(nodes).Distinct().ToList();
        plan.Excluded =
            new SortedDictionary<string, string>(plan.Excluded.Concat(left.Select(o => KeyValuePair.Create(o.Device.Name, o.Reason!)))
                .ToDictionary(), StringComparer.Ordinal);
    }

    static string? ByVariable(FabricDevice device, Func<string, string?> environment)
    {
        IEnumerable<AllocationRow> rows = ProviderTable.Default.Allocations.Where(a => a.Fabric is null || a.Fabric == device.Fabric);
        if (rows.FirstOrDefault(a => environment(a.Variable) is { Length: > 0 }) is not { } row)
            return null;
        string value = environment(row.Variable)!;
        string[] given = value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        IEnumerable<string> own = row.Form == "name" ? [device.Name] : device.DeviceNodes.Concat(device.MissingDeviceNodes)
            .Select(TrailingNumber).OfType<string>();
        return given.Intersect(own).Any() ? null : $"the job was not given it ({row.Variable}={value})";
    }

    /// <summary>As Slurm does it: the digits at the end of a device file's name.</summary>
    static string? TrailingNumber(string node)
    {
        string digits = node[(node.AsSpan().LastIndexOfAnyExceptInRange('0', '9') + 1)..];
        return digits.Length > 0 ? digits : null;
    }

    static string? ByCgroup(FabricDevice device, RootTree files, IReadOnlyList<string>? rules, bool here)
    {
        foreach (string node in device.DeviceNodes)
        {
            // cgroup v2 rules are programs that cannot be read; the kernel asks them in access(2) too, and answers EPERM where a file's
            // mode gives EACCES.
            if (here && access(node, R_OK | W_OK) != 0 && errno == EPERM)
                return $"the job's cgroup does not let it open {node}";
            if (rules is not null && NumberOf(device, node, files) is { } number && !rules.Any(r => Allows(r, number)))
                return $"the job's cgroup (devices.list) does not let it open {node}";
        }
        return null;
    }

    /// <summary>
    /// <c>devices.list</c> of cgroup v1 (kernel: Documentation/admin-guide/cgroup-v1/devices.rst); null where there is no such hierarchy.
    /// </summary>
    static string[]? DeviceRules(RootTree files)
    {
        // lines ID:CONTROLLERS:PATH, cgroups(7)
        string[]? own = files.Small("/proc/self/cgroup")?.Split('\n').Select(l => l.Split(':', 3))
            .FirstOrDefault(l => l.Length == 3 && l[1].Split(',').Contains("devices"));
        return own is null ? null : files.Small($"/sys/fs/cgroup/devices{own[2].TrimEnd('/')}/devices.list")?.Split('\n');
    }

    static string? NumberOf(FabricDevice device, string node, RootTree files) => device.Uverbs is { } uverbs
        && node.EndsWith("/" + uverbs, StringComparison.Ordinal)
        ? files.Small($"/sys/class/infiniband_verbs/{uverbs}/dev")
        : files.Small($"/sys/class/cxi_user/{device.Name}/dev") ?? files.Small($"/sys/class/hfi1_user/{device.Name}/dev");

    /// <summary>A line <c>TYPE MAJOR:MINOR ACCESS</c>, with <c>a</c> for all types and <c>*</c> for all numbers.</summary>
    static bool Allows(string rule, string number)
    {
        string[] fields = rule.Split((char[])[' ', ':'], StringSplitOptions.RemoveEmptyEntries);
        string[] parts = number.Split(':');
        return fields.Length == 4 && parts.Length == 2 && fields[0] is "a" or "c" && (fields[1] == "*" || fields[1] == parts[0])
            && (fields[2] == "*" || fields[2] == parts[1])
            && fields[3].Contains('r') && fields[3].Contains('w');
    }
}
