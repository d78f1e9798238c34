namespace Slipway.Readers;

/// <summary>os-release(5): which distribution a root is of.</summary>
static class OsRelease
{
    /// <summary>Where it lies: the first that there is counts, whoever asks.</summary>
    public static IReadOnlyList<string> Places { get; } = ["/etc/os-release", "/usr/lib/os-release"];

    /// <param name="textOf">The text of one of <see cref="Places"/>; null where the root has no such file, or it is a link that is not
    /// followed.</param>
    /// <returns>Null where there is none, or it does not name the distribution.</returns>
    public static ImageDistribution? Find(Func<string, string?> textOf) =>
        Places.Select(textOf).FirstOrDefault(text => !string.IsNullOrWhiteSpace(text)) is { } text ? Parse(text) : null;

    static ImageDistribution? Parse(string text)
    {
        Dictionary<string, string> fields = [];
        foreach (string line in text.Split('\n'))
            if (line.IndexOf('=', StringComparison.Ordinal) is > 0 and int at && !line.StartsWith('#'))
                fields[line[..at]] = line[(at + 1)..].Trim().Trim('"', '\'');
        return fields.TryGetValue("ID", out string? id)
            ? new ImageDistribution(id, fields.GetValueOrDefault("VERSION_ID"), fields.GetValueOrDefault("PRETTY_NAME")) : null;
    }
}
