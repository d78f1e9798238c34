using Slipway.Definitions;

namespace Slipway.Tests.Definitions;

public class DefinitionReaderTests
{
    static Definition Parse(string text) => DefinitionReader.Parse(text, "/site/app.yaml");

    static SlipwayException Refused(string text) => Assert.Throws<SlipwayException>(() => Parse(text));

    [Fact]
    public void ReadsEveryKey()
    {
        using TemporaryDirectory directory = new();
        File.WriteAllText(Path.Combine(directory.Path, "in.melt"), "");
        File.WriteAllText(Path.Combine(directory.Path, "site.asc"), "");
        Definition definition = DefinitionReader.Parse("""
            from: deb
            suite: bookworm
            repositories:
              - {name: main, components: [main, contrib]}
              - {name: site, url: "https://repo.example.org/debian", suite: stable, components: main, key: site.asc, priority: 900}
            packages: [openmpi-bin, lammps=1.2-3]
            fabric: auto
            files: [{from: ./in.melt, to: /opt/in.melt, mode: "0640"}]
            run: [ldconfig, "echo done"]
            environment: {OMP_NUM_THREADS: "1", EMPTY: ""}
            runscript: exec lmp "$@"
            test: lmp -h
            labels: {maintainer: hpc@example.org}
            """, Path.Combine(directory.Path, "app.yaml"));

        DebSource source = Assert.IsType<DebSource>(definition.Source);
        Assert.Equal("bookworm", source.Suite.Value);
        Assert.Equal(["openmpi-bin", "lammps=1.2-3"], source.Packages.Select(p => p.Value));
        Assert.True(source.Repositories[0].IsOwn);
        Assert.Equal(["main", "contrib"], source.Repositories[0].Components);
        PackageRepository site = source.Repositories[1];
        Assert.Equal(["https://repo.example.org/debian"], site.Urls);
        Assert.Equal(("stable", 900, Path.Combine(directory.Path, "site.asc")), (site.Suite, site.Priority, site.Key!.File));
        Assert.Equal(["auto"], definition.Fabric.Select(f => f.Value));
        Assert.Equal((Path.Combine(directory.Path, "in.melt"), "/opt/in.melt", Convert.ToInt32("640", 8)),
            (definition.Files[0].From, definition.Files[0].To, definition.Files[0].Mode));
        Assert.Equal(["ldconfig", "echo done"], definition.Run.Select(r => r.Value));
        Assert.Equal(("1", ""), (definition.Environment["OMP_NUM_THREADS"], definition.Environment["EMPTY"]));
        Assert.Equal(("exec lmp \"$@\"", "lmp -h", "hpc@example.org"),
            (definition.Runscript, definition.Test!.Value, definition.Labels["maintainer"]));
    }

