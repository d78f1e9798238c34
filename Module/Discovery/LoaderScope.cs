using Slipway.Readers;
using Slipway.Readers.Elf;

namespace Slipway.Discovery;

/// <summary>Where one dynamic loader looks that all programs of one kind have: kind, machine, default directories, cache.</summary>
sealed class LoaderScope
{
    // far more than any host has
    const int MostDirectories = 1000;

    readonly RootTree tree;
    readonly LoaderCache? cache;
    readonly Dictionary<string, IReadOnlyList<string>> hwcaps = new(StringComparer.Ordinal);

    public LoaderScope(RootTree tree, ElfFile program, string? interpreter, LoaderCache? cache)
    {
        this.tree = tree;
        this.cache = cache;
        Row = LoaderTable.For(program);
        Interpreter = interpreter ?? Row.Interpreters.FirstOrDefault(i => tree.Resolve(i).Kind == FileKind.File);
        IsMusl = Interpreter is not null && RootTree.Join("/", System.IO.Path.GetFileName(Interpreter))
            .StartsWith("/ld-musl-", StringComparison.Ordinal);
        (Lib, Defaults) = IsMusl ? ("lib", MuslDirectories()) : GlibcDirectories();
    }

    public LoaderRow Row { get; }

    /// <summary>The loader's own file; null where there is none.</summary>
    public string? Interpreter { get; }

    public bool IsMusl { get; }

    /// <summary>What <c>$LIB</c> stands for.</summary>
    public string Lib { get; }

    /// <summary>Directories that are searched last.</summary>
    public IReadOnlyList<string> Defaults { get; }

    public bool HasCache => cache is not null && !IsMusl;

    public IEnumerable<string> Cached(string name, bool forSomeProcessors) =>
        HasCache ? cache!.Find(name).Where(e => e.ForSomeProcessors == forSomeProcessors).Select(e => e.Path) : [];

    /// <summary>Subdirectories of a library directory for processors that can do more.</summary>
    public IReadOnlyList<string> Hwcaps(string directory)
    {
        if (!hwcaps.TryGetValue(directory, out IReadOnlyList<string>? found))
            hwcaps[directory] = found = IsMusl
                ? [] : [.. tree.List($"{directory}/{LoaderTable.Hwcaps}").Select(n => $"{directory}/{LoaderTable.Hwcaps}/{n}")];
        return found;
    }

    /// <summary>What ldconfig(8) would put into the cache: for a tree that has none, to say what is wrong.</summary>
    public IEnumerable<string> ConfiguredDirectories() => LoaderConfiguration.Directories(tree);

    /// <summary>
    /// glibc has its default directories compiled in: the one that it was made for, which is the one it lies in, in / and in /usr; Debian's
    /// adds /lib and /usr/lib. One that lies elsewhere (Nix, Guix, a private build) has its own directory.
    /// </summary>
    (string Lib, IReadOnlyList<string> Defaults) GlibcDirectories()
    {
        if (Interpreter is null)
            return ("lib/" + Row.Triplet, ["/lib/" + Row.Triplet, "/usr/lib/" + Row.Triplet, "/lib64", "/usr/lib64", "/lib", "/usr/lib"]);
        string directory = RootTree.Parent(tree.Resolve(Interpreter).Path);
        string[] parts = directory.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts is ["usr", ..])
            parts = parts[1..];
        string lib = string.Join('/', parts);
        return parts switch
        {
            ["lib", var triplet] when triplet.Contains("-linux-", StringComparison.Ordinal) =>
                (lib, ["/" + lib, "/usr/" + lib, "/lib", "/usr/lib"]),
            [var one] when one.StartsWith("lib", StringComparison.Ordinal) => (lib, ["/" + lib, "/usr/" + lib]),
            _ => (lib, [directory]),
        };
    }

    IReadOnlyList<string> MuslDirectories()
    {
        string name = System.IO.Path.GetFileName(Interpreter!);
        string machine = name["ld-musl-".Length..].Split('.')[0];
        string? text = tree.Text($"/etc/ld-musl-{machine}.path");
        return text is null ? LoaderTable.MuslDirectories
            : [.. text.Split((char[])['\n', ':'], StringSplitOptions.RemoveEmptyEntries).Where(d => d.StartsWith('/')).Distinct()
                .Take(MostDirectories)];
    }
}
