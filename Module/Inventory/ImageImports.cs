using Slipway.Readers;
using Slipway.Readers.Elf;
using Slipway.Shared;

namespace Slipway.Inventory;

/// <summary>Which versions the programs and libraries of an image import from the libraries that a plan may replace.</summary>
/// <param name="ucxExports">What the image's UCX libraries export.</param>
sealed class ImageImports(RootTree files, ProviderTable table, string? machine, HashSet<string> ucxExports)
{
    readonly SortedDictionary<string, SortedDictionary<string, string>> imports = new(StringComparer.Ordinal);
    readonly List<ImageMpi> mpi = [];
    readonly ElfBudget budget = new(files.Name);
    readonly SortedDictionary<string, SortedSet<string>> plugins = new(StringComparer.Ordinal);
    readonly HashSet<string> ucx = [.. table.UcxLibraries];
    readonly HashSet<string> verbsSet = [.. table.VerbsLibraries, .. table.Providers.Where(p => p.Shared).Select(p => p.Library!)];
    readonly HashSet<string> others =
        [.. table.LibfabricLibraries, .. table.Providers.Where(p => !p.Shared).Select(p => p.Library).OfType<string>()];

    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Imports =>
        new SortedDictionary<string, IReadOnlyDictionary<string, string>>(
            imports.ToDictionary(i => i.Key, i => (IReadOnlyDictionary<string, string>)i.Value), StringComparer.Ordinal);

    /// <summary>Names of all libraries.</summary>
    public SortedSet<string> Sonames { get; } = new(StringComparer.Ordinal);

    /// <summary>What the programs take from UCX.</summary>
    public SortedSet<string> UcxSymbols { get; } = new(StringComparer.Ordinal);

    /// <summary>
    /// MPI libraries lie in directories of their own, which no loader configuration need name. Open MPI's components do the work of the
    /// library that they are linked with.
    /// </summary>
    public IReadOnlyList<ImageMpi> Mpi => mpi.ConvertAll(m => m with
    {
        Transports = m.Transports.Concat(
            plugins.Where(p => m.Family == MpiLibrary.OpenMpi && (p.Key == m.Soname || p.Key.Length == 0)).SelectMany(p => p.Value))
            .Distinct().Order(StringComparer.Ordinal).ToList(),
    });

    public SortedSet<string> MpiLaunchers { get; } = new(StringComparer.Ordinal);

    public SortedSet<string> PmixComponents { get; } = new(StringComparer.Ordinal);

    public void Read(HashSet<string> skip, CancellationToken cancellation)
    {
        Stack<string> pending = new Stack<string>([""]);
        while (pending.TryPop(out string? directory))
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (FileSystemInfo entry in Entries(files.Outside(directory)))
            {
                string path = $"{directory}/{entry.Name}";
                // Links are not followed: what they lead to is met at its own place.
                if (entry.Attributes.HasFlag(FileAttributes.ReparsePoint))
                    continue;
                if (entry is DirectoryInfo)
                {
                    if (!skip.Contains(path))
                        pending.Push(path);
                }
                else if (MayBeElf(entry))
                    Add(path, entry.FullName);
            }
        }
    }

    static IEnumerable<FileSystemInfo> Entries(string directory)
    {
        try
        {
            return new DirectoryInfo(directory).GetFileSystemInfos().OrderBy(e => e.Name, StringComparer.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    static bool MayBeElf(FileSystemInfo entry) =>
        entry.Name.Contains(".so", StringComparison.Ordinal)
        || (entry.UnixFileMode & (UnixFileMode)Mode.Execute) != 0;

    void Add(string path, string outside)
    {
        ElfFile? elf;
        try
        {
            elf = ElfFile.ReadIfElf(outside);
        }
        catch (Exception e) when (e is ElfFormatException or IOException or UnauthorizedAccessException)
        {
            return;
        }
        if (elf is null || !elf.IsDynamic || (machine is not null && elf.Machine != machine))
            return;
        budget.Take(elf);
        string name = Path.GetFileName(path);
        string ownName = elf.Soname ?? name;
        if (elf.Soname is not null)
            Sonames.Add(elf.Soname);
        if (table.MpiLibraries.Any(p => PathPattern.MatchesName(p, ownName)) && !mpi.Exists(l => l.Path == path))
            mpi.Add(MpiLibrary.Read(ownName, path, outside, elf, table) with { Transports = TransportsOf(elf).ToList() });
        if (elf.Type != ElfType.None && table.MpiLaunchers.Contains(name))
            MpiLaunchers.Add(path);
        if (table.PmixComponents.Any(p => PathPattern.MatchesName(p, name)))
            PmixComponents.Add(name);
        if (table.MpiPlugins.Any(p => PathPattern.MatchesName(p, name)))
        {
            string of = elf.Needed.FirstOrDefault(n => table.MpiLibraries.Any(p => PathPattern.MatchesName(p, n))) ?? "";
            if (!plugins.TryGetValue(of, out SortedSet<string>? transports))
                plugins[of] = transports = new SortedSet<string>(StringComparer.Ordinal);
            transports.UnionWith(TransportsOf(elf));
        }
        if (!ucx.Contains(ownName) && Path.GetFileName(Path.GetDirectoryName(path)) != "ucx" && elf.Needed.Any(ucx.Contains))
            UcxSymbols.UnionWith(FromUcx(outside));
        // Parts of one set are replaced together, so what they import of each other asks nothing of the host's.
        bool inVerbs = verbsSet.Contains(ownName) || PathPattern.MatchesName("lib*-rdmav*.so", name);
        bool inLibfabric = others.Contains(ownName) || PathPattern.MatchesName("lib*-fi.so", name);
        foreach (string soname in elf.Needed)
        {
            if (!(verbsSet.Contains(soname) && !inVerbs) && !(others.Contains(soname) && !inLibfabric))
                continue;
            if (!imports.TryGetValue(soname, out SortedDictionary<string, string>? versions))
                imports[soname] = versions = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (string? version in elf.VersionsNeeded.GetValueOrDefault(soname, []))
                versions.TryAdd(version, path);
        }
    }

    IReadOnlyList<string> FromUcx(string outside)
    {
        try
        {
            return ElfFile.ReadImports(outside, ucxExports);
        }
        catch (Exception e) when (e is ElfFormatException or IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    IEnumerable<string> TransportsOf(ElfFile elf) => elf.Needed.Select(n => table.Transports.GetValueOrDefault(n)).OfType<string>();
}
