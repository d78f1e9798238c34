using Slipway.Elf;

namespace Slipway.Fabric;

/// <summary>Which versions the programs and libraries of an image import from the libraries that a plan may replace.</summary>
sealed class ImageImports(RootDirectory files, ProviderTable table, string? machine)
{
    readonly SortedDictionary<string, SortedDictionary<string, string>> imports = new(StringComparer.Ordinal);
    readonly List<ImageLibrary> mpi = [];
    readonly HashSet<string> verbsSet = [.. table.VerbsLibraries, .. table.Providers.Where(p => p.Shared).Select(p => p.Library!)];
    readonly HashSet<string> others = [.. table.LibfabricLibraries, .. table.Providers.Where(p => !p.Shared).Select(p => p.Library).OfType<string>()];

    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Imports =>
        new SortedDictionary<string, IReadOnlyDictionary<string, string>>(
            imports.ToDictionary(i => i.Key, i => (IReadOnlyDictionary<string, string>)i.Value), StringComparer.Ordinal);

    /// <summary>Names of all libraries.</summary>
    public SortedSet<string> Sonames { get; } = new(StringComparer.Ordinal);

    /// <summary>MPI libraries lie in directories of their own, which no loader configuration need name.</summary>
    public IReadOnlyList<ImageLibrary> MpiLibraries => mpi;

    public void Read(HashSet<string> skip, CancellationToken cancellation)
    {
        var pending = new Stack<string>([""]);
        while (pending.TryPop(out var directory))
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var entry in Entries(files.Outside(directory)))
            {
                var path = $"{directory}/{entry.Name}";
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
        || (entry.UnixFileMode & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0;

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
        var name = Path.GetFileName(path);
        var ownName = elf.Soname ?? name;
        if (elf.Soname is not null)
            Sonames.Add(elf.Soname);
        if (table.MpiLibraries.Any(p => RootDirectory.Wildcard(p, ownName)) && !mpi.Exists(l => l.Path == path))
            mpi.Add(new ImageLibrary(ownName, path, new RootLibrary(path, elf).Version) { Needed = elf.Needed });
        // Parts of one set are replaced together, so what they import of each other asks nothing of the host's.
        var inVerbs = verbsSet.Contains(ownName) || RootDirectory.Wildcard("lib*-rdmav*.so", name);
        var inLibfabric = others.Contains(ownName) || RootDirectory.Wildcard("lib*-fi.so", name);
        foreach (var soname in elf.Needed)
        {
            if (!(verbsSet.Contains(soname) && !inVerbs) && !(others.Contains(soname) && !inLibfabric))
                continue;
            if (!imports.TryGetValue(soname, out var versions))
                imports[soname] = versions = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (var version in elf.VersionsNeeded.GetValueOrDefault(soname, []))
                versions.TryAdd(version, path);
        }
    }
}
