using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Slipway.Linux;

namespace Slipway.Building.Repositories;

/// <summary>
/// The repositories of a deb source as APT is told of them: sources.list(5) in deb822 form, apt.conf(5), apt_preferences(5).
/// </summary>
sealed partial class AptRepositories
{
    readonly DebSource source;
    readonly BuildContext context;
    readonly Dictionary<string, RepositoryKeys.Usable?> keys = [];

    /// <summary>Checks the keys, and fetches lists of mirrors.</summary>
    public AptRepositories(DebSource source, BuildContext context, CancellationToken cancel)
    {
        this.source = source;
        this.context = context;
        RepositoryKeys reader = new(context);
        foreach (PackageRepository repository in source.Repositories)
            keys[repository.Name.Value] = reader.Prepare(repository, cancel);
    }

    public RepositoryKeys.Usable? KeyOf(PackageRepository repository) => keys.GetValueOrDefault(repository.Name.Value);

    public string SuiteOf(PackageRepository repository) => repository.Suite ?? source.Suite.Value;

    /// <summary>True where the definition names no repository of the distribution's own.</summary>
    public bool Replaces => source.Repositories.Count > 0 && source.Repositories.All(r => !r.IsOwn);

    /// <summary>
    /// The URI that APT is given. It reads <c>file:</c> in place, where the new root cannot see it later; <c>copy:</c> brings the packages
    /// in.
    /// </summary>
    public string UriOf(PackageRepository repository) => repository.Urls.Count == 1 && repository.MirrorList is null
        ? AptUri(repository.Urls[0])
        : "mirror+file:" + MirrorFile(repository);

    static string AptUri(string url) => url.StartsWith("file:", StringComparison.Ordinal)
        ? "copy:/" + url["file:".Length..].TrimStart('/') : url;

    string MirrorFile(PackageRepository repository) => Path.Combine(context.Directory("mirrors"), repository.Name.Value + ".list");

    /// <summary>Every URL that a repository can be read from.</summary>
    public IReadOnlyList<string> MirrorsOf(PackageRepository repository) =>
        repository.MirrorList is null ? repository.Urls : [.. File.ReadAllLines(MirrorFile(repository)).Where(line => line.Length > 0)];

    /// <summary>The stanzas of the repositories that have a URL.</summary>
    public string Sources(CancellationToken cancel)
    {
        StringBuilder text = new();
        foreach (PackageRepository repository in source.Repositories.Where(r => !r.IsOwn))
        {
            if (repository.MirrorList is { } list)
                MirrorLists.Fetch(list, repository, MirrorFile(repository), context, cancel);
            else if (repository.Urls.Count > 1)
                File.WriteAllLines(MirrorFile(repository), repository.Urls.Select(AptUri));
            string suite = SuiteOf(repository);
            text.Append(CultureInfo.InvariantCulture, $"Types: deb\nURIs: {UriOf(repository)}\nSuites: {suite}\n");
            if (!suite.EndsWith('/'))
                text.Append(CultureInfo.InvariantCulture, $"Components: {string.Join(' ', repository.Components)}\n");
            if (KeyOf(repository) is { } key)
                text.Append(CultureInfo.InvariantCulture, $"Signed-By: {key.File}\n");
            if (repository.Trusted)
                text.Append("Trusted: yes\n");
            if (repository.Architectures.Count > 0)
                text.Append(CultureInfo.InvariantCulture, $"Architectures: {string.Join(' ', repository.Architectures)}\n");
            if (!repository.CheckValidUntil)
                text.Append("Check-Valid-Until: no\n");
            text.Append('\n');
        }
        return text.ToString();
    }

    /// <summary>A proxy is APT's by host, so repositories of one host share theirs.</summary>
    public IEnumerable<string> ProxyOptions() =>
        from repository in source.Repositories
        where repository.Proxy is not null
        from url in repository.Urls
        let uri = new Uri(url)
        where uri.Scheme is "http" or "https"
        select $"Acquire::{uri.Scheme}::Proxy::{uri.Host} \"{repository.Proxy}\"";

    /// <summary>A repository's index that APT has read: <c>apt-get indextargets</c>.</summary>
    public sealed record Index(string Uri, string Release, string Component, string File)
    {
        /// <summary>
        /// The signed file that vouches for the index: <c>InRelease</c>, or <c>Release</c> with its signature apart; null where it has
        /// none.
        /// </summary>
        public string? ReleaseFile
        {
            get
            {
                string prefix = Component.Length > 0
                    && Regex.Match(File, "_" + Regex.Escape(Component.Replace('/', '_')) + "_binary-[^_]*_Packages.*$")
                    is { Success: true } tail
                    ? File[..(tail.Index + 1)] : Packages().Replace(File, "");
                return new[] { prefix + "InRelease", prefix + "Release" }.FirstOrDefault(System.IO.File.Exists);
            }
        }
    }

    [GeneratedRegex("Packages[^_/]*$")] private static partial Regex Packages();

