using System.Text.RegularExpressions;

namespace Slipway.Tests;

/// <summary>A folder of <c>Module/</c> uses only those above it in the table of docs/architecture.md.</summary>
public sealed class ArchitectureTests
{
    static readonly string[] AtLeast =
        ["Objects", "Linux", "Readers", "Inventory", "Definitions", "Images", "Cache", "Discovery", "Building", "Fabric", "Staging",
            "Running", "Launching", "Preflight"];

    /// <param name="Room">Its number in the table; those with a higher one may not be used.</param>
    /// <param name="Code">Without comments.</param>
    sealed record Source(string Path, int Room, string Namespace, string Code, IReadOnlyList<string> Types);

    [Fact]
    public void NoRoomUsesOneBelowIt()
    {
        string[] rooms =
            [.. Regex.Matches(File.ReadAllText(Path.Combine(Cli.Repository, "docs/architecture.md")), @"^\| `([\w/]+)/` \|",
                RegexOptions.Multiline)
            .Select(m => m.Groups[1].Value)];
        Assert.Superset(AtLeast.ToHashSet(), rooms.Select(r => r.Split('/')[0]).ToHashSet());
        List<Source> sources =
            [.. new[] { "Module", "Launcher/Shared" }.SelectMany(
                top => Directory.EnumerateFiles(Path.Combine(Cli.Repository, top), "*.cs", SearchOption.AllDirectories))
            .Select(f => Path.GetRelativePath(Cli.Repository, f)).Where(f => !Regex.IsMatch(f, "/(obj|bin)/")).Select(f => Read(f, rooms))];
        string[] downward = [.. sources.SelectMany(s => sources.Where(o => o.Room > s.Room).SelectMany(o => Uses(s, o))).Distinct()];
        Assert.True(downward.Length == 0, string.Join('\n', downward));
    }

    static Source Read(string path, string[] rooms)
    {
        string place = path.StartsWith("Module/", StringComparison.Ordinal) ? path["Module/".Length..] : path;
        int room = rooms.Index().Where(r => place.StartsWith(r.Item + "/", StringComparison.Ordinal)).Select(r => r.Index)
            .DefaultIfEmpty(-1).First();
        Assert.True(room >= 0, $"{path} is in no room of docs/architecture.md");
        string code = Regex.Replace(File.ReadAllText(Path.Combine(Cli.Repository, path)), @"(?<!:)//.*", "");
        string space = Regex.Match(code, @"^namespace ([\w.]+);", RegexOptions.Multiline).Groups[1].Value;
        string expected = rooms[room] switch
        {
            "Objects" => "Slipway",
            "Launcher/Shared" => "Slipway.Shared",
            _ => "Slipway." + Path.GetDirectoryName(place)!.Replace('/', '.'),
        };
        Assert.Equal(expected, space);
        return new Source(path, room, space, code,
            [.. Regex.Matches(code, @"^(?:\w+ )*(?:class|struct|interface|enum|record|delegate [\w<>?.]+) (\w+)", RegexOptions.Multiline)
                .Select(m => m.Groups[1].Value)]);
    }

    /// <summary>
    /// By a using (or an alias, or a static one), by a qualified name, or by the bare name of a type that a parent namespace has.
    /// </summary>
    static IEnumerable<string> Uses(Source source, Source other)
    {
        string tail = Regex.Escape(other.Namespace["Slipway".Length..].TrimStart('.'));
        string types = string.Join('|', other.Types.DefaultIfEmpty("$^"));
        if (Regex.IsMatch(source.Code, $@"^using (static |\w+ = )?Slipway\.{tail}\b(?=;|\.({types})\b)", RegexOptions.Multiline)
            && tail.Length > 0)
            yield return $"{source.Path} uses the namespace {other.Namespace}";
        if (Regex.Match(source.Code, $@"(?<![\w.])(Slipway\.)?{tail}\.({types})\b") is { Success: true } found && tail.Length > 0)
            yield return $"{source.Path} uses {found.Value}";
        if (source.Namespace.StartsWith(other.Namespace + ".", StringComparison.Ordinal)
            && Regex.Match(source.Code, $@"(?<![\w.])({types})\b") is { Success: true } bare)
            yield return $"{source.Path} uses {bare.Value} of {other.Path}";
    }
}
