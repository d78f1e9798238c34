using Slipway.Linux;

namespace Slipway.Discovery;

/// <summary>RPM's database, which only rpm(8) itself can read in all its forms (Berkeley DB, ndb, sqlite).</summary>
sealed class RpmDatabase : PackageDatabase
{
    const string Format = "%{NAME}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\n";
    const int PathsAtOnce = 1000;

    static readonly string[] Places = ["/var/lib/rpm", "/usr/lib/sysimage/rpm"];
    static readonly string[] Names = ["rpmdb.sqlite", "Packages", "Packages.db"];

    readonly FileTree tree;
    readonly string place;

    RpmDatabase(FileTree tree, string place)
    {
        this.tree = tree;
        this.place = place;
    }

    public static RpmDatabase? TryOpen(FileTree tree)
    {
        var place = Places.FirstOrDefault(p => Names.Any(n => tree.Resolve($"{p}/{n}").Kind == FileKind.File));
        return place is not null && HostProgram.TryFind("rpm") is not null ? new RpmDatabase(tree, place) : null;
    }

    /// <summary>Each line of an answer; none where rpm does not know.</summary>
    List<string> Ask(params IEnumerable<string> arguments)
    {
        List<string> lines = [];
        // the path of the database is given: another distribution's rpm looks elsewhere
        int exit = HostProgram.Run("rpm", [.. tree.IsHost ? [] : (string[])["--root", tree.Outside("")], "--define", $"_dbpath {place}", .. arguments], lines.Add, _ => { },
            new Dictionary<string, string?> { ["LC_ALL"] = "C" });
        return exit == 0 || arguments.Contains("-qf") ? lines : [];
    }

    static InstalledPackage? Parse(string line) => line.Split('\t') is [var name, var version, var architecture] ? new InstalledPackage(name, version, architecture, null) : null;

    public override InstalledPackage? Find(string name) => name.StartsWith('-') ? null : Ask("-q", "--qf", Format, name).Select(Parse).FirstOrDefault(p => p is not null);

    static string Full(InstalledPackage package) => $"{package.Name}-{package.Version}.{package.Architecture}";

    public override IReadOnlyList<string> Files(InstalledPackage package) => [.. Ask("-ql", Full(package)).Where(l => l.StartsWith('/'))];

    public override IReadOnlyList<string> Licences(InstalledPackage package) => [.. Ask("-q", "--licensefiles", Full(package)).Where(l => l.StartsWith('/'))];

    public override IReadOnlyDictionary<string, InstalledPackage> Owners(IReadOnlyCollection<string> paths)
    {
        Dictionary<string, InstalledPackage> owners = new(StringComparer.Ordinal);
        foreach (var some in paths.Chunk(PathsAtOnce))
        {
            // one line for each path; that of a path that is nobody's is a sentence, and where two packages have a file both are named
            var lines = Ask(["-qf", "--qf", Format, .. some]);
            if (lines.Count == some.Length)
                foreach (var (path, line) in some.Zip(lines))
                    Take(path, line);
            else
                foreach (var path in some)
                    foreach (var line in Ask("-qf", "--qf", Format, path))
                        Take(path, line);
        }
        return owners;

        void Take(string path, string line)
        {
            if (Parse(line) is { } package)
                owners.TryAdd(path, package);
        }
    }
}
