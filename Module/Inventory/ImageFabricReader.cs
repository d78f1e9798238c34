using Slipway.Readers;
using Slipway.Readers.Elf;
using Slipway.Readers.SquashFs;

namespace Slipway.Inventory;

/// <summary>Finds out what an image has for fabrics.</summary>
public static class ImageFabricReader
{
    /// <summary>Directories of a running system that are no part of an image.</summary>
    static readonly HashSet<string> NotImage = new(StringComparer.Ordinal) { "/proc", "/sys", "/dev", "/run", "/.slipway" };

    const string DpkgDatabase = "/var/lib/dpkg/status";

    /// <summary>Reads an unpacked root filesystem; links in it are never followed out of it.</summary>
    /// <exception cref="OperationCanceledException"/>
    public static ImageFabric FromRoot(string rootDirectory, CancellationToken cancellation = default) =>
        Read(new RootTree(rootDirectory), cancellation);

    static ImageFabric Read(RootTree files, CancellationToken cancellation)
    {
        ProviderTable table = ProviderTable.Default;
        string? machine = MachineOf(files, table);
        RootLibraries libraries = new RootLibraries(files, table, machine);
        ImageImports usage = new ImageImports(files, table, machine, libraries.Exports(table.UcxLibraries));
        usage.Read(NotImage, cancellation);
        RootLibrary? c = libraries.Find("libc.so.6");
        RootLibrary? verbs = libraries.Find("libibverbs.so.1");
        return new ImageFabric
        {
            Distribution = OsRelease.Find(p => files.Small(p)),
            HasDpkg = files.HasFile(DpkgDatabase) || files.HasDirectory(DpkgDatabase + ".d"),
            Machine = c?.Elf.Machine ?? machine,
            Bits = c?.Elf.Class switch { ElfClass.Elf64 => 64, ElfClass.Elf32 => 32, _ => 0 },
            GlibcVersion = Highest(c, "GLIBC_"),
            X86Level = c is null ? 0 : X86Level.Of(c.Elf.X86IsaNeeded),
            GlibcxxVersion = Highest(libraries.Find("libstdc++.so.6"), "GLIBCXX_"),
            Verbs = verbs is null ? null : new ImageVerbs(verbs.Path, verbs.Version, PrivateAbi(verbs.Elf.VersionsDefined)),
            Providers = libraries.VerbsProviders()
                .Select(p => new ImageProvider(p.Name, p.Path, p.Suffix, ImportedPrivateAbi(p.Library.Elf))
            {
                VersionsNeeded = p.Library.Elf.VersionsNeeded,
                Needed = p.Library.Elf.Needed,
                X86Level = X86Level.Of(p.Library.Elf.X86IsaNeeded),
            }).ToList(),
            Drivers = Drivers(files),
            DriverFiles = files.List("/etc/libibverbs.d").Select(f => $"/etc/libibverbs.d/{f}").Where(files.HasFile).ToList(),
            LibfabricProviders = libraries.LibfabricProviders().Select(p => p.Path).ToList(),
            LibfabricBuiltIn = libraries.LibfabricBuiltIn(),
            UcxModules = libraries.UcxModules().Select(m => m.Path).ToList(),
            UcxSymbols = usage.UcxSymbols.ToList(),
            Mpi = usage.Mpi,
            MpiLaunchers = usage.MpiLaunchers.ToList(),
            PmixComponents = usage.PmixComponents.ToList(),
            Libraries = Wanted(table).Select(s => Describe(s, libraries.Find(s))).OfType<ImageLibrary>().ToList(),
            Sonames = usage.Sonames.ToList(),
            Imports = usage.Imports,
            Damaged = libraries.Damaged.Select(d => $"{d.Key}: {d.Value}")
                .Concat(files.Cut.Select(c => $"{c}: more than {RootTree.SmallText} bytes, and only so many were read"))
                .Concat(files.TooLarge.Select(t => $"{t.Key}: not read: it has more than {t.Value} bytes")).ToList(),
        };
    }

