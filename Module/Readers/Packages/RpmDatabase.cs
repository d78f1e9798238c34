using Slipway.Linux;

namespace Slipway.Readers.Packages;

/// <summary>RPM's database, which only rpm(8) itself can read in all its forms (Berkeley DB, ndb, sqlite).</summary>
sealed class RpmDatabase : PackageDatabase
{
    /// <summary>A package's version as rpm compares it: the epoch is a part of it, and none is 0 (rpm-version(7)).</summary>
    const string Version = "%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}";

    const string Format = $"%{{NAME}}\\t{Version}\\t%{{ARCH}}\\n";
    const int PathsAtOnce = 1000;

    /// <summary>Where rpm may look (its macro <c>_dbpath</c>): Fedora's since 36 and SUSE's; EL's, and all before.</summary>
    public static IReadOnlyList<string> Places { get; } = ["/usr/lib/sysimage/rpm", "/var/lib/rpm"];

    static readonly string[] Names = ["rpmdb.sqlite", "Packages", "Packages.db"];

    const string FilesFormat = "[%{=NAME}-%{=VERSION}-%{=RELEASE}.%{=ARCH}\\t%{FILENAMES}\\t%{FILEFLAGS}\\t%{FILESTATES}\\n]";

    // rpmfileAttrs and rpmfileState (rpm's rpmfiles.h): a file that is missingok, or a ghost, which no package brings, need not be there
    const int Documentation = 1 << 1 | Licence, MayBeMissing = 1 << 3 | 1 << 6, Licence = 1 << 7, WasInstalled = 0;

    /// <summary>A file as its package's header has it.</summary>
    sealed record RpmFile(string Path, int Flags, int State);

    readonly RootTree tree;
    readonly string place;
    readonly Dictionary<string, List<RpmFile>> files = new(StringComparer.Ordinal);
    Dictionary<string, List<string>>? several;

    readonly Action<string> log;

    RpmDatabase(RootTree tree, string place, Action<string>? log)
    {
        this.tree = tree;
        this.place = place;
        this.log = log ?? (_ => { });
    }

    /// <summary>The database of a tree; null where it has none, or this host has no rpm.</summary>
    /// <param name="log">Gets what rpm says of errors.</param>
    public static RpmDatabase? TryOpen(RootTree tree, Action<string>? log = null) =>
        PlaceIn(tree) is { } place && HostProgram.TryFind("rpm") is not null ? new RpmDatabase(tree, place, log) : null;

    /// <summary>The directory of a root's database; null where it has none.</summary>
    public static string? PlaceIn(RootTree tree) =>
        Places.FirstOrDefault(p => Names.Any(n => tree.Resolve($"{p}/{n}").Kind == FileKind.File));

    /// <summary>Each line of an answer; none where rpm does not know.</summary>
    List<string> Ask(params IEnumerable<string> arguments)
    {
        List<string> lines = [];
        // the path of the database is given: another distribution's rpm looks elsewhere
        int exit = HostProgram.Run("rpm",
            [.. tree.IsHost ? [] : (string[])["--root", tree.Outside("")], "--define", $"_dbpath {place}", .. arguments], lines.Add, log,
            new Dictionary<string, string?> { ["LC_ALL"] = "C" });
        return exit == 0 || arguments.Contains("-qf") ? lines : [];
    }

    static InstalledPackage? Parse(string line) => line.Split('\t') is [string name, string version, string architecture]
        ? new InstalledPackage(name, version.StartsWith("0:", StringComparison.Ordinal) ? version[2..] : version, architecture) : null;

    // the keys of the repositories are packages too
    public override IReadOnlyList<ImagePackage> Installed() =>
        Listed(Ask("-qa", "--qf", Format).Select(Parse).OfType<InstalledPackage>().Where(p => p.Name != "gpg-pubkey"));

    public override InstalledPackage? Find(string name) => name.StartsWith('-') ? null : Ask("-q", "--qf", Format, name).Select(Parse)
        .FirstOrDefault(p => p is not null);

    /// <summary>As rpm takes it on its command line: without the epoch, which older ones do not know there.</summary>
    static string Full(InstalledPackage package) =>
        $"{package.Name}-{package.Version[(package.Version.IndexOf(':') + 1)..]}.{package.Architecture}";

