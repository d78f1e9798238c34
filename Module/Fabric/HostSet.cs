using Slipway.Inventory;

namespace Slipway.Fabric;

/// <summary>
/// Files of the host that would be used in an image, and whether they fit it: symbol version by symbol version, in both directions.
/// </summary>
/// <remarks>
/// Releases are not compared but computed: each version that a file imports (DT_VERNEED) must be defined (DT_VERDEF) by the library that
/// it will meet in the container, which is what the dynamic loader checks (glibc's elf/dl-version.c).
/// </remarks>
/// <param name="x86Level">Of the node's CPU.</param>
sealed class HostSet(ImageFabric image, RootLibraries host, ProviderTable table, int? x86Level)
{
    readonly SortedDictionary<string, RootLibrary> libraries = new(StringComparer.Ordinal);
    readonly List<RootLibrary> providers = [];

    /// <summary>Soname to the host's file that the container sees under that name.</summary>
    public IReadOnlyDictionary<string, RootLibrary> Libraries => libraries;

    /// <summary>A plug-in that is opened by its path.</summary>
    public void AddProvider(RootLibrary provider) => providers.Add(provider);

    /// <summary>A library that must be the host's, whatever the image has.</summary>
    /// <returns>Why it cannot be; null where it can.</returns>
    public string? AddLibrary(string soname)
    {
        if (host.Find(soname) is { } library)
        {
            libraries[soname] = library;
            return null;
        }
        KeyValuePair<string, string> damage = host.Damaged.FirstOrDefault(d => d.Key.EndsWith("/" + soname, StringComparison.Ordinal));
        return damage.Key is null ? $"the node has no {soname} for {image.Machine}"
            : $"the node's {damage.Key} cannot be used: {damage.Value}";
    }

    /// <summary>The whole verbs stack, which belongs to one build of rdma-core.</summary>
    /// <returns>Why it cannot be the host's; null where it can.</returns>
    public string? AddVerbs()
    {
        // librdmacm and the shared providers import private versions too: whichever of them the image has must come along, but one
        // that the node lacks only matters if a program of the image is linked with it.
        foreach (string? soname in table.VerbsLibraries.Concat(table.Providers.Where(p => p.Shared).Select(p => p.Library!)))
        {
            bool linked = soname == table.VerbsLibraries[0] || image.Imports.ContainsKey(soname);
            if ((linked || image.Library(soname) is not null) && AddLibrary(soname) is { } lacking && linked)
                return lacking;
        }
        return null;
    }

    /// <summary>Adds what the files need and the image cannot give, and checks everything.</summary>
    /// <returns>What does not fit, the first of each direction; null where all fits.</returns>
    public string? Check()
    {
        if (Close() is { } open)
            return open;
        string?[] misfits = [providers.Concat(libraries.Values).Select(f => CheckCpu(f) ?? CheckImports(f))
            .FirstOrDefault(f => f is not null), CheckUsers()];
        return misfits.OfType<string>().ToList() is { Count: > 0 } found ? string.Join("; ", found) : null;
    }

    string? CheckCpu(RootLibrary file) => X86Level.Misfit($"the node's {Name(file)}", X86Level.Of(file.Elf.X86IsaNeeded), x86Level);

    string? Close()
    {
        Queue<RootLibrary> pending = new Queue<RootLibrary>(providers.Concat(libraries.Values));
        while (pending.TryDequeue(out RootLibrary? file))
            foreach (string soname in file.Elf.Needed)
            {
                if (libraries.ContainsKey(soname) || ImageServes(file, soname))
                    continue;
                if (table.CLibrary.Contains(soname))
                {
                    if (!Has(soname))
                        return $"the node's {Name(file)} needs {soname}, which the image does not have";
                    // CheckImports names the version
                    continue;
                }
                // A second one from the host would change the image behind its back: that is for the rung Stack, which adds them itself.
                if (Has(soname) && OfOneBuild(soname))
                    continue;
                if (AddLibrary(soname) is { } failure)
                    return $"the node's {Name(file)} needs {soname}, but {failure}";
                pending.Enqueue(libraries[soname]);
            }
        return null;
    }

    /// <summary>True where the image's own library will do: it defines everything that is imported from it.</summary>
    bool ImageServes(RootLibrary file, string soname) =>
        Has(soname) && Versions(file, soname).All(v => image.Library(soname) is { } own && own.VersionsDefined.Contains(v));

    bool OfOneBuild(string soname) => table.CompilerLibraries.Contains(soname) || table.VerbsLibraries.Contains(soname)
        || table.LibfabricLibraries.Contains(soname) || table.Providers.Any(p => p.Library == soname);

    bool Has(string soname) => image.Library(soname) is not null || image.Sonames.Contains(soname);

    string? CheckImports(RootLibrary file)
    {
        foreach ((string? soname, IReadOnlyList<string>? versions) in file.Elf.VersionsNeeded)
        {
            bool fromHost = libraries.TryGetValue(soname, out RootLibrary? library);
            // The C library is the image's, and this version belongs to one build of it.
            if (!fromHost && versions.Contains("GLIBC_PRIVATE"))
                return $"the node's {Name(file)} needs GLIBC_PRIVATE of {soname}: it is a part of the node's C library and fits no other";
            IReadOnlyList<string> defined = fromHost ? library!.Elf.VersionsDefined : image.Library(soname)?.VersionsDefined ?? [];
            if (versions.FirstOrDefault(v => !defined.Contains(v)) is { } missing)
                return $"the node's {Name(file)} needs {missing} of {soname}, which {(fromHost ? "the node's" : "the image's")} "
                    + $"{Lacks(soname, missing, defined)}";
        }
        return null;
    }

    /// <summary>The other direction: what programs of the image import from a library that would be the host's.</summary>
    string? CheckUsers()
    {
        foreach ((string? soname, RootLibrary? library) in libraries)
            foreach ((string? version, string? user) in image.Imports.GetValueOrDefault(soname) ?? new Dictionary<string, string>())
                if (!library.Elf.VersionsDefined.Contains(version))
                    return $"the image's {user} needs {version} of {soname}, "
                        + $"which the node's {Lacks(soname, version, library.Elf.VersionsDefined)}";
        return null;
    }

    static IReadOnlyList<string> Versions(RootLibrary file, string soname) => file.Elf.VersionsNeeded.GetValueOrDefault(soname) ?? [];

    static string Name(RootLibrary file) => Path.GetFileName(file.Path);

    /// <summary>E.g. <c>libc.so.6 does not define (it ends at GLIBC_2.31)</c>.</summary>
    static string Lacks(string soname, string missing, IReadOnlyList<string> defined)
    {
        string prefix = missing[..(missing.LastIndexOf('_') + 1)];
        string? highest = defined.Where(v => v.StartsWith(prefix, StringComparison.Ordinal)).MaxBy(v => Order(v[prefix.Length..]));
        return $"{soname} does not define ({(highest is null ? "it defines none of that kind" : $"it ends at {highest}")})";
    }

    static Version Order(string version) =>
        Version.TryParse(version.Contains('.') ? version : version + ".0", out Version? order) ? order : new Version(0, 0);
}
