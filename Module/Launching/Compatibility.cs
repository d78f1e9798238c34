using System.Globalization;
using Slipway.Readers.Yaml;

namespace Slipway.Launching;

/// <summary>One row of <c>compatibility.yaml</c>; what is null or empty fits everything.</summary>
sealed record CompatibilityRow(string? Family, string? Flavour, VersionRange? Versions, string? Speaks, string? Launcher, VersionRange? LauncherVersions, string? Gives,
    MpiFit Fit, string Reason, string? Advice);

/// <summary>Which MPI goes with which launcher: the table, and what reads it.</summary>
static class Compatibility
{
    const string Resource = "compatibility.yaml";

    static readonly Lazy<(IReadOnlyList<CompatibilityRow> Pairs, IReadOnlyList<VariableRow> Variables)> Table = new(() =>
    {
        using StreamReader reader = new(typeof(Compatibility).Assembly.GetManifestResourceStream(Resource)!);
        return Parse(reader.ReadToEnd(), Resource);
    });

    sealed record VariableRow(string? Launcher, VersionRange? LauncherVersions, string? Gives, string? Family, VersionRange? Versions, string? Lacks, IReadOnlyDictionary<string, string> Set, string For, string Reason);

    /// <param name="mpi">The image's; null where it has none that was recognised.</param>
    /// <param name="version">The launcher's.</param>
    public static MpiVerdict Judge(ImageMpi? mpi, Launcher launcher, string? version)
    {
        string family = mpi is null ? "none" : mpi.Family ?? "unknown";
        string name = mpi?.ToString() ?? "no MPI", title = version is null ? launcher.Title : $"{launcher.Title}, version {version}";
        CompatibilityRow row = Table.Value.Pairs.First(r =>
            (r.Family is null || r.Family == family)
            && (r.Flavour is null || r.Flavour == mpi?.Flavour)
            && (r.Versions is null || r.Versions.Has(mpi?.Version))
            && (r.Speaks is null || (mpi?.Speaks.Contains(r.Speaks) ?? false))
            && (r.Launcher is null || launcher.Answers(r.Launcher))
            && (r.LauncherVersions is null || r.LauncherVersions.Has(version))
            && (r.Gives is null || (r.Gives == "none" ? launcher.Gives.Count == 0 : launcher.Gives.Contains(r.Gives))));
        string Fill(string text) => text.Replace("{mpi}", name, StringComparison.Ordinal).Replace("{launcher}", title, StringComparison.Ordinal);
        return new MpiVerdict(row.Fit, name, title, Fill(row.Reason), row.Advice is null ? null : Fill(row.Advice));
    }

    static (IReadOnlyList<CompatibilityRow>, IReadOnlyList<VariableRow>) Parse(string text, string file)
    {
        YamlMap top = YamlMap.Parse(text, file, YamlForm.Compatibility, "the table", "pairs", "variables");
        return ([.. top.Maps("pairs", "family", "flavour", "versions", "speaks", "launcher", "launcher-versions", "gives", "verdict", "reason", "advice").Select(map => new CompatibilityRow(
            map.Text("family")?.Value, map.Text("flavour")?.Value, Range(map, "versions"), map.Text("speaks")?.Value, map.Text("launcher")?.Value, Range(map, "launcher-versions"), map.Text("gives")?.Value,
            Enum.Parse<MpiFit>(map.Required("verdict").Value, ignoreCase: true), map.Required("reason").Value, map.Text("advice")?.Value))],
            [.. top.Maps("variables", "launcher", "launcher-versions", "gives", "family", "versions", "lacks", "set", "for", "reason").Select(map => new VariableRow(
                map.Text("launcher")?.Value, Range(map, "launcher-versions"), map.Text("gives")?.Value, map.Text("family")?.Value, Range(map, "versions"), map.Text("lacks")?.Value, map.Pairs("set", n => n.Length > 0, ""), map.Text("for")?.Value ?? "ranks", map.Required("reason").Value))]);
    }

    /// <summary>What the ranks or the launcher (<see cref="PlannedVariable.For"/>) are given beside, each with the reason.</summary>
    /// <param name="version">The launcher's.</param>
    public static IEnumerable<(string Name, string Value, string For, string Reason)> Variables(Launcher launcher, string? version, ImageMpiFacts image) =>
        from row in Table.Value.Variables
        where (row.Launcher is null || launcher.Answers(row.Launcher)) && (row.LauncherVersions is null || row.LauncherVersions.Has(version))
            && (row.Gives is null || launcher.Gives.Contains(row.Gives))
            && (row.Family is null || (image.Candidates.Count > 0 && image.Candidates.All(m => m.Family == row.Family && (row.Versions is null || row.Versions.Has(m.Version)))))
            && (row.Lacks is null || (image.Candidates.Count > 0 && image.Facts is { } facts && !facts.Sonames.Contains(row.Lacks)))
        from pair in row.Set
        select (pair.Key, pair.Value, row.For, row.Reason);

    static VersionRange? Range(YamlMap map, string key) => map.Text(key) is { } text ? VersionRange.Parse(text.Value) : null;
}

/// <summary>E.g. <c>&gt;=2 &lt;3</c>: all of the comparisons hold.</summary>
sealed record VersionRange(IReadOnlyList<(string Sign, Version Bound)> Bounds)
{
    public static VersionRange Parse(string text) => new([.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(part =>
    {
        string sign = part.StartsWith(">=", StringComparison.Ordinal) ? ">=" : part.StartsWith('<') ? "<" : throw new FormatException($"'{part}' is neither >=VERSION nor <VERSION");
        return (sign, Number(part[sign.Length..]) ?? throw new FormatException($"'{part}' has no version"));
    })]);

    /// <summary>False for a version that is not known.</summary>
    public bool Has(string? version) => version is not null && Number(version) is { } number && Bounds.All(b => b.Sign == "<" ? number < b.Bound : number >= b.Bound);

    /// <summary>The leading numbers: <c>5.0.7rc1</c> is 5.0.7.</summary>
    public static Version? Number(string text)
    {
        List<int> numbers = [];
        foreach (string part in text.Split('.'))
        {
            string digits = string.Concat(part.TakeWhile(char.IsAsciiDigit));
            if (digits.Length == 0 || numbers.Count == 4 || !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
                break;
            numbers.Add(number);
            if (digits.Length < part.Length)
                break;
        }
        return numbers.Count == 0 ? null : new Version(numbers[0], numbers.ElementAtOrDefault(1), numbers.ElementAtOrDefault(2), numbers.ElementAtOrDefault(3));
    }
}
