using Slipway.Readers.Yaml;

namespace Slipway.Launching;

/// <summary>Which MPI goes with which launcher: the table, and what reads it.</summary>
static class Compatibility
{
    const string Resource = "compatibility.yaml";

    static readonly Lazy<(IReadOnlyList<CompatibilityRow> Pairs, IReadOnlyList<VariableRow> Variables)> Table = new(() =>
    {
        using StreamReader reader = new(typeof(Compatibility).Assembly.GetManifestResourceStream(Resource)!);
        return Parse(reader.ReadToEnd(), Resource);
    });

    sealed record VariableRow(string? Launcher, VersionRange? LauncherVersions, string? Gives, string? Family, VersionRange? Versions,
        string? Lacks, IReadOnlyDictionary<string, string> Set, string For, string Reason);

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
        string Fill(string text) => text.Replace("{mpi}", name, StringComparison.Ordinal)
            .Replace("{launcher}", title, StringComparison.Ordinal);
        return new MpiVerdict(row.Fit, name, title, Fill(row.Reason), row.Advice is null ? null : Fill(row.Advice));
    }

    /// <summary>The best that may be: with several candidates the verdict is that of the one that fits, and says so.</summary>
    /// <param name="version">The launcher's.</param>
    public static MpiVerdict Judge(ImageMpiFacts image, Launcher launcher, string? version)
    {
        if (image.Facts is null)
            return Judge((ImageMpi?)null, launcher, version) with
            {
                Fit = MpiFit.Unknown,
                Reason = image.Why,
                Advice = "Check that the image is there and that unsquashfs is installed, or try two ranks first.",
            };
        if (image.Candidates.Count == 0)
            return Judge((ImageMpi?)null, launcher, version);
        List<MpiVerdict> verdicts = [.. image.Candidates.Select(m => Judge(m, launcher, version))];
        MpiVerdict best = verdicts.FirstOrDefault(v => v.Fit == MpiFit.Works) ?? verdicts.FirstOrDefault(v => v.Fit == MpiFit.Unknown)
            ?? verdicts[0];
        return best.Fit != MpiFit.Refuse && verdicts.Find(v => v.Fit == MpiFit.Refuse) is { } other
            ? best with { Reason = $"{best.Reason}; but {image.Why}, and {other.Reason}" } : best;
    }

    static (IReadOnlyList<CompatibilityRow>, IReadOnlyList<VariableRow>) Parse(string text, string file)
    {
        YamlMap top = YamlMap.Parse(text, file, YamlForm.Compatibility, "the table", "pairs", "variables");
        return ([.. top.Maps("pairs", "family", "flavour", "versions", "speaks", "launcher", "launcher-versions", "gives", "verdict",
            "reason", "advice").Select(map => new CompatibilityRow(
            map.Text("family")?.Value, map.Text("flavour")?.Value, Range(map, "versions"), map.Text("speaks")?.Value,
            map.Text("launcher")?.Value, Range(map, "launcher-versions"), map.Text("gives")?.Value,
            Enum.Parse<MpiFit>(map.Required("verdict").Value, ignoreCase: true), map.Required("reason").Value, map.Text("advice")?.Value))],
            [.. top.Maps("variables", "launcher", "launcher-versions", "gives", "family", "versions", "lacks", "set", "for", "reason")
                .Select(map => new VariableRow(
                map.Text("launcher")?.Value, Range(map, "launcher-versions"), map.Text("gives")?.Value, map.Text("family")?.Value,
                Range(map, "versions"), map.Text("lacks")?.Value, map.Pairs("set", n => n.Length > 0, ""), map.Text("for")?.Value
                ?? "ranks", map.Required("reason").Value))]);
    }

    /// <summary>What the ranks or the launcher (<see cref="PlannedVariable.For"/>) are given beside, each with the reason.</summary>
    /// <param name="version">The launcher's.</param>
    public static IEnumerable<(string Name, string Value, string For, string Reason)> Variables(
        Launcher launcher, string? version, ImageMpiFacts image) =>
        from row in Table.Value.Variables
        where (row.Launcher is null || launcher.Answers(row.Launcher))
        && (row.LauncherVersions is null || row.LauncherVersions.Has(version))
            && (row.Gives is null || launcher.Gives.Contains(row.Gives))
            && (row.Family is null || (image.Candidates.Count > 0
                && image.Candidates.All(m => m.Family == row.Family && (row.Versions is null || row.Versions.Has(m.Version)))))
            && (row.Lacks is null || (image.Candidates.Count > 0 && image.Facts is { } facts && !facts.Sonames.Contains(row.Lacks)))
        from pair in row.Set
        select (pair.Key, pair.Value, row.For, row.Reason);

    static VersionRange? Range(YamlMap map, string key) => map.Text(key) is { } text ? VersionRange.Parse(text.Value) : null;
}
