using System.Text.RegularExpressions;
using Slipway.Linux;
using Slipway.Readers;
using Slipway.Readers.Yaml;

namespace Slipway.Discovery;

/// <summary>What a file asks for that the loader cannot see. <c>docs/resolvers.md</c> has the keys.</summary>
/// <param name="Why">For the reason of each file.</param>
/// <param name="Sonames">The file is a library of such a name; <c>*</c> is a wildcard.</param>
/// <param name="Paths">The file lies at such a path.</param>
/// <param name="Imports">It imports one of these symbols.</param>
/// <param name="Except">It is none of these libraries; <c>*</c> is a wildcard.</param>
/// <param name="Near">A library of the same process: <c>$ORIGIN</c> is then its directory, not the file's.</param>
/// <param name="Read">Configuration files, each line of which <paramref name="Line"/> is held against.</param>
/// <param name="Line">Its groups become variables in <paramref name="Add"/>.</param>
/// <param name="Add">Patterns of paths, or names for dlopen(3).</param>
/// <param name="Without">Names of files, with wildcards, that these patterns do not mean.</param>
/// <param name="Largest">Bytes; what a pattern finds beyond that in all stays out, and is told.</param>
/// <param name="Note">What a person should know when the rule applies.</param>
sealed record Rule(string Name, string Why, IReadOnlyList<string> Sonames, IReadOnlyList<PathPattern> Paths, IReadOnlyList<string> Imports,
    IReadOnlyList<string> Except, string? Near,
    IReadOnlyList<string> Read, Regex? Line, IReadOnlyList<string> Add, IReadOnlyList<string> Without, long Largest, string? Note);

/// <summary>The rules that are built in, one file a resolver, and the site's: YAML of one form.</summary>
static class RuleFile
{
    public const string SiteDirectory = "/etc/slipway/resolvers.d";

    const string Prefix = "Slipway.Discovery.Rules.";
    const int LargestFile = 1 << 20;
    const long DefaultLargest = 64L << 20;

    static readonly Lazy<IReadOnlyList<IReadOnlyList<Rule>>> Embedded = new(() =>
        [.. typeof(RuleFile).Assembly.GetManifestResourceNames().Where(n => n.StartsWith(Prefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).Select(Load)]);

    /// <summary>Each element is one resolver's.</summary>
    public static IReadOnlyList<IReadOnlyList<Rule>> BuiltIn => Embedded.Value;

    static IReadOnlyList<Rule> Load(string resource)
    {
        using StreamReader reader = new StreamReader(typeof(RuleFile).Assembly.GetManifestResourceStream(resource)!);
        return Parse(reader.ReadToEnd(), resource[Prefix.Length..]);
    }

    /// <summary>The site's rules, in the order of their files' names.</summary>
    /// <exception cref="SlipwayException">A file cannot be read, or is no such file; the error has file, line and column.</exception>
    public static IEnumerable<IReadOnlyList<Rule>> Site(string directory)
    {
        if (!Directory.Exists(directory))
            yield break;
        foreach (string? path in Directory.EnumerateFiles(directory, "*.yaml").Order(StringComparer.Ordinal))
        {
            string text;
            try
            {
                text = OpenedFile.TextNamed(path, LargestFile);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw DiscoveryErrors.ResolverUnreadable(path, e);
            }
            yield return Parse(text, path);
        }
    }

    public static IReadOnlyList<Rule> Parse(string text, string file)
    {
        YamlMap map = YamlMap.Parse(text, file, YamlForm.Resolver, "the resolver", "name", "why", "rules");
        (string? name, string? why) = (map.Required("name").Value, map.Required("why").Value);
        return [.. map.Maps("rules", "when", "near", "read", "line", "add", "without", "largest", "why", "note")
            .Select(r => One(r, name, why))];
    }

    static Rule One(YamlMap map, string name, string why)
    {
        YamlMap when = map.Map("when", "soname", "path", "imports", "except") ?? throw DiscoveryErrors.RuleWithoutWhen(map);
        string[] List(YamlMap of, string key) => [.. of.Texts(key, orSingle: true, shell: true).Select(t => t.Value)];
        (string[]? sonames, string[]? paths, string[]? imports) = (List(when, "soname"), List(when, "path"), List(when, "imports"));
        if (sonames.Length + paths.Length + imports.Length == 0)
            throw DiscoveryErrors.RuleForNothing(map);
        (string[]? read, string[]? add) = (List(map, "read"), List(map, "add"));
        if ((read.Length > 0) != (map.Text("line") is not null))
            throw DiscoveryErrors.ReadWithoutLine(map);
        if (add.Length == 0 && map.Text("note") is null)
            throw DiscoveryErrors.RuleAddsNothing(map);
        return new Rule(name, map.Text("why")?.Value ?? why, sonames, [.. paths.SelectMany(PathPattern.Parse)], imports,
            List(when, "except"), map.Text("near")?.Value, read,
            map.Text("line", shell: true) is { } line ? Expression(map, line.Value) : null, add,
            [.. List(map, "without").SelectMany(w => PathPattern.Parse(w)).Select(w => w.Text)], map.Number("largest") ?? DefaultLargest,
            map.Text("note")?.Value);
    }

    static Regex Expression(YamlMap map, string text)
    {
        try
        {
            return new Regex(text, RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
        }
        catch (ArgumentException e)
        {
            throw DiscoveryErrors.NotAnExpression(map, e);
        }
    }
}
