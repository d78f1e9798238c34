using System.Buffers.Binary;
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
    readonly Dictionary<string, string> diverted = new(StringComparer.Ordinal);
    readonly Lazy<Dictionary<ulong, InstalledPackage>> lists;

    DpkgDatabase(FileTree tree, string status)
    {
        this.tree = tree;
        ReadStatus(status);
        var lines = tree.Text("/var/lib/dpkg/diversions")?.Split('\n') ?? [];
        for (var i = 0; i + 2 < lines.Length; i += 3)
        {
            diversions[lines[i]] = (lines[i + 1], lines[i + 2]);
            diverted.TryAdd(lines[i + 1], lines[i]);
        }
        lists = new(ReadLists);
    }

    /// <summary>The database of a tree; one that was read before is taken again while neither status nor lists have changed since.</summary>
    public static DpkgDatabase? TryOpen(FileTree tree)
    {
        if (tree.Resolve(Status) is not { Kind: FileKind.File } file)
            return null;
        var (status, info) = (tree.Look(file.Path), tree.Look(tree.Resolve(Info).Path));
        var key = (tree.Outside(file.Path), status.Size, status.ModifiedExactly, info.ModifiedExactly);
        lock (Gate)
        {
            if (last is null || last.Value.Key != key)
                last = tree.Text(Status, 256 << 20) is { } text ? (key, new DpkgDatabase(tree, text)) : null;
            return last?.Database;
        }
    }

    static readonly Lock Gate = new();
    static ((string, long, long, long) Key, DpkgDatabase Database)? last;

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
        Dictionary<string, InstalledPackage> owners = new(StringComparer.Ordinal);
        foreach (var path in paths)
            if (Owner(path) is { } owner)
                owners[path] = owner;
        return owners;
    }

    InstalledPackage? Owner(string path)
    {
        // what stands at a diverted path is of the package that diverted it; the other's file has another name now
        if (diversions.TryGetValue(path, out var away))
            return Find(away.By);
        if (diverted.TryGetValue(path, out var from))
            path = from;
        return lists.Value.TryGetValue(Hash(Encoding.UTF8.GetBytes(path)), out var package) || (OldName(path) is { } old && lists.Value.TryGetValue(Hash(Encoding.UTF8.GetBytes(old)), out package)) ? package : null;
    }

    string? OldName(string path) =>
        path.StartsWith("/usr/", StringComparison.Ordinal) && Array.Find(Merged, m => path.AsSpan(4).StartsWith(m + "/", StringComparison.Ordinal)) is { } merged && tree.Look(merged).Kind == FileKind.Link
            ? path[4..] : null;

    /// <summary>All lists, by 64-bit hashes: a host has some hundred thousand files, of which a few thousand are asked for.</summary>
    Dictionary<ulong, InstalledPackage> ReadLists()
    {
        Dictionary<ulong, InstalledPackage> all = new(1 << 17);
        foreach (var name in tree.List(Info))
        {
            if (!name.EndsWith(".list", StringComparison.Ordinal) || Find(name[..^5]) is not { } package)
                continue;
            ReadOnlySpan<byte> rest;
            try
            {
                rest = File.ReadAllBytes(tree.Outside($"{Info}/{name}"));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                continue;
            }
            while (rest.Length > 0)
            {
                var end = rest.IndexOf((byte)'\n');
                all.TryAdd(Hash(end < 0 ? rest : rest[..end]), package);
                rest = end < 0 ? [] : rest[(end + 1)..];
            }
        }
        return all;
    }

    /// <summary>FNV-1a (Fowler, Noll, Vo), eight bytes at a time.</summary>
    static ulong Hash(ReadOnlySpan<byte> text)
    {
        const ulong Prime = 0x100000001b3;
        var hash = 0xcbf29ce484222325 ^ (ulong)text.Length;
        for (; text.Length >= 8; text = text[8..])
        {
            hash = (hash ^ BinaryPrimitives.ReadUInt64LittleEndian(text)) * Prime;
            hash ^= hash >> 29;
        }
        foreach (var one in text)
            hash = (hash ^ one) * Prime;
        return hash;
    }
}
