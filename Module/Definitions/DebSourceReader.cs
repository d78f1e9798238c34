using System.Text.RegularExpressions;
using Slipway.Readers.Yaml;

namespace Slipway.Definitions;

/// <summary><c>from: deb</c>.</summary>
static partial class DebSourceReader
{
    public static SourceReader Reader { get; } = new("deb", ["suite", "repositories", "packages"], Read);

    static DebSource Read(YamlMap map, Located from, string directory)
    {
        Located suite = map.Required("suite");
        if (!SuiteName().IsMatch(suite.Value))
            throw DefinitionErrors.NotASuite(map, suite);
        IReadOnlyList<Located> packages = map.Texts("packages");
        if (packages.FirstOrDefault(p => !PackageName().IsMatch(p.Value)) is { } bad)
            throw DefinitionErrors.NotADebPackage(bad);
        return new DebSource { From = from, Suite = suite,
            Repositories = PackageRepositoryReader.ReadAll(map, directory, PackageRepositoryReader.DebKeys), Packages = packages };
    }

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._/+~-]*$")] internal static partial Regex SuiteName();

    // deb-version(7) and Debian policy 5.6.7, with APT's :arch, =version and /suite
    [GeneratedRegex(@"^[a-z0-9][a-z0-9+.-]*(:[a-z0-9-]+)?(=[A-Za-z0-9.+:~-]+|/[A-Za-z0-9._-]+)?$")]
    private static partial Regex PackageName();
}
