using Slipway.Readers;
using Slipway.Readers.Elf;

namespace Slipway.Discovery;

/// <summary>A program or library as it is loaded into a process.</summary>
/// <param name="Path">All links followed.</param>
/// <param name="LoadedBy">Whose need brought it in; null for the first one.</param>
sealed record LoadedObject(string Path, ElfFile Elf, LoadedObject? LoadedBy);

/// <summary>That one object needs another.</summary>
/// <param name="Name">As <c>DT_NEEDED</c> has it.</param>
/// <param name="Library">Null where it was not found.</param>
/// <param name="FoundAs">The path it was opened by, links not followed; null where it was loaded before.</param>
/// <param name="How">Which part of the search led there.</param>
/// <param name="Alternative">One more file of that name, for other processors.</param>
sealed record LoaderEdge(LoadedObject User, string Name, LoadedObject? Library, string? FoundAs, string How, bool Alternative = false);

/// <summary>What one process has loaded: a name is looked for only once in it.</summary>
sealed class ProcessImage(LoadedObject main, LoaderScope scope)
{
    readonly Dictionary<string, LoadedObject> byName = new(StringComparer.Ordinal);
    readonly Dictionary<string, LoadedObject> byPath = new(StringComparer.Ordinal) { [main.Path] = main };

    public LoadedObject Main => main;

    public LoaderScope Scope => scope;

    /// <summary>Without a program nobody knows what is loaded before.</summary>
    public bool HasProgram => main.Elf.Interpreter is not null && main.Elf.Type != ElfType.None;

    public IReadOnlyCollection<LoadedObject> Objects => byPath.Values;

    public LoadedObject? Find(string name) => byName.GetValueOrDefault(name);

    /// <summary>The object of a file; a new one where it is not loaded yet.</summary>
    public LoadedObject Load(string name, string path, ElfFile elf, LoadedObject user, bool alternative, out bool isNew)
    {
        isNew = !byPath.TryGetValue(path, out LoadedObject? found);
        if (isNew)
            byPath[path] = found = new LoadedObject(path, elf, user);
        if (alternative)
            return found!; // this name means the one that every processor can use
        byName.TryAdd(name, found!);
        if (elf.Soname is { } soname)
            byName.TryAdd(soname, found!);
        return found!;
    }
}

/// <summary>
/// Finds libraries as the dynamic loader does, without running anything: ld.so(8), glibc's elf/dl-load.c (<c>_dl_map_object</c>), musl's
/// ldso/dynlink.c (<c>load_library</c>).
/// </summary>
/// <param name="libraryPath">What <c>LD_LIBRARY_PATH</c> will be where the programs run.</param>
/// <param name="imports">Symbols of which <see cref="ElfFile.Imports"/> is to tell; read together with the rest, so that no file is opened
/// twice.</param>
sealed class Loader(RootTree tree, IReadOnlyList<string> libraryPath, HashSet<string>? imports = null)
{
    readonly Dictionary<string, ElfFile?> read = new(StringComparer.Ordinal);
    readonly ElfBudget budget = new(tree.Name);
    readonly Dictionary<string, LoaderScope> scopes = new(StringComparer.Ordinal);
    LoaderCache? cache;
    bool cacheRead;

    /// <summary>Files that could not be read, with the reason.</summary>
    public Dictionary<string, string> Damaged { get; } = new(StringComparer.Ordinal);

    /// <summary>An ELF file; null where it is none, or cannot be used: then <see cref="Damaged"/> says why.</summary>
    /// <param name="canonical">All links followed.</param>
    public ElfFile? Read(string canonical)
    {
        if (!read.TryGetValue(canonical, out ElfFile? elf))
        {
            try
            {
                elf = tree.Look(canonical) is { Kind: FileKind.File } node
                    ? ElfFile.ReadIfElf(tree.Outside(canonical), imports, node.Size) : null;
            }
            catch (ElfFormatException e)
            {
                // inside, a file has another name
                Damaged[canonical] = $"{canonical}: {e.Why}";
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Damaged[canonical] = $"{canonical}: cannot be read: {ReaderErrors.Why(e, tree.Outside(canonical))}";
            }
            if (elf is not null)
                budget.Take(elf);
            read[canonical] = elf;
        }
        return elf;
    }

