using System.Text.RegularExpressions;
using Slipway.Readers.Yaml;

namespace Slipway.Definitions;

/// <summary><c>from: rpm</c>.</summary>
static partial class RpmSourceReader
{
    public static SourceReader Reader { get; } = new("rpm", ["release", "repositories", "packages"], Read);

    static RpmSource Read(YamlMap map, Located from, string directory)
    {
        Located? release = map.Text("release");
        if (release is not null && !ReleaseName().IsMatch(release.Value))
            throw DefinitionErrors.NotARelease(map, release);
        IReadOnlyList<Located> packages = map.Texts("packages");
        if (packages.Count == 0)
            throw DefinitionErrors.NoPackages(map);
        if (packages.FirstOrDefault(p => !PackageName().IsMatch(p.Value)) is { } bad)
            throw DefinitionErrors.NotAnRpmPackage(bad);
        return new RpmSource { From = from, Release = release,
            Repositories = PackageRepositoryReader.ReadAll(map, directory, PackageRepositoryReader.RpmKeys), Packages = packages };
    }

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]*$")] private static partial Regex ReleaseName();

    // what dnf takes as <package-spec> (dnf(8), "Specifying Packages"): no option, no path, no URL
    [GeneratedRegex(@"^(@\^?[A-Za-z0-9]|[A-Za-z0-9_])[A-Za-z0-9._+:~^()*?=<>/ -]*$")] private static partial Regex PackageName();
}
