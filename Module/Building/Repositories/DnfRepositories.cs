using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Slipway.Building.Repositories;

/// <summary>
/// The repositories of an rpm source as dnf is told of them (dnf.conf(5)): a private <c>reposdir</c>, with signatures checked.
/// </summary>
sealed class DnfRepositories
{
    readonly Dictionary<string, RepositoryKeys.Usable?> keys = [];
    readonly BuildContext context;

    /// <summary>Checks the keys.</summary>
    public DnfRepositories(RpmSource source, BuildContext context, CancellationToken cancel)
    {
        this.context = context;
        Release = source.Release?.Value ?? "";
        HostRepositories host = new();
        All = source.Repositories.Count == 0 ? host.Enabled(source) : [.. source.Repositories.Select(r => r.IsOwn ? host.Find(r) : r)];
        RepositoryKeys reader = new(context);
        foreach (PackageRepository repository in All)
            keys[repository.Name.Value] = reader.Prepare(repository, cancel);
    }

    public IReadOnlyList<PackageRepository> All { get; }

    public string Release { get; }

    public static string Architecture => RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64
        ? "aarch64" : "x86_64";

    public RepositoryKeys.Usable? KeyOf(PackageRepository repository) => keys.GetValueOrDefault(repository.Name.Value);

    /// <summary>The variables of dnf that URLs have, here too, so that the lock has plain URLs.</summary>
    public string Plain(string url, PackageRepository repository)
    {
        string architecture = repository.Architectures.Count > 0 ? repository.Architectures[0] : Architecture;
        foreach ((string name, string value) in new[] { ("releasever", Release), ("basearch", architecture), ("arch", architecture) })
            url = url.Replace("${" + name + "}", value, StringComparison.Ordinal).Replace("$" + name, value, StringComparison.Ordinal);
        return url;
    }

    public IReadOnlyList<string> UrlsOf(PackageRepository repository) => [.. repository.Urls.Select(url => Plain(url, repository))];

    /// <summary>The [main] section that every call of dnf has: nothing of the host's configuration is read.</summary>
    public static string Main(string directory) => $"""
        [main]
        reposdir={directory}/none
        varsdir={directory}/none
        pluginpath={directory}/none
        pluginconfpath={directory}/none
        plugins=0
        logdir={directory}/log
        persistdir={directory}/persist
        install_weak_deps=0
        best=1
        gpgcheck=1
        repo_gpgcheck=1
        retries=3
        timeout=30
        minrate=1000
        zchunk=0

        """;

    /// <summary>One section for each repository. <paramref name="inImage"/>: as the image's own dnf is told of them.</summary>
    public string Sections(bool inImage)
    {
        StringBuilder text = new();
        foreach (PackageRepository repository in All)
        {
            string name = repository.Name.Value;
            string On(bool flag) => flag ? "1" : "0";
            text.Append(CultureInfo.InvariantCulture, $"[{name}]\nname={name}\nenabled=1\nskip_if_unavailable=0\n");
            if (repository.Metalink is { } metalink)
                text.Append(CultureInfo.InvariantCulture, $"metalink={Plain(metalink, repository)}\n");
            else if (repository.MirrorList is { } list)
                text.Append(CultureInfo.InvariantCulture, $"mirrorlist={Plain(list, repository)}\n");
            else
                text.Append(CultureInfo.InvariantCulture, $"baseurl={string.Join("\n        ", UrlsOf(repository))}\n");
            RepositoryKeys.Usable? key = KeyOf(repository);
            text.Append(CultureInfo.InvariantCulture,
                $"gpgcheck={On(key is not null)}\nrepo_gpgcheck={On(key is not null && repository.CheckMetadata)}\n");
            if (key is not null)
                text.Append(CultureInfo.InvariantCulture, $"gpgkey=file://{(inImage ? ImageKey(repository) : key.File)}\n");
            if (repository.Priority is { } priority)
                text.Append(CultureInfo.InvariantCulture, $"priority={priority}\n");
            if (repository.Proxy is { } proxy && !inImage)
                text.Append(CultureInfo.InvariantCulture, $"proxy={proxy}\n");
            if (repository.Include.Count > 0)
                text.Append(CultureInfo.InvariantCulture, $"includepkgs={string.Join(' ', repository.Include)}\n");
            if (repository.Exclude.Count > 0)
                text.Append(CultureInfo.InvariantCulture, $"excludepkgs={string.Join(' ', repository.Exclude)}\n");
            // what the repository has now, not what it had within the last two days
            text.Append(inImage ? "\n" : "metadata_expire=1\n\n");
        }
        return text.ToString();
    }

    public static string ImageKey(PackageRepository repository) => $"/etc/pki/rpm-gpg/slipway-{repository.Name.Value}.asc";

    /// <summary>
    /// Checks each package against the keys of its own repository: dnf would take the key of any. What has no signature is refused, apart
    /// from what comes from a repository that is trusted.
    /// </summary>
    public void CheckSignatures(IReadOnlyList<PackageCache.Held> packages, CancellationToken cancel)
    {
        foreach (PackageRepository repository in All)
        {
            List<PackageCache.Held> own = [.. packages.Where(p => p.Package.Repository == repository.Name.Value)];
            if (KeyOf(repository) is not { } key || own.Count == 0)
                continue;
            string database = context.Directory("rpmkeys", repository.Name.Value);
            string[] options = ["--define", $"_dbpath {database}", "--define", "_pkgverify_level all", "--define", "_keyringpath "
                + database];
            (int imported, IReadOnlyList<string> why) = context.Run("rpmkeys", [.. options, "--import", key.File], cancel: cancel);
            if (imported != 0)
                throw RepositoryErrors.KeyRefused(repository.Key!, repository.Name.Value, why.LastOrDefault());
            foreach (PackageCache.Held[] some in own.Chunk(200))
            {
                (int exit, IReadOnlyList<string> said) =
                    context.Run("rpmkeys", [.. options, "--checksig", .. some.Select(p => p.File)], cancel: cancel);
                if (exit == 0)
                    continue;
                string bad = said.FirstOrDefault(line => line.EndsWith("NOT OK", StringComparison.Ordinal)) ?? said.LastOrDefault() ?? "";
                LockedPackage package = (some.FirstOrDefault(p => bad.StartsWith(p.File + ":", StringComparison.Ordinal)) ?? some[0])
                    .Package;
                string what = bad.Contains("SIGNATURES", StringComparison.Ordinal)
                    ? $"is not signed by the repository's key {string.Join(" or ", key.Fingerprints)}"
                    : $"has been changed since it was signed ({bad[(bad.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()})";
                throw RepositoryErrors.PackageNotTrusted(repository.Name, package, what);
            }
        }
    }
}
