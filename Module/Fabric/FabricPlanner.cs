using Slipway.Inventory;
using Slipway.Readers;

namespace Slipway.Fabric;

/// <summary>Decides, for each device of a node, how an image gets to use it: the first rung that holds, and the reason.</summary>
public static class FabricPlanner
{
    /// <summary>Plans from the manifest's facts, or from the image itself where it has none.</summary>
    /// <param name="jobEnvironment">Looks up the batch system's variables; null means none, e.g. for a plan that is made before any
    /// job.</param>
    /// <remarks>Neither the image nor its <see cref="ContainerImage.FabricPlan"/> is changed.</remarks>
    /// <exception cref="SlipwayException">A device is asked for that the node does not have, or the image cannot be read.</exception>
    public static FabricPlan Plan(ContainerImage image, FabricInventory inventory, FabricRequest? request = null,
        Func<string, string?>? jobEnvironment = null, CancellationToken cancellation = default)
    {
        request ??= new FabricRequest();
        SortedDictionary<string, string> excluded = Exclude(inventory, request, jobEnvironment ?? (_ => null));
        List<FabricDevice> devices = inventory.Devices.Where(d => !excluded.ContainsKey(d.Name)).ToList();
        FabricPlan plan = devices.Count == 0 ? NoFabric(image, inventory) : PlanFor(image, inventory, request, devices, cancellation);
        plan.Excluded = excluded;
        plan.HiddenDeviceNodes = inventory.Devices.Where(d => excluded.ContainsKey(d.Name)).SelectMany(d => d.DeviceNodes).ToList();
        if (devices.Count == 0 && excluded.Count > 0)
            plan.Reason = $"none of {inventory.Node}'s fabric devices is for this plan: "
                + $"{string.Join("; ", excluded.Select(e => $"{e.Key}: {e.Value}"))}";
        return plan;
    }

    static FabricPlan PlanFor(ContainerImage image, FabricInventory inventory, FabricRequest request, List<FabricDevice> devices,
        CancellationToken cancellation)
    {
        ImageFabric facts = ImageFacts.Of(image, cancellation);
        RootTree hostFiles = new RootTree(request.Root);
        RootLibraries host = new RootLibraries(hostFiles, ProviderTable.Default, facts.Machine);
        return new Run(facts, inventory, request, ProviderTable.Default, hostFiles, host).Plan(image, devices);
    }

    static SortedDictionary<string, string> Exclude(FabricInventory inventory, FabricRequest request, Func<string, string?> jobEnvironment)
    {
        if (request.Devices.FirstOrDefault(n => inventory.Devices.All(d => d.Name != n)) is { } unknown)
            throw FabricErrors.DeviceNotFound(inventory, unknown);
        SortedDictionary<string, string> result = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach ((string? name, string? reason) in FabricAllocation.Excluded(inventory.Devices, jobEnvironment, request.Root))
            result[name] = reason;
        foreach (FabricDevice? device in inventory.Devices.Where(d => request.Devices.Count > 0 && !request.Devices.Contains(d.Name)))
            result.TryAdd(device.Name, $"the plan was asked for {string.Join(", ", request.Devices)} alone");
        return result;
    }

    static FabricPlan NoFabric(ContainerImage image, FabricInventory inventory) => new()
    {
        ImageDigest = image.Digest,
        Node = inventory.Node,
        Verdict = FabricRung.None,
        Reason = $"no fabric device on {inventory.Node}: ranks use TCP and shared memory",
        DeviceNodes = inventory.IntraNode.Select(d => d.DeviceNode).ToList(),
    };