    [Theory]
    [InlineData("from: deb\nsuite: bookworm\npakages: [a]\n", "DefinitionUnknownKey", "/site/app.yaml:3:1:", "Did you mean 'packages'?")]
    [InlineData("from: deb\nsuite: bookworm\npackages: openmpi-bin\n", "DefinitionWrongType", "/site/app.yaml:3:11:", "[a, b]")]
    [InlineData("from: deb\nsuite: bookworm\npackages: [{a: b}]\n", "DefinitionWrongType", "/site/app.yaml:3:12:", null)]
    [InlineData("from: deb\nsuite: [bookworm]\n", "DefinitionWrongType", "/site/app.yaml:2:8:", null)]
    [InlineData("from: deb\n", "DefinitionMissingKey", "'suite' is missing", "suite:")]
    [InlineData("suite: bookworm\n", "DefinitionMissingKey", "'from' is missing", "from:")]
    [InlineData("from: tar\nsuite: x\n", "DefinitionUnknownSource", "/site/app.yaml:1:7:", "from: deb")]
    [InlineData("from: deb\nsuite: bookworm\npackages: ['a; rm -rf /']\n", "DefinitionBadName", "/site/app.yaml:3:12:", "NAME=VERSION")]
    [InlineData("from: deb\nsuite: '--help'\n", "DefinitionBadName", "/site/app.yaml:2:8:", null)]
    [InlineData("from: deb\nsuite: bookworm\nfiles: [{from: nope, to: /x}]\n", "DefinitionFileNotFound", "/site/app.yaml:3:16:", null)]
    [InlineData("from: deb\nsuite: bookworm\nfiles: [{from: /etc/passwd, to: ../x}]\n", "DefinitionBadPath", "/site/app.yaml:3:33:", null)]
    [InlineData("from: deb\nsuite: bookworm\nfiles: [{from: /etc/passwd, to: /x, mode: rw}]\n", "DefinitionWrongType",
        "/site/app.yaml:3:43:", "0644")]
    [InlineData("from: deb\nsuite: bookworm\nrepositories: [{name: a, url: 'https://h/x'}]\n", "RepositoryWithoutKey", "'a' has no key",
        "trusted: true")]
    [InlineData("from: deb\nsuite: bookworm\nrepositories: [{name: a, url: 'gopher://h/x', trusted: true}]\n", "DefinitionBadUrl",
        "/site/app.yaml:3:31:", "https://")]
    [InlineData("from: deb\nsuite: bookworm\nenvironment: {2BAD: x}\n", "DefinitionBadName", "/site/app.yaml:3:15:", null)]
    [InlineData("from: empty\nfabric: auto\n", "DefinitionWrongType", "/site/app.yaml:2:9:", null)]
    [InlineData("from: deb\nsuite: bookworm\nfabric: yes\n", "DefinitionUnknownProvider", "/site/app.yaml:3:9:", null)]
    [InlineData("from: [deb\n", "DefinitionNotYaml", "/site/app.yaml:", null)]
    [InlineData("- a\n", "DefinitionWrongType", "/site/app.yaml:1:1:", null)]
    [InlineData("", "DefinitionNotYaml", "/site/app.yaml:1:1:", null)]
    public void RefusesWithFileLineAndColumn(string text, string id, string says, string? recommends)
    {
        SlipwayException error = Refused(text);
        Assert.Equal(id, error.Id);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        if (recommends is not null)
            Assert.Contains(recommends, error.Recommendation, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("from: rpm\nrepositories: [{name: a, url: 'https://h/x', metalink: 'https://h/m', trusted: true}]\npackages: [a]\n",
        "DefinitionConflict", ":2:23:")]
    [InlineData("from: rpm\nrepositories: [{name: a, url: 'https://h/x', suite: b, trusted: true}]\npackages: [a]\n",
        "DefinitionUnknownKey", ":2:46:")]
    [InlineData("from: rpm\n", "DefinitionMissingKey", "'packages' is missing")]
    [InlineData("from: rpm\npackages: ['--installroot=/']\n", "DefinitionBadName", ":2:12:")]
    [InlineData("from: rpm\nrepositories: [{name: a, url: 'https://me:secret@h/x', trusted: true}]\npackages: [a]\n",
        "DefinitionBadUrl", ":2:31:")]
    [InlineData("from: rpm\nrepositories: [{name: a, url: 'https://h/x', key: nowhere.asc}]\npackages: [a]\n",
        "DefinitionFileNotFound", ":2:51:")]
    [InlineData("from: rpm\nrepositories: [{name: a, url: 'https://h/x', fingerprint: 12}]\npackages: [a]\n",
        "DefinitionWrongType", ":2:59:")]
    [InlineData("from: image\nimage: sha256:12\n", "DefinitionBadDigest", ":2:8:")]
    [InlineData("from: archive\narchive: nowhere.tar\n", "DefinitionFileNotFound", ":2:10:")]
    [InlineData("from: empty\npackages: [a]\n", "DefinitionUnknownKey", ":2:1:")]
    [InlineData("from: deb\nsuite: ${release}\n", "DefinitionUnknownVariable", ":2:8:")]
    [InlineData("variables: {release: ~}\nfrom: deb\nsuite: ${release}\n", "DefinitionVariableNotSet", "'release'")]
    [InlineData("from: empty\nfiles: [{stage: a, from: /x, to: /x}]\n", "DefinitionUnknownStage", ":2:17:")]
    [InlineData("from: empty\nstages:\n  a: {from: empty, files: [{stage: b, from: /x, to: /x}]}\n"
        + "  b: {from: empty, files: [{stage: a, from: /x, to: /x}]}\n",
        "DefinitionStageCycle", "a from b from a")]
    [InlineData("from: empty\nstages:\n  a: {from: empty, files: [{stage: a, from: /x, to: /x}]}\nfiles: [{stage: a, from: /x, to: /x}]\n",
        "DefinitionStageCycle", ":3:36:")]
    [InlineData("from: empty\nstages:\n  a: {from: empty, runscript: x}\n", "DefinitionUnknownKey", ":3:20:")]
    [InlineData("from: &a [*a]\n", "DefinitionNotYaml", "has no anchor before it")]
    public void RefusesWhatOtherSourcesAndStagesCannotHave(string text, string id, string says)
    {
        SlipwayException error = Refused(text);
        Assert.Equal(id, error.Id);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RefusesAliasesThatExplodeAndDeepNesting()
    {
        System.Text.StringBuilder laughs = new("from: empty\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 30; i++)
            laughs.Append(System.Globalization.CultureInfo.InvariantCulture,
                $"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat("*a" + (i - 1), 10))}]\n");
        Assert.Equal("DefinitionTooLarge", Refused(laughs.ToString()).Id);
        Assert.Equal("DefinitionTooLarge", Refused("from: " + new string('[', 500_000)).Id);
        Assert.Equal("DefinitionTooLarge", Refused("from: " + string.Concat(Enumerable.Repeat("{a: ", 100_000))).Id);
    }

    [Fact]
    public void VariablesAreReplacedAndTheShellsAreLeft()
    {
        Definition definition = DefinitionReader.Parse("""
            variables: {suite: bookworm, what: hello}
            from: deb
            suite: ${suite}
            packages: ["${what}"]
            run: ["echo ${what} ${HOME} $${what}"]
            """, "/site/app.yaml", new Dictionary<string, string> { ["suite"] = "trixie" });
        Assert.Equal("trixie", Assert.IsType<DebSource>(definition.Source).Suite.Value);
        Assert.Equal("echo hello ${HOME} ${what}", definition.Run[0].Value);
        Assert.Equal("DefinitionUnknownVariable",
            Assert.Throws<SlipwayException>(() =>
                DefinitionReader.Parse("from: empty\n", "/site/app.yaml", new Dictionary<string, string> { ["x"] = "" })).Id);
    }

    [Fact]
    public void NamesADefinitionThatIsNotThere() =>
        Assert.Equal("DefinitionNotFound", Assert.Throws<SlipwayException>(() => DefinitionReader.Read("/nowhere/app.yaml")).Id);

    [Fact]
    public void RefusesWhatIsTooLargeToBeWrittenByHand()
    {
        using TemporaryDirectory directory = new();
        string path = Path.Combine(directory.Path, "big.yaml");
        File.WriteAllText(path, "from: deb\n#" + new string('x', 10 << 20));
        Assert.Equal("DefinitionTooLarge", Assert.Throws<SlipwayException>(() => DefinitionReader.Read(path)).Id);
    }
}
