using System.Text.RegularExpressions;
using Slipway.Definitions;
using YamlDotNet.RepresentationModel;

namespace Slipway.Launching;

/// <summary>One row of <c>launchers.yaml</c>: how a program starts ranks.</summary>
internal sealed record Launcher(string Name, IReadOnlyList<string> Programs, Regex Recognise, IReadOnlyList<string> Inside, IReadOnlyList<string> Mpi,
    IReadOnlyList<string> Ranks, string Host, IReadOnlyList<string> Hosts, IReadOnlyList<string> Root);

/// <summary>The launchers that Slipway knows: data, not code.</summary>
internal static class LauncherTable
{
    const string Resource = "launchers.yaml";

    public static IReadOnlyList<Launcher> Rows { get; } = Load();

    static List<Launcher> Load()
    {
        using Stream stream = typeof(LauncherTable).Assembly.GetManifestResourceStream(Resource)!;
        YamlStream yaml = [];
        yaml.Load(new StreamReader(stream));
        List<Launcher> rows = [];
        foreach (YamlNode node in (YamlSequenceNode)yaml.Documents[0].RootNode)
        {
            YamlMap map = YamlMap.Of(Resource, node, "a launcher", "name", "programs", "recognise", "inside", "mpi", "ranks", "host", "hosts", "root");
            string[] List(string key) => [.. map.Texts(key).Select(t => t.Value)];
            rows.Add(new Launcher(map.Required("name").Value, List("programs"), new Regex(map.Required("recognise").Value), List("inside"), List("mpi"),
                List("ranks"), map.Required("host").Value, List("hosts"), List("root")));
        }
        return rows;
    }
}
