using Slipway.Inventory;
using Slipway.Readers;

namespace Slipway.Fabric;

/// <summary>
/// Devices that are not driven through verbs but by libfabric or a library of their own below it: Omni-Path (psm2, opx), Slingshot (cxi).
/// </summary>
/// <remarks>
/// Their libraries check the kernel driver's version themselves when they open the device; sysfs has no ABI number to compare.
/// </remarks>
sealed class LibfabricLadder(ImageFabric image, FabricInventory inventory, RootTree hostFiles, RootLibraries host, ProviderTable table)
    : ILadder
{
    const string Libfabric = "libfabric.so.1";

    public string? Obstacle(FabricDevice device, ProviderRow row) =>
        device.DeviceNodes.Count == 0 && device.MissingDeviceNodes.Count > 0
        ? $"{device.MissingDeviceNodes[0]} is missing on the node" : null;

    public RungOutcome Try(FabricRung rung, FabricDevice device, ProviderRow row) => rung switch
    {
        FabricRung.Image => TryImage(row),
        FabricRung.Provider => TryProvider(row),
        _ => TryStack(row),
    };

    RungOutcome TryImage(ProviderRow row)
    {
        if (row.Alternative is { } alternative && image.HasLibfabricProvider(alternative))
            return new RungOutcome { Holds = true, Reason = $"the image's own libfabric drives it with provider {alternative}" };
        if (image.Library(row.Library!) is null)
            return RungOutcome.Fails($"the image has no {row.Library}"
                + (row.Alternative is null ? "" : $", and no libfabric with provider {row.Alternative}"));
        return image.Imports.ContainsKey(row.Library!) || image.HasLibfabricProvider(row.Provider!)
            ? new RungOutcome { Holds = true, Reason = $"the image's own {row.Library} drives it" }
            : RungOutcome.Fails($"the image has {row.Library}, but neither its libfabric nor a program uses it");
    }

    RungOutcome TryProvider(ProviderRow row)
    {
        if (image.Library(Libfabric) is not { } own)
            return RungOutcome.Fails("the image has no libfabric.so.1");
        if (HostModule(row) is not { } module)
            return RungOutcome.Fails($"the node has no {string.Join(" or ", Modules(row))} that could be passed alone");
        string name = Path.GetFileName(module.Path);
        // libfabric refuses a provider that was built for a newer libfabric (src/fabric.c, ofi_register_provider); the number in the
        // file name grows with each release.
        if (host.Find(Libfabric) is not { } hosts || Number(hosts.Version) is not { } newest || Number(own.Version) is not { } limit
            || newest > limit)
            return RungOutcome.Fails($"the node's {name} belongs to libfabric.so.{host.Find(Libfabric)?.Version ?? "?"}; "
                + $"the image's is libfabric.so.{own.Version}, and takes none that is newer");
        HostSet set = new HostSet(image, host, table, inventory.X86Level);
        set.AddProvider(module);
        return Finish(set, module, $"the node's {name} fits the image's libfabric.so.{own.Version}");
    }

    RungOutcome TryStack(ProviderRow row)
    {
        if (!image.Imports.ContainsKey(Libfabric) && !image.Imports.ContainsKey(row.Library!))
            return RungOutcome.Fails($"nothing in the image uses libfabric or {row.Library}");
        // The node's libfabric may use verbs for other fabrics; where it does not get on with the image's, the node's verbs come along.
        RungOutcome alone = TryStack(row, withVerbs: false);
        return alone.Holds || host.Find(Libfabric)?.Elf.Needed.Any(n => table.VerbsLibraries.Contains(n)) != true ? alone
            : TryStack(row, withVerbs: true) is { Holds: true } together ? together : alone;
    }

    RungOutcome TryStack(ProviderRow row, bool withVerbs)
    {
        bool direct = image.Imports.ContainsKey(row.Library!);
        HostSet set = new HostSet(image, host, table, inventory.X86Level);
        if (image.Imports.ContainsKey(Libfabric) && set.AddLibrary(Libfabric) is { } noLibfabric)
            return RungOutcome.Fails(noLibfabric);
        if (withVerbs && set.AddVerbs() is { } noVerbs)
            return RungOutcome.Fails(noVerbs);
        RootLibrary? module = HostModule(row);
        IReadOnlyList<string> builtIn = host.LibfabricBuiltIn();
        bool alternative = row.Alternative is not null && builtIn.Contains(row.Alternative);
        if (set.AddLibrary(row.Library!) is { } lacking && (direct || !alternative))
            return RungOutcome.Fails(lacking);
        if (module is not null)
            set.AddProvider(module);
        else if (set.Libraries.TryGetValue(Libfabric, out RootLibrary? libfabric) && !builtIn.Contains(row.Provider!) && !alternative)
            return RungOutcome.Fails($"the node's {libfabric.Path} has no {row.Provider} provider");
        return Finish(set, module, $"the node's {string.Join(" and ", set.Libraries.Keys.Where(k => k == Libfabric || k == row.Library))} "
            + $"fit the image, in both directions{(withVerbs ? ", with the node's verbs libraries, which its libfabric needs" : "")}");
    }

    RungOutcome Finish(HostSet set, RootLibrary? module, string reason)
    {
        if (set.Check() is { } misfit)
            return RungOutcome.Fails(misfit);
        List<FabricBind> binds = set.Libraries.Select(
            l => new FabricBind(hostFiles.Outside(l.Value.Path), $"{FabricPaths.Libraries}/{l.Key}")).ToList();
        if (module is null)
            return new RungOutcome { Holds = true, Reason = reason, Binds = binds };
        binds.Add(new FabricBind(hostFiles.Outside(module.Path), $"{FabricPaths.LibfabricProviders}/{Path.GetFileName(module.Path)}"));
        // The variable replaces the image's own directory, whose providers are still wanted.
        return new RungOutcome
        {
            Holds = true,
            Reason = reason,
            Binds = binds,
            ProviderDirectories = [FabricPaths.LibfabricProviders, .. image.LibfabricProviders.Select(p => Path.GetDirectoryName(p)!)
                .Distinct()],
        };
    }

    RootLibrary? HostModule(ProviderRow row) =>
        Modules(row).Select(m => host.LibfabricProviders().FirstOrDefault(p => Path.GetFileName(p.Path) == m).Library)
        .FirstOrDefault(l => l is not null);

    static IEnumerable<string> Modules(ProviderRow row) => new[] { row.Provider, row.Alternative }.OfType<string>()
        .Select(n => $"lib{n}-fi.so");

    static Version? Number(string? version) => Version.TryParse(version, out Version? number) ? number : null;
}
