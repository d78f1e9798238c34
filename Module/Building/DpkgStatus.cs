namespace Slipway.Building;

/// <summary>The installed packages of <c>/var/lib/dpkg/status</c> (dpkg(1), deb822(5)).</summary>
internal static class DpkgStatus
{
    public static IReadOnlyList<ImagePackage> Parse(string status)
    {
        List<ImagePackage> packages = [];
        foreach (string paragraph in status.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            string? Field(string name) => paragraph.Split('\n').FirstOrDefault(line => line.StartsWith(name + ": ", StringComparison.Ordinal))?[(name.Length + 2)..];
            if (Field("Package") is { } package && Field("Status")?.EndsWith(" installed", StringComparison.Ordinal) == true)
                packages.Add(new ImagePackage(package, Field("Version") ?? "", Field("Architecture") ?? ""));
        }
        return [.. packages.OrderBy(p => p.Name, StringComparer.Ordinal).ThenBy(p => p.Architecture, StringComparer.Ordinal)];
    }
}
