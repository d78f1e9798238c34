using System.Text.RegularExpressions;
using Slipway.Linux;
using Slipway.Readers.Yaml;
using YamlDotNet.RepresentationModel;

namespace Slipway.Launching;

/// <summary>
/// The launchers and batch systems that Slipway knows: data, not code. A site's own stand in <c>/etc/slipway/launchers.yaml</c>.
/// </summary>
/// <remarks>
/// A row gives a user no right: all that it does is done as the user. So <c>SLIPWAY_LAUNCHERS</c> may name another file.
/// </remarks>
sealed class LauncherTable
{
    public const string DefaultPath = "/etc/slipway/launchers.yaml";

    const string Resource = "launchers.yaml";
    const int LargestFile = 1 << 20;

    static readonly string[] Keys =
    [
        "name", "group", "title", "like", "programs", "recognise", "offers", "inside", "family", "gives", "always", "together", "ranks",
        "nodes", "ranks-per-node", "instead-of-ranks",
        "one-per-node", "host", "separator", "hosts", "bind-to", "directory", "environment", "tag", "root", "variables", "failed",
        "aborted", "codes", "stop",
    ];

    static readonly string[] Interfaces = ["pmi1", "pmi2", "pmix", "cray"];

    /// <summary>What may be filled in where.</summary>
    static readonly (string Key, string[] Words)[] Words =
    [
        ("always", []), ("together", []), ("ranks", ["ranks", "nodes", "per-node"]), ("nodes", ["ranks", "nodes", "per-node"]),
        ("ranks-per-node", ["ranks", "nodes", "per-node"]),
        ("one-per-node", ["ranks", "nodes", "per-node"]), ("hosts", ["hosts"]), ("directory", ["directory"]),
        ("environment", ["name", "value"]), ("root", []),
    ];

    static readonly Dictionary<string, int> Signals =
        new(StringComparer.Ordinal) { ["TERM"] = SIGTERM, ["INT"] = SIGINT, ["HUP"] = SIGHUP };

    static readonly Lazy<LauncherTable> Embedded = new(() =>
    {
        using StreamReader reader = new(typeof(LauncherTable).Assembly.GetManifestResourceStream(Resource)!);
        return Parse(reader.ReadToEnd(), Resource, null);
    });

    LauncherTable(IReadOnlyList<Launcher> launchers, IReadOnlyList<BatchSystem> batchSystems, IReadOnlyList<string> ranksPrefixes)
    {
        Launchers = launchers;
        BatchSystems = batchSystems;
        RanksPrefixes = ranksPrefixes;
    }

    public static LauncherTable BuiltIn => Embedded.Value;

    public IReadOnlyList<Launcher> Launchers { get; }

    public IReadOnlyList<BatchSystem> BatchSystems { get; }

    /// <summary>By which a launcher can be chosen: rows and groups.</summary>
    public IReadOnlyList<string> Names => [.. Launchers.SelectMany(l => new[] { l.Group, l.Name }).Distinct()];

    /// <summary>Of the variables that a rank has from its launcher.</summary>
    public IReadOnlyList<string> RanksPrefixes { get; }

    public static string Path => Environment.GetEnvironmentVariable("SLIPWAY_LAUNCHERS") is { Length: > 0 } other ? other : DefaultPath;

    /// <summary>The site's rows, then the built-in ones; a site's row of the same name stands instead.</summary>
    /// <exception cref="SlipwayException">The site's file cannot be read, or is not what it should be (file, line and column).</exception>
    public static LauncherTable Read() => ReadFrom(Path);

    internal static LauncherTable ReadFrom(string path)
    {
        if (!File.Exists(path))
            return BuiltIn;
        try
        {
            string text = OpenedFile.TextNamed(path, LargestFile);
            return string.IsNullOrWhiteSpace(text) ? BuiltIn : Parse(text, path, BuiltIn);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw LaunchErrors.TableNotRead(path, OpenedFile.Why(e, path), e);
        }
    }

