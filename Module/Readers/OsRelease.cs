namespace Slipway.Readers;

/// <summary>os-release(5).</summary>
static class OsRelease
{
    public static ImageDistribution? Parse(string text)
    {
        Dictionary<string, string> fields = [];
        foreach (string line in text.Split('\n'))
            if (line.IndexOf('=', StringComparison.Ordinal) is > 0 and var at && !line.StartsWith('#'))
                fields[line[..at]] = line[(at + 1)..].Trim().Trim('"', '\'');
        return fields.TryGetValue("ID", out string? id) ? new ImageDistribution(id, fields.GetValueOrDefault("VERSION_ID"), fields.GetValueOrDefault("PRETTY_NAME")) : null;
    }
}
