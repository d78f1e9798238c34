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
            throw map.Error("release", "DefinitionBadName", $"'{release.Value}' is not a release", "Write e.g. 'release: \"9\"'.");
        IReadOnlyList<Located> packages = map.Texts("packages");
        if (packages.Count == 0)
            throw map.Error("packages", "DefinitionMissingKey", "'packages' is missing", "Name what the image is to hold, e.g. 'packages: [bash, coreutils]'.");
        if (packages.FirstOrDefault(p => !PackageName().IsMatch(p.Value)) is { } bad)
            throw new SlipwayException("DefinitionBadName", ErrorKind.InvalidData, $"{bad.Where}: '{bad.Value}' is not the name of an RPM package", "Write NAME, NAME-VERSION, NAME-VERSION-RELEASE.ARCH, a capability, or @GROUP.", bad.Value);
        return new RpmSource { From = from, Release = release, Repositories = PackageRepositoryReader.ReadAll(map, directory, PackageRepositoryReader.RpmKeys), Packages = packages };
    }

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]*$")] private static partial Regex ReleaseName();

    // what dnf takes as <package-spec> (dnf(8), "Specifying Packages"): no option, no path, no URL
    [GeneratedRegex(@"^(@\^?[A-Za-z0-9]|[A-Za-z0-9_])[A-Za-z0-9._+:~^()*?=<>/ -]*$")] private static partial Regex PackageName();
}
