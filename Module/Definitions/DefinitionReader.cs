using System.Globalization;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Slipway.Definitions;

/// <summary>YAML to <see cref="Definition"/>. Unknown keys and wrong types are errors with file, line and column.</summary>
public static partial class DefinitionReader
{
    /// <summary>A definition is written by hand; what is larger is something else.</summary>
    const int LargestDefinition = 1 << 20;

    /// <summary>Reads a definition from a file.</summary>
    /// <param name="path">As the user named it; errors name it so too.</param>
    /// <exception cref="SlipwayException">The file is not there, not readable, or not a definition.</exception>
    public static Definition Read(string path)
    {
        string text;
        try
        {
            FileInfo file = new(path);
            if (file.Exists && file.Length > LargestDefinition)
                throw new SlipwayException("DefinitionTooLarge", ErrorKind.LimitsExceeded, $"{path}: {file.Length} bytes are no definition (the limit is {LargestDefinition})", "Give the path of a YAML file; large files belong under 'files'.", path);
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new SlipwayException("DefinitionNotFound", ErrorKind.ObjectNotFound, $"{path}: there is no such definition", "Give the path of a YAML file, e.g. ./lammps.yaml.", path, e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new SlipwayException("DefinitionUnreadable", ErrorKind.ReadError, $"{path}: {e.Message}", "Give the path of a YAML file that you may read.", path, e);
        }
        return Parse(text, path);
    }

    /// <summary>Reads a definition from a text; relative paths in it are taken from the directory of <paramref name="path"/>.</summary>
    public static Definition Parse(string text, string path)
    {
        YamlStream stream = [];
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            throw YamlMap.Error(path, "DefinitionNotYaml", e.Start, $"not YAML: {e.Message}", "Check the indentation, and quote values that have a colon or a brace.");
        }
        if (stream.Documents.Count != 1)
            throw new SlipwayException("DefinitionNotYaml", ErrorKind.InvalidData, $"{path}:1:1: one YAML document is needed, not {stream.Documents.Count}", "Begin with 'from: deb'.", path);

        YamlMap map = YamlMap.Of(path, stream.Documents[0].RootNode, "the definition",
            "from", "suite", "repositories", "packages", "fabric", "files", "run", "environment", "runscript", "test", "labels");
        string directory = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;

        Located from = map.Required("from");
        if (from.Value != "deb")
            throw map.Error("from", "DefinitionUnknownSource", $"'{from.Value}' is not a source that this version builds from", "Write 'from: deb'.");

        return new Definition
        {
            Path = System.IO.Path.GetFullPath(path),
            Text = text,
            Source = Deb(map, directory),
            FabricAuto = map.Text("fabric") switch
            {
                null or { Value: "none" } => false,
                { Value: "auto" } => true,
                { Value: var other } => throw map.Error("fabric", "DefinitionWrongType", $"'fabric' must be auto or none, not '{other}'", "Write 'fabric: auto', or leave the line out."),
            },
            Files = [.. map.Maps("files", "from", "to", "mode").Select(file => CopiedFile(file, directory))],
            Run = map.Texts("run", orSingle: true),
            Environment = map.Pairs("environment", name => VariableName().IsMatch(name), "A variable's name has letters, digits and '_', and begins with no digit."),
            Runscript = map.Text("runscript")?.Value,
            Test = map.Text("test"),
            Labels = map.Pairs("labels", name => name.Length > 0, "A label needs a name."),
        };
    }