    public ProcessImage Process(string canonical, ElfFile main)
    {
        string key = $"{main.Machine} {main.Interpreter}";
        if (!scopes.TryGetValue(key, out LoaderScope? scope))
            scopes[key] = scope = new LoaderScope(tree, main, main.Interpreter, Cache());
        return new ProcessImage(new LoadedObject(canonical, main, null), scope);
    }

    /// <summary>Loads everything that an object needs, and what that needs, breadth first as the loader does.</summary>
    public IEnumerable<LoaderEdge> Load(ProcessImage process, LoadedObject first)
    {
        Queue<LoadedObject> pending = new([first]);
        while (pending.TryDequeue(out LoadedObject? user))
            foreach (string? name in user.Elf.Filters.Count > 0 ? user.Elf.Filters.Concat(user.Elf.Needed) : user.Elf.Needed)
            {
                if (process.Find(name) is { } known)
                {
                    yield return new LoaderEdge(user, name, known, null, "loaded before");
                    continue;
                }
                bool found = false;
                foreach ((string? path, string? canonical, ElfFile? elf, string? how, bool alternative) in Search(name, user, process))
                {
                    LoadedObject library = process.Load(name, canonical, elf, user, alternative, out bool isNew);
                    found |= !alternative;
                    yield return new LoaderEdge(user, name, library, path, how, alternative);
                    if (isNew)
                        pending.Enqueue(library);
                }
                if (!found)
                    yield return new LoaderEdge(user, name, null, null, "nowhere");
            }
    }

    /// <summary>The file that dlopen(3) of a name finds, and its variants for other processors.</summary>
    public IEnumerable<(string Path, string Canonical, ElfFile Elf, string How, bool Alternative)> Search(
        string name, LoadedObject user, ProcessImage process)
    {
        if (process.Scope.IsMusl && process.Scope.Interpreter is { } musl && LoaderTable.MuslItself.Contains(name.Split(".so")[0])
            && Usable(musl, user) is { } itself)
        {
            yield return (musl, itself.Canonical, itself.Elf, "musl's loader is this library", false);
            yield break;
        }
        if (name.Contains('/'))
        {
            foreach (string path in Expand(name, user, process.Scope))
                if (Usable(path, user) is { } file)
                {
                    yield return (path, file.Canonical, file.Elf, "by its path", false);
                    yield break;
                }
            yield break;
        }
        foreach ((string? path, string? how, bool alternative) in Candidates(name, user, process))
            if (Usable(path, user) is { } file)
            {
                yield return (path, file.Canonical, file.Elf, how, alternative);
                if (!alternative)
                    yield break;
            }
    }

    (string Canonical, ElfFile Elf)? Usable(string path, LoadedObject user)
    {
        if (!path.StartsWith('/') || tree.Resolve(path) is not { Kind: FileKind.File } file
            || Read(file.Path) is not { IsDynamic: true } elf)
            return null;
        return elf.Class == user.Elf.Class && elf.MachineId == user.Elf.MachineId && elf.LittleEndian == user.Elf.LittleEndian
            ? (file.Path, elf) : null;
    }

    /// <summary>
    /// Where a name is looked for, in order. In each directory what fits to some processors only stands first, and does not end the search.
    /// </summary>
    IEnumerable<(string Path, string How, bool Alternative)> Candidates(string name, LoadedObject user, ProcessImage process)
    {
        LoaderScope scope = process.Scope;
        foreach ((string? directory, string? how) in Directories(user, process))
        {
            foreach (string special in scope.Hwcaps(directory))
                yield return ($"{special}/{name}", $"{how}, {ForSome(special)}", true);
            yield return ($"{directory}/{name}", how, false);
        }
        if (scope.HasCache)
        {
            IReadOnlyList<string>? some = user.Elf.NoDefaultLibraries ? scope.Defaults : null;
            bool Skipped(string path) => some is not null && some.Contains(RootTree.Parent(path));
            foreach (string? path in scope.Cached(name, forSomeProcessors: true).Where(p => !Skipped(p)))
                yield return (path, $"{LoaderTable.Cache}, {ForSome(RootTree.Parent(path))}", true);
            foreach (string? path in scope.Cached(name, forSomeProcessors: false).Where(p => !Skipped(p)))
                yield return (path, LoaderTable.Cache, false);
        }
        if (user.Elf.NoDefaultLibraries)
            yield break;
        foreach (string directory in scope.Defaults)
        {
            foreach (string special in scope.Hwcaps(directory))
                yield return ($"{special}/{name}", $"default directory {directory}, {ForSome(special)}", true);
            yield return ($"{directory}/{name}", $"default directory {directory}", false);
        }
    }

