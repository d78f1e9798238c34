using System.Text;

namespace Slipway.Readers.Packages;

/// <summary>dpkg's database, read as it is: dpkg(1), deb822(5), <c>/var/lib/dpkg/{status,diversions,info/*.list}</c>.</summary>
/// <remarks>
/// Of packages that have split files (<c>/var/lib/dpkg/status.d</c>, distroless images) only names are known: they bring no list.
/// </remarks>
sealed class DpkgDatabase : PackageDatabase
{
    const string Status = "/var/lib/dpkg/status", Info = "/var/lib/dpkg/info";

    /// <summary>Directories that are links in a merged /usr, while packages still call their files by the old names.</summary>
    static readonly string[] Merged = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

    const int LargestStatus = 256 << 20, LargestList = 64 << 20;

    /// <summary>A file of one package that another's takes the place of: dpkg-divert(1).</summary>
    sealed record Diversion(string To, string By);

    readonly RootTree tree;
    readonly List<InstalledPackage> all = [];
    readonly Dictionary<string, InstalledPackage> packages = new(StringComparer.Ordinal);
    readonly Dictionary<string, Diversion> diversions = new(StringComparer.Ordinal);
    readonly Dictionary<string, string> diverted = new(StringComparer.Ordinal);
    readonly Lazy<PathOwners> lists;

    DpkgDatabase(RootTree tree, ReadOnlySpan<byte> status)
    {
        this.tree = tree;
        ReadStatus(status);
        string[] lines = tree.Text("/var/lib/dpkg/diversions")?.Split('\n') ?? [];
        for (int i = 0; i + 2 < lines.Length; i += 3)
        {
            diversions[lines[i]] = new Diversion(lines[i + 1], lines[i + 2]);
            diverted.TryAdd(lines[i + 1], lines[i]);
        }
        lists = new(ReadLists);
    }

    /// <summary>What is installed in a tree, whose other files are not looked at; nothing where dpkg has no database there.</summary>
    public static IReadOnlyList<ImagePackage> InstalledIn(RootTree tree) =>
        tree.Bytes(Status, LargestStatus) is { } bytes ? new DpkgDatabase(tree, bytes).Installed() : [];

    /// <summary>
    /// The database of a tree; one that was read before is taken again while neither status nor lists have changed since.
    /// </summary>
    /// <remarks>Its lists are read meanwhile: they are asked for last.</remarks>
    public static DpkgDatabase? TryOpen(RootTree tree)
    {
        if (tree.Resolve(Status) is not { Kind: FileKind.File } file)
            return null;
        (FileNode? status, FileNode? info) = (tree.Look(file.Path), tree.Look(tree.Resolve(Info).Path));
        string key = $"{tree.Outside(file.Path)} {status.Size} {status.ModifiedExactly} {info.ModifiedExactly}";
        lock (Gate)
        {
            if (last is null || lastKey != key)
            {
                RootTree own = tree.Another();
                (lastKey, last) = (key, own.Bytes(Status, LargestStatus) is { } bytes ? new DpkgDatabase(own, bytes) : null);
                if (last is { } fresh)
                    Task.Run(() => fresh.lists.Value);
            }
            return last;
        }
    }

    static readonly Lock Gate = new();
    static string? lastKey;
    static DpkgDatabase? last;

    void ReadStatus(ReadOnlySpan<byte> rest)
    {
        string? name = null, state = null, version = null, architecture = null;
        while (rest.Length > 0)
        {
            int end = rest.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? [] : rest[(end + 1)..];
            if (line.Length == 0)
                Flush();
            // most lines are other fields, or go on with one
            else if (line[0] is (byte)'P' && line.StartsWith("Package: "u8))
                name = Value(line, "Package: ".Length);
            else if (line[0] is (byte)'S' && line.StartsWith("Status: "u8))
                state = Value(line, "Status: ".Length);
            else if (line[0] is (byte)'V' && line.StartsWith("Version: "u8))
                version = Value(line, "Version: ".Length);
            else if (line[0] is (byte)'A' && line.StartsWith("Architecture: "u8))
                architecture = Value(line, "Architecture: ".Length);
        }
        Flush();

        void Flush()
        {
            if (name is not null && state is not null && !state.EndsWith(" not-installed", StringComparison.Ordinal)
                && !state.EndsWith(" config-files", StringComparison.Ordinal))
            {
                string? trouble = state.EndsWith(" ok installed", StringComparison.Ordinal) ? null : state;
                InstalledPackage package = new InstalledPackage(name, version ?? "", architecture ?? "", trouble);
                all.Add(package);
                packages.TryAdd(name, package);
                packages[$"{name}:{architecture}"] = package;
            }
            name = state = version = architecture = null;
        }
    }

    static string Value(ReadOnlySpan<byte> line, int from) => Encoding.UTF8.GetString(line[from..]).Trim();

    public override InstalledPackage? Find(string name) => packages.GetValueOrDefault(name);

    /// <remarks>Not those that are half installed, or unpacked and not configured.</remarks>
    public override IReadOnlyList<ImagePackage> Installed() =>
        Listed(all.Where(p => p.State?.EndsWith(" installed", StringComparison.Ordinal) ?? true));

    public override IReadOnlyList<string> Files(InstalledPackage package)
    {
        string[] list = tree.Text(ListOf(package), LargestList)?.Split('\n', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return [.. list.Where(p => p != "/.").Select(p => diversions.TryGetValue(p, out Diversion? d) && d.By != package.Name ? d.To : p)];
    }

    string ListOf(InstalledPackage package) =>
        tree.Resolve($"{Info}/{package.Name}:{package.Architecture}.list") is { Exists: true } found ? found.Path
        : $"{Info}/{package.Name}.list";

    public override PackageTrouble? Trouble(InstalledPackage package) =>
        package.State is { } state ? new PackageTrouble(
            DependencySeverity.Error, $"its state is '{state}'", "Run dpkg --configure -a, or install it anew.") : null;

    public override IReadOnlyList<string> Licences(InstalledPackage package) => [$"/usr/share/doc/{package.Name}/copyright"];

    public override IReadOnlyDictionary<string, InstalledPackage> Owners(IReadOnlyCollection<string> paths)
    {
        Dictionary<string, InstalledPackage> owners = new(StringComparer.Ordinal);
        foreach (string path in paths)
            if (Owner(path) is { } owner)
                owners[path] = owner;
        return owners;
    }

    InstalledPackage? Owner(string path)
    {
        // what stands at a diverted path is of the package that diverted it; the other's file has another name now
        if (diversions.TryGetValue(path, out Diversion? away))
            return Find(away.By);
        if (diverted.TryGetValue(path, out string? from))
            path = from;
        return lists.Value.Find(path) ?? (OldName(path) is { } old ? lists.Value.Find(old) : null);
    }

    string? OldName(string path) =>
        path.StartsWith("/usr/", StringComparison.Ordinal)
        && Array.Find(Merged, m => path.AsSpan(4).StartsWith(m + "/", StringComparison.Ordinal)) is { } merged
        && tree.Look(merged).Kind == FileKind.Link
            ? path[4..] : null;

    PathOwners ReadLists()
    {
        PathOwners all = new();
        // on another thread
        RootTree own = tree.Another();
        foreach (string name in own.List(Info))
            if (name.EndsWith(".list", StringComparison.Ordinal) && Find(name[..^5]) is { } package
                && own.Bytes($"{Info}/{name}", LargestList) is { } list)
                all.AddLines(list, package);
        return all;
    }
}