    public PackageRepository? RepositoryOf(Index index) =>
        source.Repositories.FirstOrDefault(
            r => !r.IsOwn && Same(UriOf(r), index.Uri)
            && (index.Component.Length == 0 ? index.Release == SuiteOf(r)[..^1].TrimEnd('/') || SuiteOf(r).EndsWith('/')
                : index.Release == SuiteOf(r) && r.Components.Contains(index.Component)))
        ?? source.Repositories.FirstOrDefault(r => r.IsOwn && (r.Components.Contains(index.Component) || index.Component.Length == 0));

    static bool Same(string a, string b) => Normal(a) == Normal(b);

    static string Normal(string uri) => uri.TrimEnd('/').Replace(":///", ":/", StringComparison.Ordinal);

    /// <summary>
    /// Pins by a label that is given to each repository's Release file after APT has checked its signature: origin, label and host, by
    /// which apt_preferences(5) can tell versions apart, are the same for two repositories of one host or of one maker.
    /// </summary>
    public string Relabel(IReadOnlyList<Index> indexes)
    {
        Dictionary<string, string> labels = [];
        StringBuilder pins = new(), general = new();
        foreach (Index index in indexes)
        {
            if (RepositoryOf(index) is not { } repository || index.ReleaseFile is not { } file
                || (repository.Priority is null && repository.Include.Count == 0 && repository.Exclude.Count == 0))
                continue;
            if (!labels.TryGetValue(file, out string? label))
            {
                labels[file] = label = "slipway-" + labels.Count.ToString(CultureInfo.InvariantCulture);
                File.WriteAllText(file, WithLabel(File.ReadAllText(file), label));
            }
            // repositories that are components of one suite share its Release file
            string pin = $"Pin: release l={label}" + (index.Component.Length > 0 ? $",c={index.Component}" : "") + "\n";
            string priority = (repository.Priority ?? 500).ToString(CultureInfo.InvariantCulture);
            if (repository.Exclude.Count > 0)
                pins.Append(CultureInfo.InvariantCulture, $"Package: {string.Join(' ', repository.Exclude)}\n{pin}Pin-Priority: -1\n\n");
            if (repository.Include.Count > 0)
            {
                pins.Append(CultureInfo.InvariantCulture,
                    $"Package: {string.Join(' ', repository.Include)}\n{pin}Pin-Priority: {priority}\n\n");
                general.Append(CultureInfo.InvariantCulture, $"Package: *\n{pin}Pin-Priority: -1\n\n");
            }
            else if (repository.Priority is not null)
            {
                general.Append(CultureInfo.InvariantCulture, $"Package: *\n{pin}Pin-Priority: {priority}\n\n");
            }
        }
        return pins.Append(general).ToString();
    }

    /// <summary>A Release file (deb822) with another label, and without its signature.</summary>
    static string WithLabel(string release, string label)
    {
        IEnumerable<string> lines = release.Split('\n');
        if (release.StartsWith("-----BEGIN PGP SIGNED MESSAGE-----", StringComparison.Ordinal))
            lines = lines.SkipWhile(line => line.Trim().Length > 0).Skip(1)
                .TakeWhile(line => !line.StartsWith("-----BEGIN PGP SIGNATURE-----", StringComparison.Ordinal));
        return $"Label: {label}\n" + string.Join('\n', lines.Where(line => !line.StartsWith("Label:", StringComparison.Ordinal)))
            .TrimEnd('\n') + "\n";
    }

    /// <summary>The state of each repository; before it is relabelled.</summary>
    public IReadOnlyList<LockedRepository> States(IReadOnlyList<Index> indexes)
    {
        List<LockedRepository> states = [];
        foreach (IGrouping<(string Uri, string Release), Index> group in indexes.GroupBy(i => (i.Uri, i.Release)))
        {
            PackageRepository? repository = RepositoryOf(group.First());
            string? file = group.First().ReleaseFile;
            states.Add(new LockedRepository
            {
                Name = repository?.Name.Value ?? Distribution,
                Url = repository is null || repository.IsOwn ? group.Key.Uri : MirrorsOf(repository)[0],
                Suite = repository is null || repository.IsOwn ? group.Key.Release : SuiteOf(repository),
                Components = [.. group.Select(i => i.Component).Where(c => c.Length > 0).Distinct()],
                Digest = Digest.OfFile(file ?? group.First().File),
                Date = file is null ? 0 : DateOf(file),
                Keys = repository is null ? [] : KeyOf(repository)?.Fingerprints ?? [],
            });
        }
        return states;
    }

    /// <summary>The name of what no repository of the definition is.</summary>
    public const string Distribution = "distribution";

    static long DateOf(string release)
    {
        string? date = File.ReadLines(release).Take(100).FirstOrDefault(line => line.StartsWith("Date:", StringComparison.Ordinal));
        return date is not null && DateTimeOffset.TryParse(date["Date:".Length..].Replace("UTC", "GMT", StringComparison.Ordinal),
            CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time)
            ? time.ToUnixTimeSeconds() : 0;
    }
}
