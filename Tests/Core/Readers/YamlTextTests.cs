using System.Diagnostics;
using Slipway.Definitions;
using Slipway.Discovery;
using Slipway.Launching;
using Slipway.Readers;
using Slipway.Readers.Yaml;

namespace Slipway.Tests.Readers;

/// <summary>
/// Every YAML file has one way in: what its parser throws, and what would take all memory, is an error of ours, by the name that the file's
/// reader gives to all of its errors.
/// </summary>
public sealed class YamlTextTests
{
    /// <summary>What YamlDotNet meets unprepared, or takes for more than it is.</summary>
    public static TheoryData<string, string> Texts
    {
        get
        {
            TheoryData<string, string> all = [];
            foreach (string reader in new[] { "definition", "configuration", "launchers", "compatibility", "symptoms", "resolver" })
                foreach (string text in new[]
                {
                    "files:\n  - {from: a,\n\tto: b}\n", "a:\n  - [b,\n\tc]\n", "a:\n  - {b: c,\n\td}\n", "a: \"\\UFFFFFFFF\"\n",
                    "a: \"\\U00110000\"\n", "a: \"\\ud800\"\n", "a: \"\\x\"\n", "%YAML 9999999999999.1\n---\na: b\n", "? [a\n",
                    "&a &b c: d\n", "a: *b\n",
                    "a: " + new string('[', 1000), "- " + string.Concat(Enumerable.Repeat("- ", 1000)), "a: !<\n", "a: |99999999999\n b\n",
                    "\"a\\0b\": c\n",
                })
                    all.Add(reader, text);
            return all;
        }
    }

    [Theory, MemberData(nameof(Texts))]
    public void WhateverTheParserThrowsIsAnErrorWithItsPlace(string reader, string text)
    {
        using TemporaryDirectory directory = new();
        directory.Write("x.yaml", text);
        string path = Path.Combine(directory.Path, "x.yaml");
        SlipwayException e = Assert.Throws<SlipwayException>(() => Read(reader, directory.Path, path, text));
        Assert.StartsWith(path + ":", e.Message, StringComparison.Ordinal);
        Assert.Matches(":[0-9]+:[0-9]+: ", e.Message[path.Length..]);
        string id = reader switch
        {
            "definition" => "Definition",
            "configuration" => "ConfigurationInvalid",
            "launchers" or "compatibility" or "symptoms" => "LaunchersInvalid",
            _ => "ResolverInvalid",
        };
        Assert.StartsWith(id, e.Id, StringComparison.Ordinal);
        Assert.DoesNotContain(reader == "definition" ? "docs/running.md" : "docs/definition.md", e.Message + e.Recommendation,
            StringComparison.Ordinal);
    }

    static object Read(string reader, string directory, string path, string text) => reader switch
    {
        "definition" => DefinitionReader.Parse(text, path),
        "configuration" => YamlMap.Parse(text, path, YamlForm.Configuration, "the configuration", "cache", "binds"),
        "launchers" => LauncherTable.ReadFrom(path),
        "compatibility" => YamlMap.Parse(text, path, YamlForm.Compatibility, "the table", "pairs", "variables"),
        "symptoms" => YamlMap.ParseList(text, path, YamlForm.Symptoms, "a symptom", "check", "says"),
        _ => RuleFile.Site(directory).ToList(),
    };

    [Theory]
    [InlineData("files: [{from: \"a\\0b\", to: /x}]", "1", "'from' has a zero in it")]
    [InlineData("run: [\"a\\0b\"]", "1", "an item of 'run' has a zero in it")]
    [InlineData("labels: {\"a\\0b\": c}", "1", "a key has a zero in it")]
    [InlineData("environment: {A: \"\\0\"}", "1", "'environment.A' has a zero in it")]
    public void AZeroInATextIsAnErrorWithItsPlace(string line, string column, string says)
    {
        SlipwayException e = Assert.Throws<SlipwayException>(() => DefinitionReader.Parse("from: empty\n" + line + "\n", "/site/app.yaml"));
        Assert.StartsWith("/site/app.yaml:2:", e.Message, StringComparison.Ordinal);
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
        Assert.NotNull(column);
    }

    /// <summary>The text of a definition is at most 1 MiB; with its variables written out it was 200 MB and more.</summary>
    [Theory]
    [InlineData("runscript: \"", "${a}", 200_000, "\"")]
    [InlineData("run: [", "\"${a}${a}${a}\",", 40_000, "]")]
    [InlineData("labels: {x: &x \"${a}${a}\", y: [", "*x,", 20_000, "]}")]
    [InlineData("environment: {", "A: \"${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}\", ", 1, "}\nruns: 1")]
    public void WhatVariablesMakeIsBounded(string begin, string again, int times, string end)
    {
        string text = $"from: empty\nvariables: {{a: "
            + $"{new string('x', 1000)}}}\n{begin}{string.Concat(Enumerable.Repeat(again, times))}{end}\n";
        SlipwayException e = Assert.Throws<SlipwayException>(() => DefinitionReader.Parse(text, "/site/app.yaml"));
        Assert.StartsWith("/site/app.yaml:", e.Message, StringComparison.Ordinal);
        if (again.StartsWith("${", StringComparison.Ordinal) || again.StartsWith("\"${", StringComparison.Ordinal))
            Assert.Equal("DefinitionTooLarge", e.Id);
    }

    [Theory]
    [InlineData("${", 400_000)]
    [InlineData("$", 800_000)]
    [InlineData("${a", 250_000)]
    public void ManyBeginningsOfVariablesTakeNoTime(string again, int times)
    {
        Stopwatch time = Stopwatch.StartNew();
        Definition definition = DefinitionReader.Parse(
            $"from: empty\nvariables: {{a: b}}\nrunscript: '{string.Concat(Enumerable.Repeat(again, times))}'\n", "/site/app.yaml");
        Assert.Equal(again.Length * times, definition.Runscript!.Length);
        Assert.InRange(time.Elapsed.TotalSeconds, 0, 20);
    }

    [Theory]
    [InlineData("${a}", "b")]
    [InlineData("$${a}", "${a}")]
    [InlineData("$$${a}", "$${a}")]
    [InlineData("x${a}${a}y", "xbby")]
    [InlineData("${HOME}", "${HOME}")]
    [InlineData("${a", "${a")]
    [InlineData("${}", "${}")]
    [InlineData("$${", "$${")]
    public void VariablesAreReplacedAndWhatIsTheShellsStays(string text, string expected) =>
        Assert.Equal(expected, DefinitionReader.Parse($"from: empty\nvariables: {{a: b}}\nrunscript: '{text}'\n", "/site/app.yaml")
            .Runscript);

    [Theory]
    [InlineData(4, false)]
    [InlineData(40, true)]
    public void BracesDoNotMultiplyWithoutALimit(int braces, bool refused)
    {
        string pattern = "/" + string.Concat(Enumerable.Repeat("{a,b}", braces));
        if (refused)
            Assert.Equal("PatternTooLarge", Assert.Throws<SlipwayException>(() => PathPattern.Parse(pattern)).Id);
        else
            Assert.Equal(16, PathPattern.Parse(pattern).Count());
    }
}
