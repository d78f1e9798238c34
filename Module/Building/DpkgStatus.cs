namespace Slipway.Building;

/// <summary>The installed packages of <c>/var/lib/dpkg/status</c> (dpkg(1), deb822(5)).</summary>
static class DpkgStatus
{
    /// <summary>In bytes; a distribution with everything installed has a tenth.</summary>
    const long Largest = 512 << 20;

    /// <summary>None where the root has no such file.</summary>
    public static IReadOnlyList<ImagePackage> Read(RootDirectory root)
    {
        const string path = "var/lib/dpkg/status";
        using Stream? status = root.Open(path);
        return status is null ? [] : Parse(new StreamReader(new Linux.BoundedStream(status, Largest, () => Slipway.Readers.SquashFs.ImageFile.TooLarge(root.Path, path, Largest))));
    }

    internal static IReadOnlyList<ImagePackage> Parse(TextReader status)
    {
        List<ImagePackage> packages = [];
        Dictionary<string, string> fields = [];
        void End()
        {
            if (fields.TryGetValue("Package", out string? package) && fields.GetValueOrDefault("Status", "").EndsWith(" installed", StringComparison.Ordinal))
                packages.Add(new ImagePackage(package, fields.GetValueOrDefault("Version", ""), fields.GetValueOrDefault("Architecture", "")));
            fields.Clear();
        }
        while (status.ReadLine() is { } line)
        {
            if (line.Length == 0)
                End();
            // a line that goes on with a field begins with a blank
            else if (line.Split(": ", 2) is [("Package" or "Status" or "Version" or "Architecture") and var name, var value])
                fields.TryAdd(name, value);
        }
        End();
        return [.. packages.OrderBy(p => p.Name, StringComparer.Ordinal).ThenBy(p => p.Architecture, StringComparer.Ordinal)];
    }
}
