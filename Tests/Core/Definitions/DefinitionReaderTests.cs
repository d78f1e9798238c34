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
        Assert.True(definition.FabricAuto);
        Assert.Equal((Path.Combine(directory.Path, "in.melt"), "/opt/in.melt", Convert.ToInt32("640", 8)), (definition.Files[0].From, definition.Files[0].To, definition.Files[0].Mode));
        Assert.Equal(["ldconfig", "echo done"], definition.Run.Select(r => r.Value));
        Assert.Equal(("1", ""), (definition.Environment["OMP_NUM_THREADS"], definition.Environment["EMPTY"]));
        Assert.Equal(("exec lmp \"$@\"", "lmp -h", "hpc@example.org"), (definition.Runscript, definition.Test!.Value, definition.Labels["maintainer"]));
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
    [InlineData("from: deb\nsuite: bookworm\nfiles: [{from: /etc/passwd, to: /x, mode: rw}]\n", "DefinitionWrongType", "/site/app.yaml:3:43:", "0644")]
    [InlineData("from: deb\nsuite: bookworm\nrepositories: [{name: a, url: 'https://h/x'}]\n", "RepositoryWithoutKey", "'a' has no key", "trusted: true")]
    [InlineData("from: deb\nsuite: bookworm\nrepositories: [{name: a, url: 'gopher://h/x', trusted: true}]\n", "DefinitionBadUrl", "/site/app.yaml:3:31:", "https://")]
    [InlineData("from: deb\nsuite: bookworm\nenvironment: {2BAD: x}\n", "DefinitionBadName", "/site/app.yaml:3:15:", null)]
    [InlineData("from: deb\nsuite: bookworm\nfabric: yes\n", "DefinitionWrongType", "/site/app.yaml:3:9:", null)]
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