    static DebSource Deb(YamlMap map, string directory)
    {
        Located suite = map.Required("suite");
        if (!SuiteName().IsMatch(suite.Value))
            throw map.Error("suite", "DefinitionBadName", $"'{suite.Value}' is not the name of a suite", "Write e.g. 'suite: bookworm'.");
        List<DebRepository> repositories = [.. map.Maps("repositories", "name", "url", "suite", "components", "key", "trusted", "priority").Select(r => Repository(r, directory))];
        if (repositories.GroupBy(r => r.Name.Value).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new SlipwayException("DefinitionBadName", ErrorKind.InvalidData, $"{twice.Last().Name.Where}: two repositories have the name '{twice.Key}'", "Give each repository a name of its own.", twice.Key);

        IReadOnlyList<Located> packages = map.Texts("packages");
        if (packages.FirstOrDefault(p => !PackageName().IsMatch(p.Value)) is { } bad)
            throw new SlipwayException("DefinitionBadName", ErrorKind.InvalidData, $"{bad.Where}: '{bad.Value}' is not the name of a Debian package", "Write NAME, NAME=VERSION or NAME/SUITE.", bad.Value);
        return new DebSource { Suite = suite, Repositories = repositories, Packages = packages };
    }

    static DebRepository Repository(YamlMap map, string directory)
    {
        Located name = map.Required("name");
        if (!RepositoryName().IsMatch(name.Value))
            throw map.Error("name", "DefinitionBadName", $"'{name.Value}' is not a valid name for a repository", "Use letters, digits, '.', '_' and '-'.");
        Located? url = map.Text("url");
        if (url is not null && (!Uri.TryCreate(url.Value, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https" or "file" or "copy") || url.Value.Any(char.IsWhiteSpace)))
            throw map.Error("url", "DefinitionBadUrl", $"'{url.Value}' is not the URL of a repository", "Begin with https://, http:// or file:///.");
        string? key = map.Text("key") is { } k ? System.IO.Path.GetFullPath(k.Value, directory) : null;
        if (key is not null && !File.Exists(key))
            throw map.Error("key", "DefinitionFileNotFound", $"the key '{key}' is not there", "Put the repository's public key (.asc or .gpg) beside the definition.");
        bool trusted = map.Flag("trusted") ?? false;
        if (url is not null && key is null && !trusted)
            throw map.Error("name", "RepositoryWithoutKey", $"repository '{name.Value}' has no key, so nothing would check what comes from it", "Add 'key: FILE.asc', or 'trusted: true' if you mean it.");

        IReadOnlyList<Located> components = map.Texts("components", orSingle: true);
        string? suite = map.Text("suite")?.Value;
        if ((suite is not null && !SuiteName().IsMatch(suite)) || components.Any(c => !SuiteName().IsMatch(c.Value)))
            throw map.Error("name", "DefinitionBadName", $"repository '{name.Value}' has a suite or component that is not a name", "Use letters, digits, '.', '_', '/' and '-'.");
        return new DebRepository
        {
            Name = name,
            Url = url?.Value,
            Suite = suite,
            Components = components.Count == 0 ? ["main"] : [.. components.Select(c => c.Value)],
            Key = key,
            Trusted = trusted,
            Priority = map.Number("priority"),
        };
    }

    static DefinitionFile CopiedFile(YamlMap map, string directory)
    {
        Located from = map.Required("from"), to = map.Required("to");
        string source = System.IO.Path.GetFullPath(from.Value, directory);
        if (!System.IO.Path.Exists(source))
            throw map.Error("from", "DefinitionFileNotFound", $"the source '{source}' is not there", "Paths are relative to the definition's directory.");
        if (!to.Value.StartsWith('/') || to.Value.Split('/').Contains(".."))
            throw map.Error("to", "DefinitionBadPath", $"'{to.Value}' is not an absolute path in the image", "Begin with '/', and use no '..'.");
        int mode = -1;
        if (map.Text("mode") is { } text)
        {
            if (!FileMode().IsMatch(text.Value))
                throw map.Error("mode", "DefinitionWrongType", $"'{text.Value}' is not a mode", "Write it in octal and quoted, e.g. \"0644\".");
            mode = Convert.ToInt32(text.Value, 8);
        }
        return new DefinitionFile(source, to.Value, mode, from.Where);
    }

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_]*$")] private static partial Regex VariableName();

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._/+~-]*$")] private static partial Regex SuiteName();

    // deb-version(7) and Debian policy 5.6.7, with APT's :arch, =version and /suite
    [GeneratedRegex(@"^[a-z0-9][a-z0-9+.-]*(:[a-z0-9-]+)?(=[A-Za-z0-9.+:~-]+|/[A-Za-z0-9._-]+)?$")] private static partial Regex PackageName();

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]*$")] private static partial Regex RepositoryName();

    [GeneratedRegex(@"^0?[0-7]{3,4}$")] private static partial Regex FileMode();
}
