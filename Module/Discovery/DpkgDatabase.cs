using System.Text;

namespace Slipway.Discovery;

/// <summary>dpkg's database, read as it is: dpkg(1), deb822(5), <c>/var/lib/dpkg/{status,diversions,info/*.list}</c>.</summary>
/// <remarks>Of packages that have split files (<c>/var/lib/dpkg/status.d</c>, distroless images) only names are known: they bring no list.</remarks>
sealed class DpkgDatabase : PackageDatabase
{
    const string Status = "/var/lib/dpkg/status", Info = "/var/lib/dpkg/info";

    /// <summary>Directories that are links in a merged /usr, while packages still call their files by the old names.</summary>
    static readonly string[] Merged = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

    readonly FileTree tree;
    readonly Dictionary<string, InstalledPackage> packages = new(StringComparer.Ordinal);
    readonly Dictionary<string, (string To, string By)> diversions = new(StringComparer.Ordinal);

    DpkgDatabase(FileTree tree, string status)
    {
        this.tree = tree;
        ReadStatus(status);
        var lines = tree.Text("/var/lib/dpkg/diversions")?.Split('\n') ?? [];
        for (var i = 0; i + 2 < lines.Length; i += 3)
            diversions[lines[i]] = (lines[i + 1], lines[i + 2]);
    }

    public static DpkgDatabase? TryOpen(FileTree tree) => tree.Text(Status, 256 << 20) is { } status ? new DpkgDatabase(tree, status) : null;

    void ReadStatus(string status)
    {
        string? name = null, state = null, version = null, architecture = null;
        void Flush()
        {
            if (name is not null && state is not null && !state.EndsWith(" not-installed", StringComparison.Ordinal) && !state.EndsWith(" config-files", StringComparison.Ordinal))
            {
                var trouble = state.EndsWith(" ok installed", StringComparison.Ordinal) ? null : state;
                var package = new InstalledPackage(name, version ?? "", architecture ?? "", trouble);
                packages.TryAdd(name, package);
                packages[$"{name}:{architecture}"] = package;
            }
            name = state = version = architecture = null;
        }
        foreach (var line in status.AsSpan().EnumerateLines())
        {
            if (line.Length == 0)
                Flush();
            else if (Field(line, "Package: ") is { } package)
                name = package;
            else if (Field(line, "Status: ") is { } said)
                state = said;
            else if (Field(line, "Version: ") is { } number)
                version = number;
            else if (Field(line, "Architecture: ") is { } machine)
                architecture = machine;
        }
        Flush();
    }

    static string? Field(ReadOnlySpan<char> line, string name) => line.StartsWith(name, StringComparison.Ordinal) ? line[name.Length..].Trim().ToString() : null;

    public override InstalledPackage? Find(string name) => packages.GetValueOrDefault(name);

    public override IReadOnlyList<string> Files(InstalledPackage package)
    {
        var list = tree.Text(ListOf(package), 64 << 20)?.Split('\n', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return [.. list.Where(p => p != "/.").Select(p => diversions.TryGetValue(p, out var d) && d.By != package.Name ? d.To : p)];
    }

    string ListOf(InstalledPackage package) =>
        tree.Resolve($"{Info}/{package.Name}:{package.Architecture}.list") is { Exists: true } found ? found.Path : $"{Info}/{package.Name}.list";

    public override IReadOnlyList<string> Licences(InstalledPackage package) => [$"/usr/share/doc/{package.Name}/copyright"];

    public override IReadOnlyDictionary<string, InstalledPackage> Owners(IReadOnlyCollection<string> paths)
    {
        // what a package may call a file to what the file is
        Dictionary<string, string> wanted = new(StringComparer.Ordinal);
        foreach (var path in paths)
        {
            wanted[path] = path;
            if (path.StartsWith("/usr/", StringComparison.Ordinal) && Array.Find(Merged, m => path.AsSpan(4).StartsWith(m + "/", StringComparison.Ordinal)) is { } merged && tree.Look(merged).Kind == FileKind.Link)
                wanted.TryAdd(path[4..], path);
        }
        foreach (var (from, (to, _)) in diversions)
            if (wanted.Remove(to, out var diverted))
                wanted[from + "\0diverted"] = diverted;
        var lookup = wanted.GetAlternateLookup<ReadOnlySpan<char>>();
        Dictionary<string, InstalledPackage> owners = new(StringComparer.Ordinal);
        foreach (var name in tree.List(Info))
        {
            if (!name.EndsWith(".list", StringComparison.Ordinal) || Find(name[..^5]) is not { } package || ReadList($"{Info}/{name}") is not { } text)
                continue;
            foreach (var line in text.AsSpan().EnumerateLines())
                if (lookup.TryGetValue(line, out var path))
                {
                    if (!diversions.TryGetValue(path, out var away) || away.By == package.Name)
                        owners.TryAdd(path, package);
                }
                else if (diversions.Count > 0 && wanted.TryGetValue(line.ToString() + "\0diverted", out path))
                {
                    owners.TryAdd(path, package);
                }
        }
        return owners;
    }

    /// <summary>Latin-1 is quick, and the same as UTF-8 for all names but those of certificates and the like.</summary>
    string? ReadList(string path)
    {
        try
        {
            var bytes = File.ReadAllBytes(tree.Outside(path));
            return System.Text.Ascii.IsValid(bytes) ? Encoding.Latin1.GetString(bytes) : Encoding.UTF8.GetString(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
