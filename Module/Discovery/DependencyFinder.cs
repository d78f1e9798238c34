using System.Runtime.InteropServices;
using Slipway.Readers;
using Slipway.Readers.Packages;

namespace Slipway.Discovery;

/// <summary>What an image is to hold, and where that is looked for.</summary>
public sealed class DependencyRequest
{
    /// <summary>Each a program on the PATH, the path of a file or directory, or else the name of an installed package.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>Programs on the PATH, or paths of programs.</summary>
    public IReadOnlyList<string> Programs { get; init; } = [];

    /// <summary>Installed packages, of which everything is taken.</summary>
    public IReadOnlyList<string> Packages { get; init; } = [];

    /// <summary>Files, or directories with everything in them; with wildcards.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Patterns of paths that stay out.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>What <c>LD_LIBRARY_PATH</c> will be in the image; this process's own is not looked at.</summary>
    public IReadOnlyList<string> LibraryPath { get; init; } = [];

    /// <summary>Where programs are looked for; null for this process's PATH.</summary>
    public IReadOnlyList<string>? Path { get; init; }

    /// <summary>A tree laid out like a host's root.</summary>
    public string Root { get; init; } = "/";

    /// <summary>Of the site's resolvers; null for <c>/etc/slipway/resolvers.d</c>.</summary>
    public string? SiteRules { get; init; }
}

/// <summary>From a few names to all files that they need. Nothing is run: everything is read.</summary>
public static class DependencyFinder
{
    const string AskedRule = "definition";

    /// <summary>What the kernel shows there is no file; reading some of it does things.</summary>
    static readonly string[] OfTheKernel = ["/proc", "/sys", "/dev", "/run"];

    static readonly string[] StandardPath = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    /// <exception cref="SlipwayException">A name stands for nothing that is there, or a resolver of the site is not as it should
    /// be.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static DependencySet Find(DependencyRequest request, CancellationToken cancel = default)
    {
        if (!Directory.Exists(request.Root))
            throw DiscoveryErrors.RootNotFound(request.Root);
        RootTree tree = new RootTree(request.Root);
        IReadOnlyList<string> path = request.Path
            ?? [.. (tree.IsHost ? Environment.GetEnvironmentVariable("PATH") ?? "" : "").Split(':').Where(d => d.StartsWith('/'))
                .Concat(StandardPath).Distinct()];
        PackageDatabase? database = PackageDatabase.Open(tree);
        PackageResolver packages = new PackageResolver(database);
        IReadOnlyList<IReadOnlyList<Rule>> rules = [.. RuleFile.BuiltIn, .. RuleFile.Site(request.SiteRules ?? RuleFile.SiteDirectory)];
        HashSet<string> imports = rules.SelectMany(r => r).SelectMany(r => r.Imports).ToHashSet(StringComparer.Ordinal);
        Closure closure = new Closure(
            tree, new Loader(tree, request.LibraryPath, imports), [.. request.Exclude.SelectMany(PathPattern.Parse)]);

        foreach (string name in request.Names)
            if (!AddAny(name, path, packages, closure))
                throw new DependencyNotFoundException(name, "is neither a program on the PATH, nor a file, nor an installed package");
        foreach (string name in request.Programs)
            if (!AddProgram(name, path, closure))
                throw new DependencyNotFoundException(name, "there is no such program" + (name.Contains('/') ? "" : " on the PATH"));
        foreach (string name in request.Packages)
            if (!packages.AddPackage(name, closure))
                throw new DependencyNotFoundException(name, database is null
                    ? "the packages of this host are not known: it has neither dpkg's nor RPM's database"
                    : "there is no installed package of that name");
        foreach (string file in request.Files)
            if (!AddFiles(file, closure))
                throw new DependencyNotFoundException(file, "there is no such file");

        int asked = tree.Unreadable.Count;
        foreach (string? directory in tree.Unreadable.Where(d => !closure.StaysOut(d)))
            closure.Tell(DependencySeverity.Error, directory, AskedRule, "the directory cannot be read: what is in it is left out",
                "Make it readable, or exclude it.");
        closure.Run([.. Resolvers(tree, path, rules), packages], cancel);
        foreach (string? directory in tree.Unreadable.Skip(asked).Where(d => !closure.StaysOut(d)))
            closure.Tell(DependencySeverity.Warning, directory, AskedRule,
                "the directory cannot be read: what a rule looks for may be in it", "Make it readable, or exclude it.");
        foreach ((string? file, int limit) in tree.TooLarge)
            closure.Tell(DependencySeverity.Warning, file, AskedRule, $"not read: it has more than {limit} bytes",
                "Replace the file: no such file is that large.");
        return new DependencySet
        {
            Files = [.. closure.Files.Values.OrderBy(f => f.Path, StringComparer.Ordinal)],
            Problems = [.. closure.Problems.OrderByDescending(p => (int)p.Severity)],
            Packages = packages.Packages,
        };
    }

    static IEnumerable<Resolver> Resolvers(RootTree tree, IReadOnlyList<string> path, IReadOnlyList<IReadOnlyList<Rule>> rules) =>
        [new LoaderResolver(tree.IsHost ? Machine() : null), new ScriptResolver(path),
            .. rules.Where(r => r.Count > 0).Select(r => new RuleResolver(r[0].Name, r))];

    static string Machine() => RuntimeInformation.OSArchitecture switch
    {
        Architecture.X64 => "x86_64",
        Architecture.Arm64 => "aarch64",
        Architecture.X86 => "i686",
        Architecture.Ppc64le => "ppc64le",
        Architecture.S390x => "s390x",
        Architecture.RiscV64 => "riscv64",
        var other => other.ToString().ToLowerInvariant(),
    };

    static bool AddAny(string name, IReadOnlyList<string> path, PackageResolver packages, Closure closure) =>
        name.Contains('/') ? AddFiles(name, closure) : AddProgram(name, path, closure) || packages.AddPackage(name, closure);

    static bool AddProgram(string name, IReadOnlyList<string> path, Closure closure) =>
        (name.Contains('/') ? name : ScriptResolver.Find(name, path, closure.Tree)) is { } program
        && closure.Add(program, new Reason(AskedRule, null, $"the program {name}"), named: true);

    static bool AddFiles(string name, Closure closure)
    {
        bool any = false;
        foreach (string? found in PathPattern.Parse(name).SelectMany(closure.Tree.Glob))
        {
            any = true;
            bool isDirectory = closure.Tree.Resolve(found).Kind == FileKind.Directory;
            foreach (string path in isDirectory ? closure.Tree.Below(found, OfTheKernel.Contains) : [found])
                if (!closure.Add(path, new Reason(AskedRule, null, path == found ? "named" : $"in {found}"), named: path == name))
                    closure.Tell(DependencySeverity.Warning, path, AskedRule, "a link that leads nowhere",
                        "Remove the link, or install what it leads to.");
        }
        return any;
    }
}