    IEnumerable<(string Directory, string How)> Directories(LoadedObject user, ProcessImage process)
    {
        LoaderScope scope = process.Scope;
        IEnumerable<(string, string)> Of(LoadedObject o, IReadOnlyList<string> path, string what) =>
            path.SelectMany(p => Expand(p, o, scope).Where(d => d.StartsWith('/')).Select(d => (d, $"{what} {p}")));
        IEnumerable<(string d, string)> given = libraryPath.Select(d => (d, "the library path"));
        if (scope.IsMusl)
        {
            // to musl both tags are one, and are inherited
            foreach ((string, string) found in given.Concat(
                Chain(user).SelectMany(o => Of(o, o.Elf.Runpath.Count > 0 ? o.Elf.Runpath : o.Elf.Rpath, "rpath"))))
                yield return found;
            yield break;
        }
        if (user.Elf.Runpath.Count == 0)
            foreach (LoadedObject? o in Chain(user).Append(process.Main).Distinct()
                .Where(o => o.Elf.Runpath.Count == 0 && o.Elf.Rpath.Count > 0))
                foreach ((string, string) found in Of(o, o.Elf.Rpath, o == user ? "rpath" : $"rpath of {o.Path}:"))
                    yield return found;
        foreach ((string, string) found in given.Concat(Of(user, user.Elf.Runpath, "runpath")))
            yield return found;
    }

    /// <summary>
    /// Which processors take what lies there: all that can do as much as the directory's name says (ld.so(8), glibc-hwcaps).
    /// </summary>
    static string ForSome(string directory) =>
        $"{LoaderTable.Hwcaps}: processors of {System.IO.Path.GetFileName(directory)} and later take it in place of the one for all";

    static IEnumerable<LoadedObject> Chain(LoadedObject user)
    {
        for (LoadedObject? o = user; o is not null; o = o.LoadedBy)
            yield return o;
    }

    /// <summary>Dynamic string tokens (ld.so(8)); what may mean several things gives several paths.</summary>
    static IEnumerable<string> Expand(string path, LoadedObject of, LoaderScope scope)
    {
        if (!path.Contains('$'))
            return [path];
        string expanded = Token(Token(path, "ORIGIN", RootTree.Parent(of.Path)), "LIB", scope.Lib);
        return expanded.Contains("PLATFORM", StringComparison.Ordinal) ? scope.Row.Platforms.Select(p => Token(expanded, "PLATFORM", p))
            : [expanded];
    }

    static string Token(string path, string name, string value) =>
        path.Replace("${" + name + "}", value, StringComparison.Ordinal).Replace("$" + name, value, StringComparison.Ordinal);

    /// <summary>Bytes of the loader's cache; a large host's has half a megabyte.</summary>
    const int LargestCache = 64 << 20;

    LoaderCache? Cache()
    {
        if (cacheRead)
            return cache;
        cacheRead = true;
        if (tree.Resolve(LoaderTable.Cache) is not { Kind: FileKind.File } file
            || tree.Bytes(file.Path, LoaderCache.SizeLimit) is not { } bytes)
            return null;
        try
        {
            return cache = LoaderCache.Parse(bytes);
        }
        catch (InvalidDataException e)
        {
            Damaged[file.Path] = $"{file.Path}: not a usable cache of the loader: {e.Message}";
            return null;
        }
    }
}
