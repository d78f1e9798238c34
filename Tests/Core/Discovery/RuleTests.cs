using Slipway.Discovery;

namespace Slipway.Tests.Discovery;

/// <summary>Files of rules: what they mean, and what is wrong in them.</summary>
public sealed class RuleTests : IDisposable
{
    readonly HostFixture host = new();

    public void Dispose() => host.Dispose();

    [Theory]
    [InlineData("name: x\nwhy: y\nrules: [{when: {soname: [a]}, addd: [b]}]\n", "site.yaml:3:31: unknown key 'addd'")]
    [InlineData("name: x\nwhy: y\nrules: [{add: [b]}]\n", "site.yaml:3:9: 'when' is missing")]
    [InlineData("name: x\nwhy: y\nrules: [{when: {}, add: [b]}]\n", "'when' names nothing")]
    [InlineData("name: x\nwhy: y\nrules: [{when: {soname: a}, read: /x, line: '(', add: [b]}]\n", "'line' is not a regular expression")]
    [InlineData("name: x\nwhy: y\nrules: [{when: {soname: a}, read: /x, add: [b]}]\n", "a rule has both 'read' and 'line', or neither")]
    [InlineData("why: y\n", "'name' is missing")]
    [InlineData("a: [\n", "not YAML")]
    public void AWrongRuleIsToldWithItsPlace(string text, string says)
    {
        host.Write("/site/site.yaml", text);
        SlipwayException error = Assert.Throws<SlipwayException>(() =>
            host.Find(new DependencyRequest { Files = ["/lib"], SiteRules = host.Outside("/site") }));
        Assert.Contains(says, error.Message);
        Assert.Contains("/site/site.yaml:", error.Message);
        Assert.NotNull(error.Recommendation);
    }

    [Fact]
    public void ARuleHasWhatItsFileSays()
    {
        IReadOnlyList<Rule> rules = RuleFile.Parse("""
            name: solver
            why: it opens its kernels by name
            rules:
              - when: {soname: "libsolver.so.*", path: ["/opt/{a,b}/run"], imports: [solve], except: [libown.so]}
                near: libc.so.6
                read: /etc/solver.conf
                line: '^use (?<kernel>\w+)$'
                add: ["$ORIGIN/$kernel.so", libextra.so.1]
                without: ["lib{x,y}*.so"]
                largest: 5
                why: the configuration names it
                note: its licence server has to be reachable
              - when: {imports: solve}
                add: /etc/solver.conf
            """, "solver.yaml");
        Assert.Equal(["solver", "solver"], rules.Select(r => r.Name));
        Rule first = rules[0], second = rules[1];
        Assert.Equal("libsolver.so.* solve libown.so", string.Join(" ", [.. first.Sonames, .. first.Imports, .. first.Except]));
        Assert.Equal(["/opt/a/run", "/opt/b/run"], first.Paths.Select(p => p.Text));
        Assert.Equal(("libc.so.6", "/etc/solver.conf"), (first.Near, Assert.Single(first.Read)));
        Assert.Equal("fast", first.Line!.Match("use fast").Groups["kernel"].Value);
        Assert.Equal(["$ORIGIN/$kernel.so", "libextra.so.1"], first.Add);
        Assert.Equal(["libx*.so", "liby*.so"], first.Without);
        Assert.Equal((5, "the configuration names it", "its licence server has to be reachable"), (first.Largest, first.Why, first.Note));
        Assert.Equal(("it opens its kernels by name", 64L << 20, null, null), (second.Why, second.Largest, second.Note, second.Line));
    }

    [Fact]
    public void AResolverIsBuiltInForEachFileOfItsName()
    {
        IEnumerable<string?> files = Directory.GetFiles(Path.Combine(Cli.Repository, "Module/Discovery/Rules"), "*.yaml")
            .Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal);
        Assert.Equal(files, RuleFile.BuiltIn.Select(rules => rules[0].Name));
        Assert.All(RuleFile.BuiltIn, rules => Assert.Single(rules.Select(r => r.Name).Distinct()));
    }

    [Fact]
    public void TheSitesFilesAreReadInTheOrderOfTheirNames()
    {
        string Text(string name) => $"name: {name}\nwhy: y\nrules: [{{when: {{soname: a}}, add: b}}]\n";
        host.Write("/site/20-second.yaml", Text("second"));
        host.Write("/site/10-first.yaml", Text("first"));
        host.Write("/site/00-note.txt", "not a rule");
        Assert.Equal(["first", "second"], RuleFile.Site(host.Outside("/site")).Select(r => r[0].Name));
        Assert.Empty(RuleFile.Site(host.Outside("/nothing")));
    }

    [Fact]
    public void ARuleThatAddsNothingOrAFileThatIsTooLargeIsAnError()
    {
        Assert.Equal("ResolverInvalid",
            Assert.Throws<SlipwayException>(() => RuleFile.Parse("name: x\nwhy: y\nrules: [{when: {soname: a}}]\n", "x.yaml")).Id);
        host.Write("/site/large.yaml", "#" + new string('x', 1 << 20));
        SlipwayException error = Assert.Throws<SlipwayException>(() => RuleFile.Site(host.Outside("/site")).ToList());
        Assert.Equal("ResolverUnreadable", error.Id);
        Assert.Contains("/site/large.yaml", error.Message);
    }
}
