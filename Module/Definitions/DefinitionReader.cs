using System.Text.RegularExpressions;
using Slipway.Linux;
using Slipway.Readers.Yaml;
using YamlDotNet.RepresentationModel;

namespace Slipway.Definitions;

/// <summary>YAML to <see cref="Definition"/>. Unknown keys and wrong types are errors with file, line and column.</summary>
public static partial class DefinitionReader
{
    /// <summary>A definition is written by hand; what is larger is something else.</summary>
    const int LargestDefinition = 1 << 20;

    /// <summary>What every stage may have, whatever its source; and what only the image itself has.</summary>
    static readonly string[] StageKeys = ["from", "files", "run", "environment", "test"];
    static readonly string[] ImageKeys = ["variables", "stages", "fabric", "runscript", "labels"];

    static readonly IReadOnlyDictionary<string, string> NoVariables = new Dictionary<string, string>();

    /// <summary>Reads a definition from a file.</summary>
    /// <param name="path">As the user named it; errors name it so too.</param>
    /// <param name="variables">Values that take the place of the definition's defaults.</param>
    /// <param name="cancel">Ends the wait where the path is a pipe, and nobody writes to it.</param>
    /// <exception cref="SlipwayException">The file is not there, not readable, or not a definition.</exception>
    public static Definition Read(string path, IReadOnlyDictionary<string, string>? variables = null, CancellationToken cancel = default)
    {
        string text;
        try
        {
            // no more is read than that: a device may have no end
            text = OpenedFile.TextNamed(path, LargestDefinition, stream: true, cancel);
        }
        catch (FileRefusedException e) when (e.IsTooLarge)
        {
            throw DefinitionErrors.TooLarge(path, LargestDefinition, e);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw DefinitionErrors.NotFound(path, e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw DefinitionErrors.Unreadable(path, e);
        }
        return Parse(text, path, variables);
    }

    /// <summary>Reads a definition from a text; relative paths in it are taken from the directory of <paramref name="path"/>.</summary>
    public static Definition Parse(string text, string path, IReadOnlyDictionary<string, string>? variables = null)
    {
        YamlNode root = YamlText.Parse(text, path, YamlForm.Definition);
        SourceReader source = SourceOf(path, root);
        string[] keys = [.. StageKeys, .. ImageKeys, .. source.Keys];
        YamlVariables values = Variables(YamlMap.Of(path, YamlForm.Definition, root, "the definition", YamlVariables.None, keys), variables
            ?? NoVariables);
        YamlMap map = YamlMap.Of(path, YamlForm.Definition, root, "the definition", values, keys);
        string directory = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;

        List<Stage> stages = [];
        foreach ((Located name, YamlNode node) in map.Entries("stages"))
        {
            if (!StageName().IsMatch(name.Value))
                throw DefinitionErrors.BadStageName(name);
            SourceReader kind = SourceOf(path, node);
            stages.Add(
                ReadStage(name.Value, YamlMap.Of(
                    path, YamlForm.Definition, node, $"stage '{name.Value}'", values, [.. StageKeys, .. kind.Keys]), kind, directory));
        }
        Stage image = ReadStage("", map, source, directory);
        // of a host its own providers are taken, as files
        if (image.Source is not (PackageSource or HostSource) && map.Texts("fabric", orSingle: true).Any(name => name.Value != "none"))
            throw DefinitionErrors.FabricWithoutPackages(map, image.Source);
        return new Definition
        {
            Path = System.IO.Path.GetFullPath(path),
            Text = text,
            Variables = values.Values,
            Stages = StageOrder.Sort(image, stages),
            Source = image.Source,
            Files = image.Files,
            Run = image.Run,
            Environment = image.Environment,
            Test = image.Test,
            Fabric = [.. map.Texts("fabric", orSingle: true).Where(name => name.Value != "none")
                .Select(name => Slipway.Inventory.FabricPackages.IsKnown(name.Value) ? name
                : throw DefinitionErrors.UnknownProvider(map, name))],
            Runscript = map.Text("runscript", shell: true)?.Value,
            Labels = map.Pairs("labels", name => name.Length > 0, "A label needs a name."),
        };
    }

    /// <summary>Which source a stage has decides which keys it may have, so it is looked at first.</summary>
    static SourceReader SourceOf(string path, YamlNode node)
    {
        // the keys of all sources are known here; the stage's own are checked when it is read
        YamlMap map = YamlMap.Of(path, YamlForm.Definition, node, "the definition", YamlVariables.None,
            [.. StageKeys, .. ImageKeys, .. SourceReader.All.SelectMany(r => r.Keys)]);
        Located from = map.Required("from");
        return SourceReader.All.FirstOrDefault(r => r.Kind == from.Value)
            ?? throw DefinitionErrors.UnknownSource(map, from.Value);
    }

    /// <param name="declared">From the definition; null where there is no default.</param>
    /// <param name="set">By the caller.</param>
    /// <exception cref="SlipwayException">A variable that is set is not declared, or one without a default is not set.</exception>
    static YamlVariables Variables(string path, IReadOnlyDictionary<string, Located?> declared, IReadOnlyDictionary<string, string> set)
    {
        if (set.Keys.FirstOrDefault(name => !declared.ContainsKey(name)) is { } unknown)
            throw DefinitionErrors.UndeclaredVariable(path, unknown, [.. declared.Keys]);
        SortedDictionary<string, string> values = new(StringComparer.Ordinal);
        foreach ((string name, Located? value) in declared)
            values[name] = set.GetValueOrDefault(name) ?? value?.Value
                ?? throw DefinitionErrors.VariableNotSet(path, name);
        return new YamlVariables(values);
    }

    static YamlVariables Variables(YamlMap map, IReadOnlyDictionary<string, string> set)
    {
        SortedDictionary<string, Located?> declared = new(StringComparer.Ordinal);
        foreach ((Located name, YamlNode value) in map.Entries("variables"))
        {
            if (!VariableName().IsMatch(name.Value))
                throw DefinitionErrors.BadVariableName(name);
            declared.Add(name.Value, map.Default(value, $"'variables.{name.Value}'"));
        }
        return Variables(map.File, declared, set);
    }

    static Stage ReadStage(string name, YamlMap map, SourceReader source, string directory) => new()
    {
        Name = name,
        Source = source.Read(map, map.Required("from"), directory),
        Files = [.. map.Maps("files", source.PlainFiles, ["from", "to", "mode", "stage"]).Select(file => CopiedFile(file, directory))],
        Run = map.Texts("run", orSingle: true, shell: true),
        Environment = map.Pairs("environment", n => VariableName().IsMatch(n), DefinitionErrors.VariableRule),
        Test = map.Text("test", shell: true),
    };

    static DefinitionFile CopiedFile(YamlMap map, string directory)
    {
        Located from = map.Required("from"), to = map.Required("to");
        Located? stage = map.Text("stage");
        bool InImage(Located path) => path.Value.StartsWith('/') && !path.Value.Split('/').Contains("..")
            && !path.Value.Contains('\0', StringComparison.Ordinal);
        string source = stage is null ? System.IO.Path.GetFullPath(from.Value, directory) : from.Value;
        if (stage is not null && !InImage(from))
            throw DefinitionErrors.NotInStage(map, from, stage);
        if (stage is null && !System.IO.Path.Exists(source))
            throw DefinitionErrors.FileNotThere(map, "from", "source", source);
        if (!InImage(to))
            throw DefinitionErrors.NotInImage(map, to);
        int mode = -1;
        if (map.Text("mode") is { } text)
        {
            if (!FileMode().IsMatch(text.Value))
                throw DefinitionErrors.NotAMode(map, text);
            mode = Convert.ToInt32(text.Value, 8);
        }
        return new DefinitionFile(source, to.Value, mode, (stage ?? from).Where, stage?.Value);
    }

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_]*$")] private static partial Regex VariableName();

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]*$")] private static partial Regex StageName();

    [GeneratedRegex(@"^0?[0-7]{3,4}$")] private static partial Regex FileMode();
}
