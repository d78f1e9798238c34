using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Slipway.Readers.Yaml;

/// <summary>A YAML mapping that is read key by key with its types checked; every error has file, line and column.</summary>
/// <remarks>Only the representation model of YamlDotNet is used: nothing is reflected, and nothing outside the document is made.</remarks>
sealed class YamlMap
{
    readonly string file;
    readonly YamlForm form;
    readonly YamlMappingNode node;
    readonly HashSet<string> known;
    readonly YamlVariables variables;

    YamlMap(string file, YamlForm form, YamlMappingNode node, string what, YamlVariables variables, IReadOnlyCollection<string> known)
    {
        this.file = file;
        this.form = form;
        this.node = node;
        this.variables = variables;
        this.known = [.. known];
        HashSet<string> seen = [];
        foreach (YamlNode key in node.Children.Keys)
        {
            string name = Plain(key, "a key").Value;
            if (!this.known.Contains(name))
                throw Error("DefinitionUnknownKey", key, $"unknown key '{name}' in {what}", Suggest(name));
            seen.Add(name);
        }
    }

    string Suggest(string name)
    {
        string? near = known.Select(k => (Key: k, Distance: Distance(k, name))).Where(c => c.Distance <= 2).OrderBy(c => c.Distance)
            .Select(c => c.Key).FirstOrDefault();
        return (near is null ? "" : $"Did you mean '{near}'? ")
            + $"The keys are: {string.Join(", ", known.Order(StringComparer.Ordinal))}.";
    }

    /// <summary>A text that is one mapping, without variables.</summary>
    /// <param name="file">As errors name it.</param>
    /// <param name="what">What errors call the mapping.</param>
    /// <exception cref="SlipwayException">As <see cref="YamlText.Parse"/> has it; and where it is another thing, or has an unknown
    /// key.</exception>
    public static YamlMap Parse(string text, string file, YamlForm form, string what, params string[] known) =>
        Of(file, form, YamlText.Parse(text, file, form), what, YamlVariables.None, known);

    /// <summary>A text that is a list of mappings, without variables.</summary>
    /// <param name="what">What errors call each mapping.</param>
    public static IReadOnlyList<YamlMap> ParseList(string text, string file, YamlForm form, string what, params string[] known)
    {
        YamlNode root = YamlText.Parse(text, file, form);
        return root is YamlSequenceNode list ? [.. list.Select(node => Of(file, form, node, what, YamlVariables.None, known))]
            : throw form.Error(file, "DefinitionWrongType", root.Start, "the file must be a list", $"Begin with e.g. '{form.Begins}'.");
    }

    public static YamlMap Of(string file, YamlForm form, YamlNode node, string what, YamlVariables variables,
        IReadOnlyCollection<string> known) =>
        node is YamlMappingNode map
            ? new YamlMap(file, form, map, what, variables, known)
            : throw form.Error(file, "DefinitionWrongType", node.Start, $"{what} must be a mapping (key: value)",
                $"See the example in {form.Page}.");

    SlipwayException Error(string id, YamlNode at, string message, string? recommendation) =>
        form.Error(file, id, at.Start, message, recommendation);

    public SlipwayException Error(string key, string id, string message, string? recommendation) =>
        Error(id, Find(key) ?? node, message, recommendation);

