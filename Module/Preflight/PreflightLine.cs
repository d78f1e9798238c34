using System.Text;
using System.Text.Json;

namespace Slipway.Preflight;

/// <summary>
/// What comes from the nodes through the launcher, which may put other lines between: a prefix, then a check as JSON, or a word.
/// </summary>
static class PreflightLine
{
    /// <summary>Before a check as JSON, or before NODE and <see cref="Begin"/>.</summary>
    const string OfNode = "slipway-preflight ";

    /// <summary>Before NODE and what the rank there says: begin, rank R N LIBRARY, met R, end R, no-library WHY (Launcher/Probe).</summary>
    const string OfRank = "slipway-preflight-rank ";

    public const string Begin = "begin";

    public static void Say(PreflightCheck check) => Write(OfNode + JsonSerializer.Serialize(check, ObjectsJson.Compact.PreflightCheck));

    public static void Say(string node, string word) => Write($"{OfNode}{node} {word}");

    /// <summary>By one write, so that lines of several ranks do not mix.</summary>
    static void Write(string line)
    {
        using Stream output = Console.OpenStandardOutput();
        output.Write(Encoding.UTF8.GetBytes(line + "\n"));
    }

    /// <summary>Reads a line; the prefix may stand after what a launcher writes before (tags).</summary>
    /// <returns>A check; or a node and its word or its rank's words; or nothing.</returns>
    public static (PreflightCheck? Check, string? Node, string[] Words, bool Rank) Read(string line)
    {
        foreach (string prefix in new[] { OfRank, OfNode })
        {
            int at = line.IndexOf(prefix, StringComparison.Ordinal);
            if (at < 0)
                continue;
            string rest = line[(at + prefix.Length)..];
            if (!rest.StartsWith('{'))
                return rest.Split(' ') is [var node, .. var words] && words.Length > 0 ? (null, node, words, prefix == OfRank) : default;
            try
            {
                return (JsonSerializer.Deserialize(rest, ObjectsJson.Compact.PreflightCheck), null, [], false);
            }
            catch (JsonException)
            {
                return default;
            }
        }
        return default;
    }
}
