using Slipway.Launching;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Launching;

public class LauncherTableTests
{
    const string Mine = """
        launchers:
        - name: mine
          programs: [mylauncher]
          recognise: {arguments: [--version], pattern: 'MyLauncher (?<version>[0-9.]+)'}
          gives: [pmi1]
          ranks: [-r, "{ranks}"]
          hosts: [-h, "{hosts}"]
        """;

    static LauncherTable Site(string text) => LauncherTable.Parse(text, "/etc/slipway/launchers.yaml", LauncherTable.BuiltIn);

    [Fact]
    public void TheBuiltInRowsAreWhole()
    {
        LauncherTable table = LauncherTable.BuiltIn;
        Assert.Equal(table.Launchers.Count, table.Launchers.Select(l => l.Name).Distinct().Count());
        foreach (string name in new[] { "openmpi", "prrte", "hydra", "intel", "srun-pmix", "srun-pmi2", "srun-cray", "srun-none", "pals",
            "flux", "jsrun", "blaunch" })
            Assert.Contains(table.Launchers, l => l.Name == name);
        Assert.Equal(["slurm", "sge", "pbs", "lsf", "flux"], table.BatchSystems.Select(b => b.Name));
        foreach (Launcher row in table.Launchers)
        {
            Assert.NotEmpty(row.Programs);
            Assert.NotEmpty(row.Stop);
            // a row that can take a number for each node can take one for one
            Assert.Equal(row.RanksPerNode.Count > 0, row.OnePerNode.Count > 0);
            Assert.NotNull(row.Variables.Rank);
        }
    }

    [Fact]
    public void ASiteSRowStandsBeforeOurs()
    {
        LauncherTable table = Site(Mine);
        Assert.Equal("mine", table.Launchers[0].Name);
        Assert.Equal(LauncherTable.BuiltIn.Launchers.Count + 1, table.Launchers.Count);
        Assert.Equal(LauncherTable.BuiltIn.BatchSystems.Count, table.BatchSystems.Count);
        Assert.Equal("/etc/slipway/launchers.yaml:2:9", table.Launchers[0].Where);
        Assert.Equal([SIGTERM], table.Launchers[0].Stop);
    }

    [Fact]
    public void ARowOfTheSameNameStandsInsteadOfOurs()
    {
        LauncherTable table = Site("launchers: [{name: openmpi, like: openmpi, programs: [/opt/mpi/bin/mpirun], "
            + "always: [--mca, btl, self]}]");
        Launcher row = Assert.Single(table.Launchers, l => l.Name == "openmpi");
        Assert.Equal(["/opt/mpi/bin/mpirun"], row.Programs);
        Assert.Equal(["-np", "{ranks}"], row.Ranks);
        Assert.Equal(["--mca", "btl", "self"], row.Always);
        Assert.NotEmpty(row.Failed);
    }

    [Theory]
    [InlineData("  pogroms: [x]\n", "3:3", "unknown key 'pogroms'")]
    [InlineData("  programs: []\n  recognise: {pattern: x}\n", "", "names no program")]
    [InlineData("  programs: [x]\n", "", "has no 'recognise'")]
    [InlineData("  programs: [x]\n  recognise: {pattern: '['}\n", "4:", "not a regular expression")]
    [InlineData("  programs: [x]\n  recognise: {pattern: x}\n  gives: [pmi9]\n", "5:", "not a process management interface")]
    [InlineData("  programs: [x]\n  recognise: {pattern: x}\n  ranks: [-n, '{rank}']\n", "5:", "'{rank}', and Slipway does not fill")]
    [InlineData("  programs: [x]\n  recognise: {pattern: x}\n  stop: [KILL]\n", "5:", "not a signal")]
    [InlineData("  programs: [x]\n  recognise: {pattern: x}\n  bind-to: {core: --core}\n", "5:", "must be a list")]
    [InlineData("  programs: [x]\n  recognise: {pattern: x}\n  tag: {arguments: [-l], pattern: x}\n", "5:", "no group 'rank'")]
    [InlineData("  like: nothing\n  programs: [x]\n", "3:", "no launcher before this one has that name")]
    [InlineData("  programs: {a: b}\n  recognise: {pattern: x}\n", "3:", "must be a list")]
    public void ABadRowIsAnErrorWithFileLineAndField(string rest, string place, string said)
    {
        SlipwayException error = Assert.Throws<SlipwayException>(() => Site("launchers:\n- name: mine\n" + rest));
        Assert.Equal("LaunchersInvalid", error.Id);
        Assert.StartsWith("/etc/slipway/launchers.yaml:" + place, error.Message, StringComparison.Ordinal);
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Recommendation);
    }

    [Theory]
    [InlineData("launchers: [")]
    [InlineData("launcher: []")]
    [InlineData("- a")]
    [InlineData("allocations: [{name: x, inside: [A], nodes: B}]")]
    [InlineData("launchers:\n- {name: a, like: openmpi}\n- {name: a, like: openmpi}")]
    public void AFileThatIsNoTableIsRefused(string text) =>
        Assert.Equal("LaunchersInvalid", Assert.Throws<SlipwayException>(() => Site(text)).Id);

    [Fact]
    public void WithoutTheSiteSFileOursStand()
    {
        using TemporaryDirectory directory = new();
        Assert.Same(LauncherTable.BuiltIn, LauncherTable.ReadFrom(Path.Combine(directory.Path, "none.yaml")));
        File.WriteAllText(Path.Combine(directory.Path, "empty.yaml"), "\n");
        Assert.Same(LauncherTable.BuiltIn, LauncherTable.ReadFrom(Path.Combine(directory.Path, "empty.yaml")));
    }
}