    /// <summary>One plan in the making.</summary>
    sealed class Run(ImageFabric facts, FabricInventory inventory, FabricRequest request, ProviderTable table, RootTree hostFiles,
        RootLibraries host)
    {
        readonly VerbsLadder verbs = new(facts, inventory, hostFiles, host, table);
        readonly LibfabricLadder libfabric = new(facts, inventory, hostFiles, host, table);
        readonly UcxSet ucx = new(facts, inventory, hostFiles, host, table);

        sealed record Choice(FabricDevicePlan Plan, RungOutcome? Outcome, bool Verbs);

        public FabricPlan Plan(ContainerImage image, List<FabricDevice> devices)
        {
            List<Choice> choices = devices.ConvertAll(d => Climb(d, request.Rungs, []));
            // There is one libibverbs in a process: where one device needs the node's, every verbs device gets the node's.
            if (choices.Find(c => c.Outcome?.Binds.Any(b => b.Destination == $"{FabricPaths.Libraries}/{table.VerbsLibraries[0]}") == true)
                is { } first)
                choices = choices.ConvertAll(c => c.Verbs && c.Plan.Rung is FabricRung.Image or FabricRung.Provider
                    ? Climb(c.Plan.Device, [FabricRung.Stack],
                        c.Plan.Tried.Select(
                            t => t with { Holds = false, Reason = t.Holds
                                ? $"held, but {first.Plan.Device.Name} needs the node's libibverbs, of which a process has only one"
                                : t.Reason }))
                    : c);

            List<Choice> used = choices.FindAll(c => c.Outcome is not null);
            List<string> warnings = [];
            List<RungOutcome> outcomes = used.ConvertAll(c => c.Outcome!);
            if (used.Exists(c => c.Verbs) && ucx.Wanted)
            {
                RungOutcome help = ucx.Try(outcomes.SelectMany(o => o.Binds)
                    .Where(b => Path.GetDirectoryName(b.Destination) == FabricPaths.Libraries).Select(b => Path.GetFileName(b.Destination))
                    .ToHashSet());
                bool taken = help.Holds && request.Rungs is not [FabricRung.Image];
                if (taken)
                    outcomes.Add(help);
                warnings.Add(taken || !help.Holds ? help.Reason
                    : "the image's UCX has no module for verbs, and only what the image has was asked for");
            }
            warnings.AddRange(Warnings(used));
            FabricDevicePlan worst = choices.MaxBy(c => c.Plan.Rung)!.Plan;
            return new FabricPlan
            {
                ImageDigest = image.Digest,
                Node = inventory.Node,
                Verdict = worst.Rung,
                Reason = $"{worst.Device.Name}: {worst.Reason}",
                Devices = choices.ConvertAll(c => c.Plan),
                DeviceNodes = used.SelectMany(c => c.Plan.Device.DeviceNodes)
                    .Concat(used.Exists(c => c.Plan.Device.Uverbs is not null) ? inventory.SharedDeviceNodes : [])
                    .Concat(inventory.IntraNode.Select(d => d.DeviceNode)).Distinct().ToList(),
                Binds = outcomes.SelectMany(o => o.Binds).DistinctBy(b => b.Destination).ToList(),
                Environment = Variables(outcomes),
                Warnings = warnings,
            };
        }

        Choice Climb(FabricDevice device, IReadOnlyList<FabricRung> allowed, IEnumerable<FabricRungResult> before)
        {
            ProviderRow? row = table.ForDevice(device);
            ILadder ladder = row?.Carrier == "libfabric" ? libfabric : verbs;
            bool isVerbs = ladder == verbs;
            string? obstacle = row?.Provider is null
                ? $"no provider is known for {device.KernelDriver ?? "a device whose kernel driver sysfs does not tell"}"
                : facts.Machine is null ? "the image has neither a shell nor a C library: nothing in it could use a provider"
                : facts.Machine != inventory.Machine ? $"the image is for {facts.Machine}, the node is {inventory.Machine}"
                : X86Level.Misfit("the image's C library", facts.X86Level, inventory.X86Level) is { } slow ? slow
                : ladder.Obstacle(device, row);
            if (obstacle is not null)
                return new Choice(new FabricDevicePlan { Device = device, Rung = FabricRung.Refuse, Reason = obstacle,
                    Tried = [new(FabricRung.Refuse, true, obstacle)] }, null, isVerbs);

            List<FabricRungResult> tried = before.ToList();
            foreach (FabricRung rung in allowed)
            {
                RungOutcome outcome = ladder.Try(rung, device, row!);
                tried.Add(new FabricRungResult(rung, outcome.Holds, outcome.Reason));
                if (outcome.Holds)
                    return new Choice(new FabricDevicePlan { Device = device, Rung = rung, Reason = outcome.Reason, Tried = tried },
                        outcome, isVerbs);
            }
            string reason = string.Join("; ", tried.Select(t => t.Reason).Distinct()) + Remedy(row!);
            tried.Add(new FabricRungResult(FabricRung.Refuse, true, reason));
            return new Choice(new FabricDevicePlan { Device = device, Rung = FabricRung.Refuse, Reason = reason, Tried = tried },
                null, isVerbs);
        }

        string Remedy(ProviderRow row)
        {
            ImageDistribution? distribution = facts.Distribution;
            if (distribution is not null && FabricPackages.IsDebian(distribution.Id) && !facts.HasDpkg)
                return $": install {row.Carrier} with provider {row.Provider} in the image: "
                    + $"it calls itself {distribution.PrettyName ?? distribution.Id}, but has no dpkg database";
            IReadOnlyList<string> packages = FabricPackages.For(row, distribution);
            return packages.Count > 0
                ? $": add `fabric: auto` to the definition (or `fabric: {row.Provider}`), which installs {string.Join(", ", packages)}"
                : $": install {row.Carrier} with provider {row.Provider} in the image: {FabricPackages.WhyNone(row, distribution)}";
        }

        SortedDictionary<string, string> Variables(List<RungOutcome> outcomes)
        {
            SortedDictionary<string, string> result = new SortedDictionary<string, string>(StringComparer.Ordinal);
            if (outcomes.Exists(o => o.Binds.Any(b => b.Destination.StartsWith(FabricPaths.Libraries + "/", StringComparison.Ordinal))))
                result[table.Variables.Libraries] = FabricPaths.Libraries;
            Add(table.Variables.VerbsDrivers, outcomes.SelectMany(o => o.Drivers));
            Add(table.Variables.LibfabricProviders, outcomes.SelectMany(o => o.ProviderDirectories));
            return result;

            void Add(string name, IEnumerable<string> values)
            {
                if (string.Join(':', values.Distinct()) is { Length: > 0 } value)
                    result[name] = value;
            }
        }

        IEnumerable<string> Warnings(List<Choice> used)
        {
            if (used.Exists(c => c.Verbs) && inventory.MemlockSoft is { } soft && soft != long.MaxValue)
                yield return $"RLIMIT_MEMLOCK is {soft} bytes{(soft <= 32768 ? ", which libibverbs itself finds too low" : "")}: "
                    + "UCX and MPI want it unlimited (ulimit -l)";
            // An MPI that can use none of these is served by TCP, whatever the plan gives.
            if (used.Count > 0)
                foreach (ImageMpi? mpi in facts.Mpi.Where(m => m.Family is not null && m.Transports.Count == 0))
                    yield return $"the image's {mpi.Family} ({mpi.Path}) is linked with neither UCX, libfabric nor verbs: it will use TCP";
        }
    }
}
