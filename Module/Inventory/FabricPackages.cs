using Slipway.Readers;

namespace Slipway.Inventory;

/// <summary>Which packages of an image's own distribution bring the user-space part of a fabric.</summary>
public static class FabricPackages
{
    /// <summary>What <c>fabric: auto</c> stands for: the verbs stack with all its providers.</summary>
    public const string Auto = "auto";

    internal const string Verbs = "verbs";

    /// <summary>Names that a definition may give: providers (<c>mlx5</c>, <c>psm2</c>…).</summary>
    public static IReadOnlyList<string> Names { get; } = ProviderTable.Default.Providers.Select(p => p.Provider).OfType<string>().Distinct()
        .Order(StringComparer.Ordinal).ToList();

    /// <summary>Whether a definition's <c>fabric</c> may name it.</summary>
    public static bool IsKnown(string name) => name == Auto || Names.Contains(name);

    /// <summary>Sonames of the libraries that load providers, for an image that is made of this host's own files.</summary>
    /// <param name="names">Of <see cref="Names"/>, or <see cref="Auto"/>.</param>
    public static IReadOnlyList<string> Libraries(IEnumerable<string> names)
    {
        ProviderTable table = ProviderTable.Default;
        List<string> sonames = new List<string>();
        foreach (string name in names)
        {
            ProviderRow? row = table.Providers.FirstOrDefault(p => p.Provider == name);
            if (row is null or { Carrier: "libibverbs" })
                sonames.AddRange(table.VerbsLibraries);
            if (row is { Carrier: "libfabric" } or { ThroughLibfabric: not null })
                sonames.AddRange(table.LibfabricLibraries);
            if (row?.Library is { } library)
                sonames.Add(library);
        }
        return sonames.Distinct().ToList();
    }

    /// <summary>For a definition's <c>fabric</c>.</summary>
    /// <param name="names">With where they stand, for errors.</param>
    /// <inheritdoc cref="For(string, string?, IEnumerable{string}, IEnumerable{string}?)"/>
    /// <exception cref="SlipwayException">The distribution has no package for a name that is known.</exception>
    public static IReadOnlyList<string> For(
        string family, string? release, IEnumerable<Located> names, IEnumerable<string>? repositories = null)
    {
        List<string>? urls = repositories?.ToList();
        List<string> packages = new List<string>();
        foreach (Located name in names)
        {
            IReadOnlyList<string> found = For(family, release, [name.Value], urls);
            if (found.Count == 0)
                throw InventoryErrors.NoPackage(name, family, release);
            packages.AddRange(found);
        }
        return packages.Distinct().ToList();
    }

    /// <param name="family"><c>debian</c>, <c>rhel</c> or <c>suse</c>.</param>
    /// <param name="release">The distribution's release, e.g. <c>9</c> or <c>15.5</c>; null where it is not known.</param>
    /// <param name="names">Of <see cref="Names"/>, or <see cref="Auto"/>.</param>
    /// <param name="repositories">URLs of the repositories that packages may come from: a vendor's own may have other names.</param>
    /// <returns>Package names, each once; empty where the table knows none for one of the names.</returns>
    public static IReadOnlyList<string> For(
        string family, string? release, IEnumerable<string> names, IEnumerable<string>? repositories = null)
    {
        ProviderTable table = ProviderTable.Default;
        List<string> urls = repositories?.ToList() ?? [];
        string? vendor = table.Vendors.FirstOrDefault(
            v => v.Urls.Any(pattern => urls.Exists(u => PathPattern.MatchesName(pattern, u))))?.Name;
        List<PackageRow?> sets = names.Select(
            n => n == Auto ? (Verbs, null) : (table.Providers.FirstOrDefault(p => p.Provider == n)?.PackageSet ?? n, n))
            .Select(s => Find(table, s.Item1, s.Item2, family, release, vendor)).ToList();
        return sets.Contains(null) ? [] : sets.SelectMany(s => s!.Names).Distinct().ToList();
    }

    /// <summary>For the provider of a device, in an image that exists; empty where its distribution is not known to have it.</summary>
    internal static IReadOnlyList<string> For(ProviderRow row, ImageDistribution? distribution)
    {
        ProviderTable table = ProviderTable.Default;
        if (row.Provider is null || distribution is null || Family(table, distribution.Id) is not { } family)
            return [];
        return RdmaCore(table, distribution, family) < row.Since ? [] : For(family, distribution.VersionId, [row.Provider]);
    }

    /// <summary>Why <see cref="For(ProviderRow, ImageDistribution)"/> knows none.</summary>
    internal static string WhyNone(ProviderRow row, ImageDistribution? distribution)
    {
        ProviderTable table = ProviderTable.Default;
        if (distribution is null)
            return "the image has no os-release, so its distribution is not known";
        string name = distribution.PrettyName ?? distribution.Id;
        return Family(table, distribution.Id) is { } family && RdmaCore(table, distribution, family) is { } has && has < row.Since
            ? $"{name} has rdma-core {has}, and {row.Provider} came with {row.Since}"
            : $"no package of {name} is known to have it";
    }

    /// <summary>
    /// The family of distributions that RPM repositories are of: <c>rhel</c>, whose names most have, or another that they look like.
    /// </summary>
    /// <param name="names">Names and URLs of the repositories, and of the packages that are asked for: of a mirror with a name of its own
    /// they alone tell.</param>
    internal static string RpmFamily(IEnumerable<string> names)
    {
        List<string> lower = [.. names.Select(n => n.ToLowerInvariant())];
        return ProviderTable.Default.Repositories.FirstOrDefault(
            f => f.Value.Any(pattern => lower.Exists(n => PathPattern.MatchesName(pattern, n)))).Key ?? "rhel";
    }

    internal static bool IsDebian(string id) => Family(ProviderTable.Default, id) == "debian";

    static string? Family(ProviderTable table, string id) => table.Families.FirstOrDefault(f => f.Value.Contains(id)).Key;

    static int? RdmaCore(ProviderTable table, ImageDistribution distribution, string family) => table.Releases.FirstOrDefault(r =>
        (r.Id == distribution.Id || r.Family == family)
        && (r.Release == distribution.VersionId || r.Release == distribution.VersionId?.Split('.')[0]))?.RdmaCore;

    static PackageRow? Find(ProviderTable table, string set, string? provider, string family, string? release, string? vendor)
    {
        int? major = int.TryParse(release?.Split('.')[0], out int number) ? number : (int?)null;
        // the more special row first
        return table.Packages.Where(p => p.Set == set && p.Family == family && (p.Provider is null || p.Provider == provider)
            && (p.Vendor is null || p.Vendor == vendor)
                && (major is null || ((p.From ?? major) <= major && major <= (p.To ?? major))))
            .OrderBy(p => p.Vendor is null).ThenBy(p => p.Provider is null).FirstOrDefault();
    }
}
