using Slipway.Inventory;
using Slipway.Readers;

namespace Slipway.Fabric;

/// <summary>Devices that libibverbs drives. The rules are those of rdma-core's libibverbs/init.c and dynamic_driver.c.</summary>
sealed class VerbsLadder(ImageFabric image, FabricInventory inventory, RootTree hostFiles, RootLibraries host, ProviderTable table)
    : ILadder
{
    const string Libibverbs = "libibverbs.so.1", Libfabric = "libfabric.so.1";

    public string? Obstacle(FabricDevice device, ProviderRow row)
    {
        if (device.Uverbs is null)
            return $"the kernel has no uverbs node for {device.Name}: load ib_uverbs on the node";
        if (device.MissingDeviceNodes.Count > 0)
            return $"{device.MissingDeviceNodes[0]} is missing on the node";
        if (inventory.UverbsAbi is not { } abi || abi < table.UverbsAbi.Min || abi > table.UverbsAbi.Max)
            return $"the kernel's uverbs ABI is {inventory.UverbsAbi?.ToString() ?? "not to be read"}; "
                + $"libibverbs takes {table.UverbsAbi.Min} to {table.UverbsAbi.Max}";
        if (device.UverbsAbi is not { } own)
            return $"the kernel ABI of {device.Uverbs} is not to be read, so no provider can be said to fit";
        return own < row.AbiMin || own > row.AbiMax
            ? $"the kernel ABI of {device.Name} is {own}; "
            + $"provider {row.Provider} takes {row.AbiMin}{(row.AbiMax == int.MaxValue ? " and up" : $" to {row.AbiMax}")}"
            : null;
    }

    public RungOutcome Try(FabricRung rung, FabricDevice device, ProviderRow row) => rung switch
    {
        FabricRung.Image => WithLibfabric(TryImage(device, row), row),
        FabricRung.Provider => WithLibfabric(TryProvider(row), row),
        _ => TryStack(row),
    };

    /// <summary>Where MPI reaches the device through libfabric only, a verbs provider alone is of no use to it.</summary>
    RungOutcome WithLibfabric(RungOutcome outcome, ProviderRow row)
    {
        if (!outcome.Holds || row.ThroughLibfabric is not { } name || image.HasLibfabricProvider(name))
            return outcome;
        return image.Library(Libfabric) is { } libfabric
            ? RungOutcome.Fails($"the image's {libfabric.Path} has no provider {name}, through which alone MPI reaches {row.Fabric}")
            : outcome with { Reason = $"{outcome.Reason}; the image has no libfabric, through which alone MPI reaches {row.Fabric}" };
    }

    RungOutcome TryImage(FabricDevice device, ProviderRow row)
    {
        if (image.Verbs is not { } verbs)
            return RungOutcome.Fails(NoVerbs());
        if (LostVerbs() is { } broken)
            return RungOutcome.Fails(broken);
        if (verbs.PrivateAbi is not { } abi)
            return RungOutcome.Fails($"the image's libibverbs {verbs.Release} has no private ABI that is known");
        string file = $"lib{row.Provider}-rdmav{abi}.so";
        if (image.Providers.FirstOrDefault(p => p.Name == row.Provider && p.Suffix == abi) is not { } provider)
            return RungOutcome.Fails(image.Damaged.FirstOrDefault(d => d.Contains($"/lib{row.Provider}-rdmav", StringComparison.Ordinal))
                is { } damage
                ? $"the image's provider cannot be used: {damage}"
                : image.Providers.FirstOrDefault(p => p.Name == row.Provider) is { } other
                    ? $"the image's provider {other.Path} is for private ABI {other.Suffix}; its libibverbs has {abi}"
                    : $"the image has no provider {row.Provider} ({file})");
        if (provider.PrivateAbi != abi)
            return RungOutcome.Fails(
                $"the image's {provider.Path} imports {(provider.PrivateAbi is { } n ? $"IBVERBS_PRIVATE_{n}" : "no private ABI")}; "
                + $"its libibverbs has IBVERBS_PRIVATE_{abi}");
        if (X86Level.Misfit($"the image's {provider.Path}", provider.X86Level, inventory.X86Level) is { } slow)
            return RungOutcome.Fails(slow);
        if (Lost(provider.Path, provider.Needed) is { } lost)
            return RungOutcome.Fails(lost);
        foreach ((string? soname, IReadOnlyList<string>? versions) in provider.VersionsNeeded)
            if (image.Library(soname) is { } library && versions.FirstOrDefault(v => !library.VersionsDefined.Contains(v)) is { } missing)
                return RungOutcome.Fails($"the image's {provider.Path} needs {missing} of {soname}, "
                    + $"which the image's {library.Path} does not define");
        if (!image.Drivers.Any(d => d == row.Provider || d.EndsWith($"/lib{row.Provider}", StringComparison.Ordinal)))
            return RungOutcome.Fails($"no file of the image's /etc/libibverbs.d has a line `driver {row.Provider}`, "
                + $"so its libibverbs does not load {provider.Path}");
        return new RungOutcome
        {
            Holds = true,
            Reason = $"the image's own provider {row.Provider} (libibverbs {verbs.Release}, private ABI {abi}) "
                + $"takes the kernel ABI {device.UverbsAbi}",
        };
    }

    RungOutcome TryProvider(ProviderRow row)
    {
        if (image.Verbs is not { } verbs)
            return RungOutcome.Fails(NoVerbs());
        if (LostVerbs() is { } broken)
            return RungOutcome.Fails(broken);
        if (FindHost(row, out string? failure) is not { } found)
            return RungOutcome.Fails(failure);
        if (verbs.PrivateAbi != found.Abi)
            return RungOutcome.Fails($"the node's provider {row.Provider} needs IBVERBS_PRIVATE_{found.Abi}; "
                + $"the image's libibverbs {verbs.Release} has "
                + (verbs.PrivateAbi is { } n ? $"IBVERBS_PRIVATE_{n}" : "no private ABI that is known"));
        HostSet set = new HostSet(image, host, table, inventory.X86Level);
        set.AddProvider(found.Provider);
        // Programs that link a shared provider must meet the same file, or they would not know its devices for their own.
        if (row.Shared && (image.Library(row.Library!) is not null || image.Imports.ContainsKey(row.Library!))
            && set.AddLibrary(row.Library!) is { } lacking)
            return RungOutcome.Fails(lacking);
        return Finish(set, row, found,
            $"the node's provider {row.Provider} fits the image's libibverbs {verbs.Release}: both have private ABI {found.Abi}, "
            + "and the image defines every version that it imports");
    }

    RungOutcome TryStack(ProviderRow row)
    {
        if (FindHost(row, out string? failure) is not { } found)
            return RungOutcome.Fails(failure);
        HostSet set = new HostSet(image, host, table, inventory.X86Level);
        set.AddProvider(found.Provider);
        if (set.AddVerbs() is { } without)
            return RungOutcome.Fails(without);
        if (row.ThroughLibfabric is { } name && image.Library(Libfabric) is { } own && !image.HasLibfabricProvider(name))
        {
            if (set.AddLibrary(Libfabric) is { } lacking)
                return RungOutcome.Fails($"the image's {own.Path} has no provider {name}, and {lacking}");
            if (!host.LibfabricBuiltIn().Contains(name))
                return RungOutcome.Fails($"neither the image's {own.Path} nor the node's {host.Find(Libfabric)!.Path} has provider "
                    + $"{name}, through which alone MPI reaches {row.Fabric}");
        }
        string unused = image.Imports.ContainsKey(Libibverbs)
            ? "" : "; nothing in the image links libibverbs, so it serves only programs that open it at run time";
        string partly = image.ImportsComplete ? "" : "; the largest files of the image were not read";
        return Finish(set, row, found,
            $"the node's verbs libraries (private ABI {found.Abi}) fit the image's C library {image.GlibcVersion}, "
            + $"and define every version that the image's programs import{unused}{partly}");
    }

    RungOutcome Finish(HostSet set, ProviderRow row, HostProvider found, string reason)
    {
        if (set.Check() is { } misfit)
            return RungOutcome.Fails(misfit);
        IEnumerable<FabricBind> binds =
            set.Libraries.Select(l => new FabricBind(hostFiles.Outside(l.Value.Path), $"{FabricPaths.Libraries}/{l.Key}"))
            .Append(new FabricBind(hostFiles.Outside(found.Provider.Path),
                $"{FabricPaths.VerbsProviders}/lib{row.Provider}-rdmav{found.Abi}.so"));
        return new RungOutcome { Holds = true, Reason = reason, Binds = binds.ToList(),
            Drivers = [$"{FabricPaths.VerbsProviders}/lib{row.Provider}"] };
    }

    sealed record HostProvider(int Abi, RootLibrary Provider);

    /// <summary>The node's provider of the node's own private ABI; leftovers of another installation do not count.</summary>
    HostProvider? FindHost(ProviderRow row, out string failure)
    {
        failure = "";
        if (host.Find(Libibverbs) is not { } verbs)
            failure = new HostSet(image, host, table, inventory.X86Level).AddLibrary(Libibverbs) ?? "";
        else if (ImageFabricReader.PrivateAbi(verbs.Elf.VersionsDefined) is not { } abi)
            failure = $"the node's {verbs.Path} has no private ABI that is known";
        else if (host.VerbsProviders().FirstOrDefault(p => p.Name == row.Provider && p.Suffix == abi).Library is not { } provider)
            failure = $"the node has no usable provider {row.Provider} (lib{row.Provider}-rdmav{abi}.so)";
        else if (ImageFabricReader.ImportedPrivateAbi(provider.Elf) != abi)
            failure = $"the node's {provider.Path} does not import IBVERBS_PRIVATE_{abi}, which the node's libibverbs has";
        else
            return new HostProvider(abi, provider);
        return null;
    }

    /// <summary>Why a file of the image cannot be loaded there; null where all that it needs is there.</summary>
    string? Lost(string path, IReadOnlyList<string> needed) =>
        needed.FirstOrDefault(n => image.Library(n) is null && !image.Sonames.Contains(n)) is { } soname
        ? $"the image's {path} needs {soname}, which the image does not have" : null;

    string? LostVerbs() => Lost(image.Verbs!.Path, image.Library(Libibverbs)?.Needed ?? []);

    string NoVerbs() => image.Damaged.FirstOrDefault(d => d.Contains("/libibverbs.so", StringComparison.Ordinal)) is { } damage
        ? $"the image's libibverbs cannot be used: {damage}"
        : "the image has no libibverbs.so.1";
}
