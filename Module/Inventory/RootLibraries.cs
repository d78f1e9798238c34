using Slipway.Linux;
using Slipway.Readers;
using Slipway.Readers.Elf;

namespace Slipway.Inventory;

/// <summary>A library in a root filesystem.</summary>
/// <param name="Path">Inside the root, all links followed.</param>
sealed record RootLibrary(string Path, ElfFile Elf)
{
    /// <summary>What follows <c>.so.</c> in the file's name.</summary>
    public string? Version
    {
        get
        {
            string name = System.IO.Path.GetFileName(Path);
            int at = name.IndexOf(".so.", StringComparison.Ordinal);
            return at < 0 ? null : name[(at + 4)..];
        }
    }
}

/// <summary>Finds the libraries of a root filesystem where its own dynamic loader would: ld.so(8), ldconfig(8).</summary>
/// <param name="machine">Only libraries for this machine count, as in the loader.</param>
sealed class RootLibraries(RootTree files, ProviderTable table, string? machine)
{
    readonly ElfBudget budget = new(files.Name);
    readonly Dictionary<string, RootLibrary?> read = new(StringComparer.Ordinal);
    IReadOnlyList<string>? directories;

    /// <summary>Files that could not be used, with the reason.</summary>
    public SortedDictionary<string, string> Damaged { get; } = new(StringComparer.Ordinal);

    /// <summary>In the order of the search, each once, however many links lead to it.</summary>
    public IReadOnlyList<string> Directories => directories ??= LoaderConfiguration.Directories(files)
        .Concat(table.LibraryDirectories.Select(PathPattern.OfGlob).SelectMany(files.Glob))
        .Select(files.Resolve).Where(d => d.Kind == FileKind.Directory).Select(d => d.Path).Distinct().ToList();

    /// <summary>The first usable library of that name; null where there is none.</summary>
    public RootLibrary? Find(string soname) =>
        Directories.Select(d => Read($"{d}/{soname}")).FirstOrDefault(l => l is not null);

    /// <summary>
    /// Providers of libibverbs called <c>libNAME-rdmavN.so</c>: name, N, the file that libibverbs opens, and what it leads to.
    /// </summary>
    public IEnumerable<(string Name, int Suffix, string Path, RootLibrary Library)> VerbsProviders()
    {
        HashSet<string> seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string? directory in Directories.SelectMany(d => table.VerbsProviderDirectories.Select(p => $"{d}/{p}"))
            .Concat(Directories))
            foreach (string? file in files.List(directory).Where(f => PathPattern.MatchesName("lib*-rdmav*.so", f)))
            {
                int at = file.LastIndexOf("-rdmav", StringComparison.Ordinal);
                if (int.TryParse(file[(at + 6)..^3], out int suffix) && seen.Add(file) && Read($"{directory}/{file}") is { } library)
                    yield return (file[3..at], suffix, $"{directory}/{file}", library);
            }
    }

    /// <summary>Loadable providers of libfabric, <c>libNAME-fi.so</c>.</summary>
    public IEnumerable<(string Path, RootLibrary Library)> LibfabricProviders() =>
        from directory in Directories
        from below in table.LibfabricProviderDirectories
        from file in files.List($"{directory}/{below}")
        where PathPattern.MatchesName("lib*-fi.so", file)
        let library = Read($"{directory}/{below}/{file}")
        where library is not null
        select ($"{directory}/{below}/{file}", library);

    /// <summary>Modules of UCX: it looks in <c>ucx</c> beside its own library first (src/ucs/sys/module.c).</summary>
    public IEnumerable<(string Path, RootLibrary Library)> UcxModules()
    {
        if (Find("libucs.so.0") is not { } ucs)
            yield break;
        string directory = $"{Path.GetDirectoryName(ucs.Path)}/ucx";
        foreach (string file in files.List(directory))
            if (PathPattern.MatchesName("lib*.so.0", file) && Read($"{directory}/{file}") is { } module)
                yield return ($"{directory}/{file}", module);
    }

    /// <summary>Providers that are a part of libfabric itself.</summary>
    public IReadOnlyList<string> LibfabricBuiltIn() => Find("libfabric.so.1") is { } libfabric
        ? table.LibfabricProviders.Where(p => p.Library is { } soname ? libfabric.Elf.Needed.Contains(soname)
            : Contains(libfabric, p.Text!)).Select(p => p.Name).ToList()
        : [];

    /// <summary>All symbols that these libraries export.</summary>
    public HashSet<string> Exports(IEnumerable<string> sonames)
    {
        HashSet<string> exports = new HashSet<string>(StringComparer.Ordinal);
        foreach (RootLibrary library in sonames.Select(Find).OfType<RootLibrary>())
        {
            try
            {
                exports.UnionWith(ElfFile.ReadExports(files.Outside(library.Path)));
            }
            catch (Exception e) when (e is ElfFormatException or IOException or UnauthorizedAccessException)
            {
                Damaged[library.Path] = ReaderErrors.Why(e, files.Outside(library.Path));
            }
        }
        return exports;
    }

    /// <summary>Whether a file has a text in it.</summary>
    bool Contains(RootLibrary library, string text)
    {
        try
        {
            using FileStream stream = OpenedFile.Named(files.Outside(library.Path));
            byte[] sought = System.Text.Encoding.ASCII.GetBytes(text);
            byte[] buffer = new byte[1 << 16];
            int kept = 0, got;
            while ((got = stream.Read(buffer, kept, buffer.Length - kept)) > 0)
            {
                if (buffer.AsSpan(0, kept + got).IndexOf(sought) >= 0)
                    return true;
                // the text may lie across two reads
                int next = Math.Min(sought.Length - 1, kept + got);
                buffer.AsSpan(kept + got - next, next).CopyTo(buffer);
                kept = next;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Damaged[library.Path] = ReaderErrors.Why(e, files.Outside(library.Path));
        }
        return false;
    }

    /// <summary>
    /// Null where there is nothing, or nothing usable: then <see cref="Damaged"/> says why, save for another machine's files.
    /// </summary>
    public RootLibrary? Read(string path)
    {
        if (!read.TryGetValue(path, out RootLibrary? library))
            read[path] = library = ReadNow(path);
        return library;
    }

    RootLibrary? ReadNow(string path)
    {
        ResolvedPath found = files.Resolve(path);
        if (!found.Exists)
        {
            if (files.LinkName(path) is not null)
                Damaged[path] = "a link that leads nowhere";
            return null;
        }
        try
        {
            // Beside libNAME.so.1 there may be a linker script libNAME.so: no library, and no damage.
            if (ElfFile.ReadIfElf(files.Outside(found.Path)) is not { } elf)
                Damaged[path] = "not an ELF file";
            else if (!elf.IsDynamic || elf.Type != ElfType.SharedObject)
                Damaged[path] = "not a shared library";
            else if (machine is null || elf.Machine == machine)
            {
                budget.Take(elf);
                return new RootLibrary(found.Path, elf);
            }
        }
        catch (Exception e) when (e is ElfFormatException or IOException or UnauthorizedAccessException)
        {
            Damaged[path] = ReaderErrors.Why(e, files.Outside(found.Path));
        }
        return null;
    }
}
