using Slipway.Inventory;
using Slipway.Readers;

namespace Slipway.Fabric;

/// <summary>UCX, through which most MPIs reach verbs: whether the image's can, and else whether the node's may take its place.</summary>
/// <remarks>
/// A module fits only the build of UCX that it came with (src/ucs/sys/module.c takes the ending of its name from the library's), so the
/// node's libraries and modules come together or not at all. They have no symbol versions; so the symbols that the image's programs import
/// are compared one by one.
/// </remarks>
sealed class UcxSet(ImageFabric image, FabricInventory inventory, RootTree hostFiles, RootLibraries host, ProviderTable table)
{
    const string VerbsModule = "libuct_ib.so.0";

    /// <summary>True where a program of the image uses UCX, and the image's UCX has nothing for verbs.</summary>
    public bool Wanted => (image.UcxSymbols.Count > 0 || image.Mpi.Any(m => m.Transports.Contains("ucx")))
        && !image.UcxModules.Any(m => Path.GetFileName(m) == VerbsModule);

    /// <summary>
    /// The node's UCX, to be seen before the image's: <c>ucx</c> beside the library is where it looks for its modules first.
    /// </summary>
    /// <param name="bound">Sonames of the libraries that the image gets from the node anyway.</param>
    public RungOutcome Try(IReadOnlyCollection<string> bound)
    {
        const string Lack = "the image's UCX has no module for verbs (" + VerbsModule + ")";
        List<(string Path, RootLibrary Library)> modules = host.UcxModules().ToList();
        if (!modules.Exists(m => Path.GetFileName(m.Path) == VerbsModule))
            return RungOutcome.Fails($"{Lack}, and neither has the node's");
        HostSet set = new HostSet(image, host, table, inventory.X86Level);
        foreach (string? soname in table.UcxLibraries.Concat(bound))
            if (set.AddLibrary(soname) is { } lacking)
                return RungOutcome.Fails($"{Lack}; {lacking}");
        // a module for a device that the node's own driver is missing for (CUDA, ROCm) needs what nobody has, and is not wanted
        modules = modules.FindAll(m =>
            m.Library.Elf.Needed.All(n => host.Find(n) is not null || image.Library(n) is not null || image.Sonames.Contains(n)));
        foreach ((string Path, RootLibrary Library) module in modules)
            set.AddProvider(module.Library);
        HashSet<string> exports = host.Exports(table.UcxLibraries);
        if (image.UcxSymbols.FirstOrDefault(s => !exports.Contains(s)) is { } symbol)
            return RungOutcome.Fails($"{Lack}; the image's programs import {symbol}, which the node's UCX does not export");
        if (set.Check() is { } misfit)
            return RungOutcome.Fails($"{Lack}; {misfit}");
        return new RungOutcome
        {
            Holds = true,
            Reason = $"{Lack}, so programs use the node's",
            Binds = set.Libraries.Select(l => new FabricBind(hostFiles.Outside(l.Value.Path), $"{FabricPaths.Libraries}/{l.Key}"))
                .Concat(modules.Select(m => new FabricBind(
                    hostFiles.Outside(m.Library.Path), $"{FabricPaths.Libraries}/ucx/{Path.GetFileName(m.Path)}"))).ToList(),
        };
    }
}