    public override IReadOnlyList<string> Files(InstalledPackage package) =>
        [.. Of(package).Where(f => ShouldBeThere(f) || IsThere(f.Path)).Select(f => f.Path)];

    public override IReadOnlyList<string> Licences(InstalledPackage package) =>
        [.. Of(package).Where(f => (f.Flags & Licence) != 0).Select(f => f.Path)];

    /// <summary>
    /// RPM has no state of a whole package. One whose installation was broken off lacks files that are installed by its header; one whose
    /// update was broken off has two headers, of which only some may be there at once: those that say so (kernels).
    /// </summary>
    public override PackageTrouble? Trouble(InstalledPackage package)
    {
        List<string> missing = [.. Of(package).Where(f => ShouldBeThere(f) && (f.Flags & Documentation) == 0 && !IsThere(f.Path))
            .Select(f => f.Path)];
        if (missing.Count > 0)
            return new PackageTrouble(DependencySeverity.Warning,
                $"{missing.Count} of its files {(missing.Count == 1 ? "is" : "are")} missing, {missing[0]} first (rpm -V {package.Name})",
                $"Install it anew: dnf reinstall {package.Name}.");
        return several is not null && several.TryGetValue($"{package.Name}.{package.Architecture}", out List<string>? versions)
            ? new PackageTrouble(DependencySeverity.Warning,
                $"versions {string.Join(" and ", versions)} are there at once: an update was broken off",
                "Remove the older one: dnf remove --duplicates.") : null;
    }

    static bool ShouldBeThere(RpmFile file) => file.State == WasInstalled && (file.Flags & MayBeMissing) == 0;

    bool IsThere(string path) => tree.LookAt(path).Kind != FileKind.None;

    public override void Prepare(IReadOnlyCollection<InstalledPackage> packages)
    {
        several ??= Several();
        List<string> unknown = [.. packages.Select(Full).Where(p => !files.ContainsKey(p))];
        foreach (string[] some in unknown.Chunk(PathsAtOnce))
        {
            foreach (string? name in some)
                files[name] = [];
            foreach (string line in Ask(["-q", "--qf", FilesFormat, .. some]))
                if (line.Split('\t') is [var name, ['/', ..] and var path, var flags, var state]
                    && files.TryGetValue(name, out List<RpmFile>? list))
                    list.Add(new RpmFile(path, int.TryParse(flags, out int f) ? f : 0, int.TryParse(state, out int s) ? s : -1));
        }
    }

    /// <summary>By name and architecture, the versions of what is there more than once and should not be.</summary>
    Dictionary<string, List<string>> Several() =>
        Ask("-qa", "--qf", $"%{{NAME}}.%{{ARCH}}\\t{Version}[\\t%{{PROVIDENAME}}]\\n").Select(l => l.Split('\t'))
            .Where(f => f.Length >= 2 && !f[0].StartsWith("gpg-pubkey.", StringComparison.Ordinal)
                && !f.Any(p => p.StartsWith("installonlypkg(", StringComparison.Ordinal)))
            .GroupBy(f => f[0], f => f[1]).Where(g => g.Count() > 1)
            .ToDictionary(g => g.Key, g => g.Order(StringComparer.Ordinal).ToList(), StringComparer.Ordinal);

    List<RpmFile> Of(InstalledPackage package)
    {
        if (!files.ContainsKey(Full(package)))
            Prepare([package]);
        return files[Full(package)];
    }

    public override IReadOnlyDictionary<string, InstalledPackage> Owners(IReadOnlyCollection<string> paths)
    {
        Dictionary<string, InstalledPackage> owners = new(StringComparer.Ordinal);
        foreach (string[] some in paths.Chunk(PathsAtOnce))
        {
            // one line for each path; that of a path that is nobody's is a sentence, and where two packages have a file both are named
            List<string> lines = Ask(["-qf", "--qf", Format, .. some]);
            if (lines.Count == some.Length)
                foreach ((string? path, string? line) in some.Zip(lines))
                    Take(path, line);
            else
                foreach (string? path in some)
                    foreach (string line in Ask("-qf", "--qf", Format, path))
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