    /// <param name="onto">What the file's rows are added to; null for the built-in table itself.</param>
    internal static LauncherTable Parse(string text, string file, LauncherTable? onto)
    {
        YamlMap top = YamlMap.Parse(text, file, YamlForm.Launchers, "the table of launchers", "launchers", "allocations", "ranks-prefixes");
        List<Launcher> launchers = [];
        foreach (YamlMap map in top.Maps("launchers", Keys))
        {
            Launcher row = Row(map, name => launchers.Find(l => l.Name == name) ?? onto?.Launchers.FirstOrDefault(l => l.Name == name));
            if (launchers.Exists(l => l.Name == row.Name))
                throw LaunchErrors.TwoLaunchers(map, row.Name);
            launchers.Add(row);
        }
        List<BatchSystem> systems = [.. top.Maps("allocations", "name", "inside", "nodes", "form", "slots", "prefixes").Select(SystemRow)];
        return new LauncherTable(
            [.. launchers, .. (onto?.Launchers ?? []).Where(b => !launchers.Exists(l => l.Name == b.Name))],
            [.. systems, .. (onto?.BatchSystems ?? []).Where(b => !systems.Exists(s => s.Name == b.Name))],
            [.. List(top, "ranks-prefixes"), .. onto?.RanksPrefixes ?? []]);
    }

    static Launcher Row(YamlMap map, Func<string, Launcher?> find)
    {
        string name = map.Required("name").Value;
        Launcher? like = null;
        if (map.Text("like") is { } other)
            like = find(other.Value) ?? throw LaunchErrors.NothingLike(map, other.Value);
        foreach ((string key, string[] words) in Words)
            foreach (string part in List(map, key))
                foreach (Match word in Regex.Matches(part, @"\{([^{}]*)\}"))
                    if (!words.Contains(word.Groups[1].Value))
                        throw LaunchErrors.NotFilledIn(map, key, word.Value, words);
        IReadOnlyList<string> Or(string key, IReadOnlyList<string>? its) => map.Has(key) ? List(map, key) : its ?? [];
        IReadOnlyList<string> programs = Or("programs", like?.Programs), gives = Or("gives", like?.Gives);
        if (programs.Count == 0)
            throw LaunchErrors.NoProgram(map, name);
        if (gives.FirstOrDefault(g => !Interfaces.Contains(g)) is { } unknown)
            throw LaunchErrors.NoInterface(map, unknown, Interfaces);
        return new Launcher
        {
            Name = name,
            Group = map.Text("group")?.Value ?? like?.Group ?? name,
            Title = map.Text("title")?.Value ?? like?.Title ?? name,
            Where = map.WhereIs("name"),
            Programs = programs,
            Recognise = Ask(map, "recognise") ?? like?.Recognise ?? throw LaunchErrors.NotRecognised(map, name),
            Offers = Ask(map, "offers") ?? like?.Offers,
            Inside = Or("inside", like?.Inside),
            Family = map.Text("family")?.Value ?? like?.Family,
            Gives = gives,
            Always = Or("always", like?.Always),
            Together = Or("together", like?.Together),
            Ranks = Or("ranks", like?.Ranks),
            Nodes = Or("nodes", like?.Nodes),
            RanksPerNode = Or("ranks-per-node", like?.RanksPerNode),
            InsteadOfRanks = map.Flag("instead-of-ranks") ?? like?.InsteadOfRanks ?? false,
            OnePerNode = Or("one-per-node", like?.OnePerNode),
            Host = map.Text("host")?.Value ?? like?.Host ?? "{node}",
            Separator = map.Text("separator")?.Value ?? like?.Separator ?? ",",
            Hosts = Or("hosts", like?.Hosts),
            BindTo = Bindings(map) ?? like?.BindTo ?? new Dictionary<string, IReadOnlyList<string>>(),
            Directory = Or("directory", like?.Directory),
            Environment = Or("environment", like?.Environment),
            Tag = map.Map("tag", "arguments", "pattern", "anywhere", "hides") is { } tag
                ? new Tagging(List(tag, "arguments"), Expression(tag, "pattern", "rank"), tag.Flag("anywhere") ?? false, tag.Has("hides")
                    ? Expression(tag, "hides", null) : null) : like?.Tag,
            Root = Or("root", like?.Root),
            Variables = map.Map("variables", "rank", "size", "local-rank", "pmi") is { } variables
                ? new RankVariableNames(variables.Text("rank")?.Value, variables.Text("size")?.Value, variables.Text("local-rank")?.Value,
                    List(variables, "pmi")) : like?.Variables ?? new(null, null, null, []),
            Failed = map.Has("failed") ? [.. List(map, "failed").Select(p => Compile(map, "failed", p))] : like?.Failed ?? [],
            Aborted = map.Has("aborted") ? [.. List(map, "aborted").Select(p => Compile(map, "aborted", p))] : like?.Aborted ?? [],
            Codes = Ask(map, "codes", "codes") ?? like?.Codes,
            Stop = map.Has("stop") || like is null ? Stopping(map) : like.Stop,
        };
    }

