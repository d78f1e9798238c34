using Slipway.Readers;
using Slipway.Readers.Packages;

namespace Slipway.Discovery;

/// <summary>The package of each file, and for each package its licence: who copies a package's file has to copy that.</summary>
sealed class PackageResolver(PackageDatabase? database) : Resolver
{
    public const string RuleName = "package";

    readonly Dictionary<string, InstalledPackage?> owners = new(StringComparer.Ordinal);
    readonly Dictionary<string, InstalledPackage> packages = new(StringComparer.Ordinal);

    public override string Name => RuleName;

    public IReadOnlyList<ImagePackage> Packages => PackageDatabase.Listed(packages.Values);

    public override void Resolve(FoundFile file, Closure closure)
    {
    }

    /// <summary>Adds all files of an installed package.</summary>
    /// <returns>False where there is none of that name.</returns>
    public bool AddPackage(string name, Closure closure)
    {
        if (database?.Find(name) is not { } package)
            return false;
        Check(package, closure);
        IReadOnlyList<string> files = database.Files(package);
        if (files.Count == 0)
            closure.Tell(DependencySeverity.Warning, name, Name, "the package's list of files is empty, or not there",
                "Install the package anew if it should have files.");
        foreach (string path in files)
            if (!closure.Add(path, new Reason(Name, null, $"a file of the package {package.Name}")))
                closure.Tell(DependencySeverity.Warning, path, Name, $"a file of the package {package.Name} that is not there",
                    "Install the package anew, unless the file was removed on purpose.");
        return true;
    }

    void Check(InstalledPackage package, Closure closure)
    {
        if (database!.Trouble(package) is { } trouble)
            closure.Tell(trouble.Severity, package.Name, Name, $"the package is not wholly installed: {trouble.What}",
                trouble.Recommendation);
    }

    public override void Finish(Closure closure)
    {
        if (database is null)
            return;
        // a link to a directory (/lib in a merged /usr) is a directory to many packages, and the one that made it need not be among them
        List<string> fresh = closure.Files.Values.Where(
            f => !owners.ContainsKey(f.Path) && !(f.Kind == DependencyKind.Link && closure.Tree.Resolve(f.Path).Kind == FileKind.Directory))
            .Select(f => f.Path).ToList();
        IReadOnlyDictionary<string, InstalledPackage> found = database.Owners(fresh);
        database.Prepare([.. found.Values.Distinct()]);
        foreach (string? path in fresh)
        {
            InstalledPackage? owner = owners[path] = found.GetValueOrDefault(path);
            if (owner is null)
                continue;
            closure.Files[path].Package = owner.Name;
            if (closure.Files[path].Kind == DependencyKind.Directory || !packages.TryAdd($"{owner.Name}:{owner.Architecture}", owner))
                continue;
            Check(owner, closure);
            foreach (string licence in database.Licences(owner))
                closure.Add(licence, new Reason(Name, path, $"licence of the package {owner.Name}"));
        }
    }
}
