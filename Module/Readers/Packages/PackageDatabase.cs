namespace Slipway.Readers.Packages;

/// <summary>An installed package.</summary>
/// <param name="Version">With its epoch, where that is not 0.</param>
/// <param name="State">What the database says of it, where that is no whole installation; null otherwise.</param>
sealed record InstalledPackage(string Name, string Version, string Architecture, string? State = null);

/// <summary>Why a package counts as not wholly installed.</summary>
/// <param name="What">Behind "the package is not wholly installed: ".</param>
sealed record PackageTrouble(DependencySeverity Severity, string What, string Recommendation);

/// <summary>The packages of a tree, and the files that each brought.</summary>
abstract class PackageDatabase
{
    /// <summary>The one that the tree has; null where it has none that we know.</summary>
    public static PackageDatabase? Open(RootTree tree) => (PackageDatabase?)DpkgDatabase.TryOpen(tree) ?? RpmDatabase.TryOpen(tree);

    /// <summary>All that are installed, as <see cref="Listed"/> has them.</summary>
    public abstract IReadOnlyList<ImagePackage> Installed();

    /// <summary>Packages as a manifest lists them, in one order whatever the database is.</summary>
    public static IReadOnlyList<ImagePackage> Listed(IEnumerable<InstalledPackage> packages) =>
    [
        .. packages.Select(p => new ImagePackage(p.Name, p.Version, p.Architecture)).OrderBy(p => p.Name, StringComparer.Ordinal)
            .ThenBy(p => p.Architecture, StringComparer.Ordinal).ThenBy(p => p.Version, StringComparer.Ordinal),
    ];

    /// <summary>An installed package; null where there is none of that name.</summary>
    public abstract InstalledPackage? Find(string name);

    /// <summary>Files, links and directories of a package: with its licence and its configuration.</summary>
    public abstract IReadOnlyList<string> Files(InstalledPackage package);

    /// <summary>The packages that files are of; a file of several packages is the first one's.</summary>
    /// <param name="paths">With no link in their directories.</param>
    public abstract IReadOnlyDictionary<string, InstalledPackage> Owners(IReadOnlyCollection<string> paths);

    /// <summary>How a package differs from a whole installation; null where it does not.</summary>
    public abstract PackageTrouble? Trouble(InstalledPackage package);

    /// <summary>Reads in one go what <see cref="Licences"/> and <see cref="Trouble"/> of these packages take.</summary>
    public virtual void Prepare(IReadOnlyCollection<InstalledPackage> packages)
    {
    }

    /// <summary>Files with the terms under which a package may be copied.</summary>
    public abstract IReadOnlyList<string> Licences(InstalledPackage package);
}