    static BatchSystem SystemRow(YamlMap map)
    {
        string? form = map.Text("form")?.Value;
        if ((map.Text("nodes") is null) != (form is null) || form is not (null or "slurm" or "file"))
            throw LaunchErrors.NodesWithoutForm(map);
        IReadOnlyList<string> inside = List(map, "inside");
        return new BatchSystem(map.Required("name").Value, inside.Count > 0 ? inside : throw LaunchErrors.NoInside(map),
            map.Text("nodes")?.Value, form, map.Text("slots")?.Value, List(map, "prefixes"));
    }

    static int[] Stopping(YamlMap map)
    {
        IReadOnlyList<string> names = List(map, "stop");
        if (names.FirstOrDefault(n => !Signals.ContainsKey(n)) is { } unknown)
            throw LaunchErrors.NoSignal(map, unknown, Signals.Keys);
        return names.Count == 0 ? [SIGTERM] : [.. names.Select(n => Signals[n])];
    }

    static Dictionary<string, IReadOnlyList<string>>? Bindings(YamlMap map)
    {
        if (!map.Has("bind-to"))
            return null;
        Dictionary<string, IReadOnlyList<string>> bindings = new(StringComparer.Ordinal);
        foreach ((Located name, YamlNode value) in map.Entries("bind-to"))
            bindings[name.Value] = value is YamlSequenceNode list && list.Children.All(c => c is YamlScalarNode)
                ? [.. list.Children.Select(c => ((YamlScalarNode)c).Value!)]
                : throw LaunchErrors.BindingIsNoList(map, name);
        return bindings;
    }

    static Question? Ask(YamlMap map, string key, string? group = null) =>
        map.Map(key, "arguments", "pattern") is { } question
        ? new Question(List(question, "arguments"), Expression(question, "pattern", group)) : null;

    static IReadOnlyList<string> List(YamlMap map, string key) => [.. map.Texts(key, shell: true).Select(t => t.Value)];

    static Regex Expression(YamlMap map, string key, string? group) =>
        map.Text(key, shell: true) is not { } text ? throw LaunchErrors.NoExpression(map, key)
        : Compile(map, key, text.Value) is var expression && (group is null || expression.GetGroupNames().Contains(group)) ? expression
        : throw LaunchErrors.NoGroup(map, key, group);

    // what a launcher says is short, but a site's expression need not be a good one
    static Regex Compile(YamlMap map, string key, string text)
    {
        try
        {
            return new Regex(text, RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.Multiline,
                TimeSpan.FromSeconds(1));
        }
        catch (ArgumentException e)
        {
            throw LaunchErrors.BadExpression(map, key, e);
        }
    }
}