    /// <summary>
    /// Reads a SquashFS image that need not be ours. Only what matters is unpacked, into a private directory that is removed again.
    /// </summary>
    /// <exception cref="SlipwayException">There is no <c>unsquashfs</c>, or it cannot read the image.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static ImageFabric FromImage(string squashfsPath, CancellationToken cancellation = default)
    {
        using SquashfsExtract part = SquashfsExtract.Extract(squashfsPath, ImportsMayComeFrom, cancellation);
        ImageFabric fabric = Read(new RootTree(part.Directory, squashfsPath), cancellation);
        fabric.ImportsComplete = part.Complete;
        return fabric;
    }

    /// <summary>The version (N) of <c>IBVERBS_PRIVATE_N</c>: rdma-core's Documentation/versioning.md.</summary>
    internal static int? PrivateAbi(IEnumerable<string> versions)
    {
        const string Prefix = "IBVERBS_PRIVATE_";
        foreach (string version in versions)
            if (version.StartsWith(Prefix, StringComparison.Ordinal) && int.TryParse(version[Prefix.Length..], out int abi))
                return abi;
        return null;
    }

    internal static int? ImportedPrivateAbi(ElfFile provider) =>
        provider.VersionsNeeded.TryGetValue("libibverbs.so.1", out IReadOnlyList<string>? versions) ? PrivateAbi(versions) : null;

    /// <summary>Configuration, links, libraries, and whatever may be executed.</summary>
    static bool ImportsMayComeFrom(string path, bool executable) =>
        executable || path.Contains(".so", StringComparison.Ordinal)
        || OsRelease.Places.Contains(path) || path is LoaderConfiguration.Path or DpkgDatabase
        || path.StartsWith(DpkgDatabase + ".d/", StringComparison.Ordinal)
        || path.StartsWith("/etc/libibverbs.d/", StringComparison.Ordinal)
        || path.StartsWith("/etc/ld.so.conf.d/", StringComparison.Ordinal);

    /// <summary>
    /// Of the image's shell, so that in a root with libraries for several machines the one that runs is taken; else of its C library.
    /// </summary>
    static string? MachineOf(RootTree files, ProviderTable table)
    {
        foreach (string program in (string[])["/bin/sh", "/usr/bin/env"])
        {
            try
            {
                if (files.Find(program) is { } outside && ElfFile.ReadIfElf(outside) is { } elf)
                    return elf.Machine;
            }
            catch (Exception e) when (e is ElfFormatException or IOException or UnauthorizedAccessException)
            {
                // the C library tells it too
            }
        }
        return new RootLibraries(files, table, null).Find("libc.so.6")?.Elf.Machine;
    }

    static IEnumerable<string> Wanted(ProviderTable table) => table.CLibrary.Concat(table.CompilerLibraries).Concat(table.VerbsLibraries)
        .Concat(table.VerbsHelpers).Concat(table.LibfabricLibraries).Concat(table.UcxLibraries).Concat(table.OtherLibraries)
        .Concat(table.Providers.Select(p => p.Library).OfType<string>()).Distinct();

    static ImageLibrary? Describe(string soname, RootLibrary? library) => library is null ? null
        : new ImageLibrary(soname, library.Path, library.Version) { VersionsDefined = library.Elf.VersionsDefined,
            Needed = library.Elf.Needed };

    /// <summary>Lines <c>driver NAME</c>; anything else is a comment or junk, which libibverbs skips too (dynamic_driver.c).</summary>
    static List<string> Drivers(RootTree files) =>
        files.List("/etc/libibverbs.d").SelectMany(f => files.Small($"/etc/libibverbs.d/{f}")?.Split('\n') ?? [])
            .Select(l => l.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .Where(w => w.Length == 2 && w[0] == "driver").Select(w => w[1]).Distinct().ToList();

    static string? Highest(RootLibrary? library, string prefix) => library?.Elf.VersionsDefined
        .Where(v => v.StartsWith(prefix, StringComparison.Ordinal)).Select(v => v[prefix.Length..])
        .Where(v => Version.TryParse(v, out _)).MaxBy(Version.Parse);
}
