using System.Text.RegularExpressions;
using Slipway.Readers.Yaml;

namespace Slipway.Definitions;

/// <summary>An item of <c>repositories</c>.</summary>
static partial class PackageRepositoryReader
{
    static readonly string[] Common =
        ["name", "url", "mirrorlist", "key", "fingerprint", "trusted", "priority", "proxy", "include", "exclude", "architecture",
            "enabled"];

    /// <summary>What a repository of one family has beside the common keys.</summary>
    public static readonly string[] DebKeys = ["suite", "components", "check-valid-until"], RpmKeys = ["metalink", "repo-gpgcheck"];

    /// <summary>The enabled repositories of a source.</summary>
    public static IReadOnlyList<PackageRepository> ReadAll(YamlMap map, string directory, IReadOnlyList<string> familyKeys)
    {
        List<(PackageRepository Repository, bool Enabled)> all =
            [.. map.Maps("repositories", [.. Common, .. familyKeys])
                .Select(r => (Read(r, directory, familyKeys == DebKeys), r.Flag("enabled") ?? true))];
        if (all.GroupBy(r => r.Repository.Name.Value).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw DefinitionErrors.RepositoryTwice(twice.Last().Repository);
        return [.. all.Where(r => r.Enabled).Select(r => r.Repository)];
    }

    static PackageRepository Read(YamlMap map, string directory, bool deb)
    {
        Located name = map.Required("name");
        if (!RepositoryName().IsMatch(name.Value))
            throw DefinitionErrors.BadRepositoryName(map, name);
        string[] schemes = deb ? ["http", "https", "file", "copy"] : ["http", "https", "ftp", "file"];
        IReadOnlyList<string> urls = [.. map.Texts("url", orSingle: true).Select(u => Url(map, "url", u, schemes))];
        string? List(string key) => map.Text(key) is { } list ? Url(map, key, list, ["http", "https", "ftp", "file"]) : null;
        string? mirrors = List("mirrorlist"), metalink = deb ? null : List("metalink");
        if (new[] { urls.Count > 0, mirrors is not null, metalink is not null }.Count(set => set) > 1)
            throw DefinitionErrors.SeveralPlaces(map, name);
        RepositoryKey? key = Key(map, directory);
        bool trusted = map.Flag("trusted") ?? false, own = urls.Count == 0 && mirrors is null && metalink is null;
        if (!own && key is null && !trusted)
            throw DefinitionErrors.WithoutKey(map, name);

        IReadOnlyList<Located> components = deb ? map.Texts("components", orSingle: true) : [];
        string? suite = deb ? map.Text("suite")?.Value : null;
        if ((suite is not null && !DebSourceReader.SuiteName().IsMatch(suite))
            || components.Any(c => !DebSourceReader.SuiteName().IsMatch(c.Value)))
            throw DefinitionErrors.BadSuiteOrComponent(map, name);
        return new PackageRepository
        {
            Name = name,
            Urls = urls,
            MirrorList = mirrors,
            Metalink = metalink,
            Suite = suite,
            Components = components.Count == 0 ? ["main"] : [.. components.Select(c => c.Value)],
            Key = key,
            Trusted = trusted,
            Priority = map.Number("priority"),
            Proxy = map.Text("proxy") is { } proxy ? Url(map, "proxy", proxy, ["http", "https", "socks5h"]) : null,
            Include = Patterns(map, "include"),
            Exclude = Patterns(map, "exclude"),
            Architectures = [.. map.Texts("architecture", orSingle: true).Select(a => Architecture().IsMatch(a.Value) ? a.Value
                : throw DefinitionErrors.NotAnArchitecture(map, a, deb))],
            CheckMetadata = deb || (map.Flag("repo-gpgcheck") ?? true),
            CheckValidUntil = !deb || (map.Flag("check-valid-until") ?? true),
        };
    }

    // what stands in a definition stands in the image: no password belongs here
    static string Url(YamlMap map, string key, Located url, string[] schemes) =>
        url.Value.Contains('@', StringComparison.Ordinal) && Uri.TryCreate(url.Value, UriKind.Absolute, out Uri? named)
        && named.UserInfo.Length > 0
            ? throw DefinitionErrors.PasswordInUrl(map, key)
            : Uri.TryCreate(url.Value, UriKind.Absolute, out Uri? uri) && schemes.Contains(uri.Scheme)
            && url.Value.StartsWith(uri.Scheme + ":", StringComparison.Ordinal)
            && !url.Value.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c is '"' or '\\')
            ? url.Value
            : throw DefinitionErrors.NotAUrl(map, key, url, schemes);

    static IReadOnlyList<string> Patterns(YamlMap map, string key) =>
        [.. map.Texts(key, orSingle: true).Select(p => PackagePattern().IsMatch(p.Value) ? p.Value
        : throw DefinitionErrors.NotAPackagePattern(map, key, p))];

    /// <summary>A path, the armoured key itself, or a fingerprint.</summary>
    static RepositoryKey? Key(YamlMap map, string directory)
    {
        string? fingerprint = map.Text("fingerprint") is { } given ? Fingerprint(given.Value)
            ?? throw DefinitionErrors.NotAFingerprint(map, given) : null;
        if (map.Text("key") is not { } key)
            return fingerprint is null ? null : new RepositoryKey(null, null, fingerprint, map.WhereIs("fingerprint"));
        if (key.Value.TrimStart().StartsWith("-----BEGIN PGP PUBLIC KEY BLOCK-----", StringComparison.Ordinal))
            return new RepositoryKey(null, key.Value, fingerprint, key.Where);
        if (Fingerprint(key.Value) is { } alone)
            return fingerprint is null || fingerprint == alone ? new RepositoryKey(null, null, alone, key.Where)
                : throw DefinitionErrors.TwoFingerprints(map);
        string file = System.IO.Path.GetFullPath(key.Value, directory);
        if (!File.Exists(file))
            throw DefinitionErrors.KeyNotThere(map, file);
        return new RepositoryKey(file, null, fingerprint, key.Where);
    }

    static string? Fingerprint(string text)
    {
        string digits = text.Replace(" ", "", StringComparison.Ordinal).ToUpperInvariant();
        digits = digits.StartsWith("0X", StringComparison.Ordinal) ? digits[2..] : digits;
        return digits.Length is 40 or 64 && digits.All(char.IsAsciiHexDigit) ? digits : null;
    }

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]*$")] private static partial Regex RepositoryName();

    [GeneratedRegex(@"^[A-Za-z0-9*?][A-Za-z0-9+._*?-]*$")] private static partial Regex PackagePattern();

    [GeneratedRegex(@"^[a-z0-9][a-z0-9_-]*$")] private static partial Regex Architecture();
}
