using System.Text.RegularExpressions;
using Slipway.Readers.Yaml;

namespace Slipway.Launching;

/// <summary>One row of <c>symptoms.yaml</c>.</summary>
/// <param name="Name">Of the check under which it is reported.</param>
sealed record Symptom(string Name, Regex Says, string Means, string Advice);

/// <summary>What launchers and MPI libraries write when ranks do not come up: data, not code.</summary>
static class Symptoms
{
    const string Resource = "symptoms.yaml";

    static readonly Lazy<IReadOnlyList<Symptom>> Rows = new(() =>
    {
        using StreamReader reader = new(typeof(Symptoms).Assembly.GetManifestResourceStream(Resource)!);
        return [.. YamlMap.ParseList(reader.ReadToEnd(), Resource, YamlForm.Symptoms, "a symptom", "check", "says", "means", "advice")
            .Select(map =>
            new Symptom(map.Required("check").Value,
                new Regex(map.Required("says").Value, RegexOptions.IgnoreCase, TimeSpan.FromSeconds(1)), map.Required("means").Value,
                map.Required("advice").Value))];
    });

    /// <summary>The first row that fits, in the order of the table, with the line that it fits.</summary>
    public static (Symptom Symptom, string Line)? Find(IReadOnlyList<string> lines)
    {
        foreach (Symptom row in Rows.Value)
            if (lines.FirstOrDefault(row.Says.IsMatch) is { } line)
                return (row, line.Trim());
        return null;
    }
}
