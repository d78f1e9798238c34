namespace Slipway.Fabric;

/// <summary>Devices that are not driven through verbs but by a library of their own below libfabric: Omni-Path (psm2), Slingshot (cxi).</summary>
/// <remarks>Their libraries check the kernel driver's version themselves when they open the device; sysfs has no ABI number to compare.</remarks>
sealed class LibfabricLadder(ImageFabric image, RootDirectory hostFiles, RootLibraries host, ProviderTable table) : ILadder
{
    const string Libfabric = "libfabric.so.1";

    public string? Obstacle(FabricDevice device, ProviderRow row) =>
        device.DeviceNodes.Count == 0 && device.MissingDeviceNodes.Count > 0 ? $"{device.MissingDeviceNodes[0]} is missing on the node" : null;

    public RungOutcome Try(FabricRung rung, FabricDevice device, ProviderRow row) => rung switch
    {
        FabricRung.Image => TryImage(row),
        FabricRung.Provider => TryProvider(row),
        _ => TryStack(row),
    };

    RungOutcome TryImage(ProviderRow row)
    {
        if (image.Library(row.Library!) is null)
            return RungOutcome.Fails($"the image has no {row.Library}");
        var used = image.Imports.ContainsKey(row.Library!)
            || image.Library(Libfabric)?.Needed.Contains(row.Library!) == true
            || image.LibfabricProviders.Any(p => p.EndsWith("/" + Module(row), StringComparison.Ordinal));
        return used
            ? new RungOutcome { Holds = true, Reason = $"the image's own {row.Library} drives it" }
            : RungOutcome.Fails($"the image has {row.Library}, but neither its libfabric nor a program uses it");
    }

    RungOutcome TryProvider(ProviderRow row)
    {
        if (image.Library(Libfabric) is not { } own)
            return RungOutcome.Fails("the image has no libfabric.so.1");
        if (HostModule(row) is not { } module)
            return RungOutcome.Fails($"the node has no {Module(row)} that could be passed alone");
        // libfabric refuses a provider that was built for a newer libfabric (src/fabric.c, ofi_register_provider); the number in the
        // file name grows with each release.
        if (host.Find(Libfabric) is not { } hosts || Number(hosts.Version) is not { } newest || Number(own.Version) is not { } limit || newest > limit)
            return RungOutcome.Fails($"the node's {Module(row)} belongs to libfabric.so.{host.Find(Libfabric)?.Version ?? "?"}; the image's is libfabric.so.{own.Version}, and takes none that is newer");
        var set = new HostSet(image, host, table);
        set.AddProvider(module);
        return Finish(set, module, row, $"the node's {Module(row)} fits the image's libfabric.so.{own.Version}");
    }

    RungOutcome TryStack(ProviderRow row)
    {
        if (!image.Imports.ContainsKey(Libfabric) && !image.Imports.ContainsKey(row.Library!))
            return RungOutcome.Fails($"nothing in the image uses libfabric or {row.Library}");
        var set = new HostSet(image, host, table);
        foreach (var soname in (string[])[Libfabric, row.Library!])
            if ((soname != Libfabric || image.Imports.ContainsKey(soname)) && set.AddLibrary(soname) is { } lacking)
                return RungOutcome.Fails(lacking);
        var module = HostModule(row);
        if (module is not null)
            set.AddProvider(module);
        else if (set.Libraries.TryGetValue(Libfabric, out var libfabric) && !libfabric.Elf.Needed.Contains(row.Library!))
            return RungOutcome.Fails($"the node's {libfabric.Path} has no {row.Provider} provider");
        return Finish(set, module, row, $"the node's libfabric and {row.Library} fit the image, in both directions");
    }

    RungOutcome Finish(HostSet set, RootLibrary? module, ProviderRow row, string reason)
    {
        if (set.Check() is { } misfit)
            return RungOutcome.Fails(misfit);
        var binds = set.Libraries.Select(l => new FabricBind(hostFiles.Outside(l.Value.Path), $"{FabricPaths.Libraries}/{l.Key}")).ToList();
        if (module is null)
            return new RungOutcome { Holds = true, Reason = reason, Binds = binds };
        binds.Add(new FabricBind(hostFiles.Outside(module.Path), $"{FabricPaths.LibfabricProviders}/{Module(row)}"));
        // The variable replaces the image's own directory, whose providers are still wanted.
        return new RungOutcome
        {
            Holds = true,
            Reason = reason,
            Binds = binds,
            ProviderDirectories = [FabricPaths.LibfabricProviders, .. image.LibfabricProviders.Select(p => Path.GetDirectoryName(p)!).Distinct()],
        };
    }

    RootLibrary? HostModule(ProviderRow row) =>
        host.LibfabricProviders().FirstOrDefault(p => Path.GetFileName(p.Path) == Module(row)).Library;

    static string Module(ProviderRow row) => $"lib{row.Provider}-fi.so";

    static Version? Number(string? version) => Version.TryParse(version, out var number) ? number : null;
}
