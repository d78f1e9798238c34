using Slipway.Linux;

namespace Slipway.Building.Repositories;

/// <summary>
/// The repositories of an RPM distribution as its own dnf knows them: <c>*.repo</c> in dnf's directories (dnf.conf(5), "reposdir").
/// </summary>
sealed class HostRepositories(string root = "/")
{
    static readonly string[] Directories = ["etc/yum.repos.d", "etc/distro.repos.d", "usr/share/dnf5/repos.d"];

    /// <summary>Sections with their options, in the order of their files.</summary>
    IEnumerable<(string Id, Dictionary<string, string> Options)> Sections()
    {
        foreach (string directory in Directories.Select(d => Path.Combine(root, d)).Where(Directory.Exists))
            foreach (string file in Directory.EnumerateFiles(directory, "*.repo").Order(StringComparer.Ordinal))
            {
                string id = "";
                Dictionary<string, string> options = [];
                foreach (string line in OpenedFile.TextNamed(file).Split('\n'))
                {
                    if (line.StartsWith('[') && line.TrimEnd().EndsWith(']'))
                    {
                        if (id.Length > 0)
                            yield return (id, options);
                        id = line.Trim()[1..^1];
                        options = [];
                    }
                    else if (!line.StartsWith('#') && line.IndexOf('=', StringComparison.Ordinal) is > 0 and var at)
                    {
                        options[line[..at].Trim()] = line[(at + 1)..].Trim();
                    }
                }
                if (id.Length > 0)
                    yield return (id, options);
            }
    }

    /// <summary>The host's repository that a definition names without a URL.</summary>
    public PackageRepository Find(PackageRepository named)
    {
        foreach ((string id, Dictionary<string, string> options) in Sections())
            if (id == named.Name.Value)
                return Of(named, options);
        throw RepositoryErrors.NotOnHost(named.Name, known: [.. Sections().Select(s => s.Id)]);
    }

    /// <summary>All that the host has enabled, for a definition that names none.</summary>
    public IReadOnlyList<PackageRepository> Enabled(RpmSource source)
    {
        PackageRepository[] all = [.. Sections().Where(s => s.Options.GetValueOrDefault("enabled", "1") is "1" or "true" or "yes" or "True")
            .Select(s => Of(new PackageRepository { Name = source.From with { Value = s.Id } }, s.Options))];
        return all.Length > 0 ? all : throw RepositoryErrors.NoneOnHost(source.From);
    }

    static PackageRepository Of(PackageRepository named, Dictionary<string, string> options)
    {
        string[] keyFiles = [.. options.GetValueOrDefault("gpgkey", "").Split((char[])[' ', ','], StringSplitOptions.RemoveEmptyEntries)
            .Where(k => k.StartsWith("file://", StringComparison.Ordinal)).Select(k => k[7..]).Where(File.Exists)];
        RepositoryKey? key = named.Key
            ?? (keyFiles.Length > 0 ? new RepositoryKey(null, string.Join('\n', keyFiles.Select(file => OpenedFile.TextNamed(file))), null,
                named.Name.Where) : null);
        if (key is null && !named.Trusted)
            throw RepositoryErrors.WithoutKey(named.Name);
        return new PackageRepository
        {
            Name = named.Name,
            Urls = options.GetValueOrDefault("baseurl")?.Split((char[])[' ', ','], StringSplitOptions.RemoveEmptyEntries) ?? [],
            MirrorList = options.ContainsKey("baseurl") ? null : options.GetValueOrDefault("mirrorlist"),
            Metalink = options.ContainsKey("baseurl") || options.ContainsKey("mirrorlist") ? null : options.GetValueOrDefault("metalink"),
            Key = key,
            Trusted = named.Trusted,
            CheckMetadata = options.GetValueOrDefault("repo_gpgcheck") is "1" or "true" or "yes" or "True",
            Priority = named.Priority ?? (int.TryParse(options.GetValueOrDefault("priority"), out int priority) ? priority : null),
            Proxy = named.Proxy ?? options.GetValueOrDefault("proxy"),
            Include = named.Include,
            Exclude = named.Exclude,
            Architectures = named.Architectures,
        };
    }
}