    YamlNode? Find(string key)
    {
        if (!known.Contains(key))
            throw new InvalidOperationException($"'{key}' is read but not declared");
        return node.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? value) && !IsNull(value) ? value : null;
    }

    static bool IsNull(YamlNode value) => value is YamlScalarNode { Style: ScalarStyle.Plain, Value: "" or "~" or "null" };

    string Where(YamlNode at) => $"{file}:{at.Start.Line}:{at.Start.Column}";

    /// <summary>The file that it stands in, as errors name it.</summary>
    public string File => file;

    /// <summary>A single value, its variables replaced.</summary>
    /// <param name="shell">The value is the shell's, which has variables of its own.</param>
    Located Scalar(YamlNode value, string what, bool shell = false)
    {
        Located plain = Plain(value, what);
        return plain with
        {
            Value = variables.Expand(plain.Value, shell,
                () => Error("DefinitionTooLarge", value,
                    $"{what} makes more than {YamlVariables.LongestText >> 20} MiB of text, variables written out",
                    "Write a program's input into a file, and name it under 'files'."),
                    name => Error("DefinitionUnknownVariable", value, $"{what} has the variable '{name}', which is not declared",
                $"Add '{name}' under 'variables', or write $${{{name}}} where the text itself is meant.")),
        };
    }

    Located Plain(YamlNode value, string what) =>
        value is YamlScalarNode { Value: { } text } ? !text.Contains('\0', StringComparison.Ordinal) ? new Located(text, Where(value))
                : throw Error("DefinitionWrongType", value, $"{what} has a zero in it ('\\0'), which no path, name or command can have",
                    "Take it out.")
            : throw Error("DefinitionWrongType", value, $"{what} must be a single value, not a {Kind(value)}",
                "Write one text or number; in quotes where it has a colon or a brace.");

    static string Kind(YamlNode value) => value is YamlMappingNode ? "mapping" : "list";

    public bool Has(string key) => Find(key) is not null;

    /// <summary>Where the value of a key stands, else the mapping itself.</summary>
    public string WhereIs(string key) => Where(Find(key) ?? node);

    /// <summary>The raw mapping under a key: its names with their values, null where there is none.</summary>
    public IEnumerable<(Located Name, YamlNode Value)> Entries(string key) => Find(key) switch
    {
        null => [],
        YamlMappingNode map => map.Children.Select(pair => (Plain(pair.Key, "a key"), pair.Value)),
        { } other => throw Error("DefinitionWrongType", other, $"'{key}' must be a mapping (NAME: value)",
            $"Write '{key}: {{NAME: value}}', or one NAME: value a line, indented."),
    };

    /// <summary>A single value, or null for one that is empty (<c>~</c>).</summary>
    public Located? Default(YamlNode value, string what) => IsNull(value) ? null : Plain(value, what);

    public Located? Text(string key, bool shell = false) => Find(key) is { } value ? Scalar(value, $"'{key}'", shell) : null;

    public Located Required(string key) =>
        Text(key) ?? throw Error("DefinitionMissingKey", node, $"'{key}' is missing", $"Add a line '{key}: …'.");

    public bool? Flag(string key) => Text(key) is not { } text ? null : text.Value switch
    {
        "true" => true,
        "false" => false,
        _ => throw Error(key, "DefinitionWrongType", $"'{key}' must be true or false, not '{text.Value}'",
            $"Write '{key}: true' or '{key}: false'."),
    };

    public int? Number(string key) => Text(key) is not { } text ? null
        : int.TryParse(text.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int n) ? n
        : throw Error(key, "DefinitionWrongType", $"'{key}' must be a whole number, not '{text.Value}'", $"Write e.g. '{key}: 500'.");

    /// <summary>A list of single values; one single value is a list of one where <paramref name="orSingle"/> says so.</summary>
    public IReadOnlyList<Located> Texts(string key, bool orSingle = false, bool shell = false)
    {
        YamlNode? value = Find(key);
        if (value is YamlScalarNode && orSingle)
            return [Scalar(value, $"'{key}'", shell)];
        return [.. Items(key).Select(item => Scalar(item, $"an item of '{key}'", shell))];
    }

    /// <summary>
    /// Those items of a list that are single values; mappings beside them are for <see cref="Maps(string, IReadOnlyCollection{string})"/>.
    /// </summary>
    public IReadOnlyList<Located> PlainTexts(string key) =>
        [.. Items(key).Where(item => item is not YamlMappingNode).Select(item => Scalar(item, $"an item of '{key}'"))];

    public YamlMap? Map(string key, params IReadOnlyCollection<string> keys) => Find(key) is { } value
        ? Of(file, form, value, $"'{key}'", variables, keys) : null;

    public IEnumerable<YamlMap> Maps(string key, params IReadOnlyCollection<string> keys) => Maps(key, besideTexts: false, keys);

    /// <param name="besideTexts">Items that are single values are passed over: they are for <see cref="PlainTexts"/>.</param>
    public IEnumerable<YamlMap> Maps(string key, bool besideTexts, IReadOnlyCollection<string> keys) =>
        Items(key).Where(item => !besideTexts || item is YamlMappingNode)
        .Select(item => Of(file, form, item, $"an item of '{key}'", variables, keys));

    IEnumerable<YamlNode> Items(string key) => Find(key) switch
    {
        null => [],
        YamlSequenceNode list => list.Children,
        { } other => throw Error("DefinitionWrongType", other, $"'{key}' must be a list",
            $"Write '{key}: [a, b]', or one item a line, each after '- '."),
    };

    public SortedDictionary<string, string> Pairs(string key, Func<string, bool> validName, string nameRule)
    {
        SortedDictionary<string, string> pairs = new(StringComparer.Ordinal);
        foreach ((Located name, YamlNode value) in Entries(key))
        {
            if (!validName(name.Value))
                throw form.Error(file, "DefinitionBadName", name.Where, $"'{name.Value}' is not a valid name in '{key}'", nameRule);
            pairs.Add(name.Value, Scalar(value, $"'{key}.{name.Value}'", shell: true).Value);
        }
        return pairs;
    }

    /// <summary>Levenshtein distance, for "did you mean".</summary>
    static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
        }
        return row[b.Length];
    }
}
