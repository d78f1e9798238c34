using System.Text.Json;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Scenarios;

/// <summary>
/// Ranks under the real launchers of this host. They are shells: whether MPI itself works in an image is what the matrix on the test
/// cluster tells.
/// </summary>
public sealed class MpiRunTests
{
    /// <summary>Each, and the variable that has a rank's number.</summary>
    public static TheoryData<string, string> Launchers => new() { { "openmpi", "OMPI_COMM_WORLD_RANK" }, { "hydra", "PMI_RANK" } };

    static Cli.Running Start(RunSite site, string launcher, params string[] arguments)
    {
        // Open MPI takes as many ranks as there are cores; who runs it as root has to say so, which is what a plan does by itself
        string[] more = launcher == "openmpi" ? ["--launcher-argument=--oversubscribe"] : [];
        return site.Start([Cli.Program, "mpi", "--launcher", launcher, .. more, .. arguments], cwd: site.Scratch);
    }

    [RankTheory]
    [MemberData(nameof(Launchers))]
    public void RanksSayWhoTheyAre(string launcher, string rank)
    {
        using RunSite site = new(RunSite.Ordinary);
        Cli.Result result = Start(site, launcher, "-n", "3", "--tag", "--environment", "GREETING=good day", TinyImage.File, "--", "sh",
            "-c", $"echo $GREETING ${rank}").Wait(120);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal(["[0] good day 0", "[1] good day 1", "[2] good day 2"],
            result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());
    }

    [RankTheory]
    [MemberData(nameof(Launchers))]
    public void AFailedRankIsNamedWithItsLastLines(string launcher, string rank)
    {
        using RunSite site = new(RunSite.Ordinary);
        Cli.Result result = Start(site, launcher, "-n", "3", "--json", TinyImage.File, "--", "sh", "-c",
            $"echo I am ${rank}; [ ${rank} != 1 ] || {{ echo no input >&2; exit 7; }}; sleep 30").Wait(120);
        Assert.Equal(7, result.ExitCode);
        JsonElement failure = Failure(result);
        Assert.Equal((1, 7, Environment.MachineName),
            (failure.GetProperty("rank").GetInt32(), failure.GetProperty("exitCode").GetInt32(), failure.GetProperty("node").GetString()));
        Assert.Equal(["I am 1", "no input"], failure.GetProperty("lastLines").EnumerateArray().Select(l => l.GetString()!)
            .Order(StringComparer.Ordinal));
        Assert.Contains("slipway: rank 1 on", result.Error, StringComparison.Ordinal);
    }

    [RankTheory]
    [MemberData(nameof(Launchers))]
    public void ARankThatIsKilledIsToldBySignal(string launcher, string rank)
    {
        using RunSite site = new(RunSite.Ordinary);
        Cli.Result result = Start(site, launcher, "-n", "2", "--json", TinyImage.File, "--", "sh", "-c",
            $"[ ${rank} != 1 ] || kill -9 $$; sleep 30").Wait(120);
        Assert.NotEqual(0, result.ExitCode);
        JsonElement failure = Failure(result);
        Assert.Equal(Environment.MachineName, failure.GetProperty("node").GetString());
        if (launcher == "openmpi")
            Assert.Equal((1, 9), (failure.GetProperty("rank").GetInt32(), failure.GetProperty("signal").GetInt32()));
    }

    [RankTheory]
    [MemberData(nameof(Launchers))]
    public void AfterItsTimeAJobIsEnded(string launcher, string rank)
    {
        using RunSite site = new(RunSite.Ordinary);
        Cli.Result result = Start(site, launcher, "-n", "2", "--timeout-sec", "3", TinyImage.File, "--", "sh", "-c",
            $"echo here ${rank}; exec sleep 1000").Wait(120);
        Assert.Equal(124, result.ExitCode);
        Assert.Contains("were not done after 3 s", result.Error, StringComparison.Ordinal);
        Gone(site);
    }

    [RankTheory]
    [MemberData(nameof(Launchers))]
    public void CtrlCEndsAllRanks(string launcher, string rank)
    {
        using RunSite site = new(RunSite.Ordinary);
        Cli.Running running = Start(site, launcher, "-n", "2", "--tag", TinyImage.File, "--", "sh", "-c",
            $"touch {site.Scratch}/begun.${rank}; exec sleep 1000");
        for (int i = 0; i < 1200 && Directory.GetFiles(site.Scratch, "begun.*").Length < 2; i++)
            Thread.Sleep(50);
        Assert.Equal(2, Directory.GetFiles(site.Scratch, "begun.*").Length);
        int slipway = site.Processes().Where(p => p.Name.StartsWith("slipway", StringComparison.Ordinal)).Select(p => p.Pid)
            .First(p => File.ReadAllText($"/proc/{p}/cmdline").Split('\0') is [_, "mpi", ..]);
        kill(slipway, SIGINT);
        Cli.Result result = running.Wait(120);
        Assert.Equal(130, result.ExitCode);
        Assert.Contains("cancelled", result.Error, StringComparison.Ordinal);
        Gone(site);
    }

    [NeedsFact(Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll")]
    public void ALauncherOfTheSiteWorksByItsRowAlone()
    {
        using RunSite site = new(RunSite.Ordinary);
        string program = Path.Combine(site.Scratch, "mylauncher"), table = Path.Combine(site.Scratch, "launchers.yaml");
        File.WriteAllText(program, """
            #!/bin/sh
            [ "$1" != --version ] || { echo 'MyLauncher 1.2'; exit; }
            [ "$1" = -r ] || exit 99
            n=$2; shift 2; i=0
            while [ $i -lt $n ]; do
                MY_RANK=$i MY_SIZE=$n "$@" || { echo "MyLauncher: rank $i at $(hostname) gave $?" >&2; exit 5; }
                i=$((i + 1))
            done
            """);
        File.WriteAllText(table, """
            launchers:
            - name: mine
              programs: [PROGRAM]
              recognise: {arguments: [--version], pattern: 'MyLauncher (?<version>[0-9.]+)'}
              gives: [pmi1]
              ranks: [-r, "{ranks}"]
              variables: {rank: MY_RANK, size: MY_SIZE}
              failed: ['^MyLauncher: rank (?<rank>[0-9]+) at (?<node>\S+) gave (?<exit>[0-9]+)']
            """.Replace("PROGRAM", program, StringComparison.Ordinal));
        File.SetUnixFileMode(program, (UnixFileMode)0x1ed /* 0755 */);
        File.SetUnixFileMode(table, (UnixFileMode)0x1a4 /* 0644 */);
        Cli.Result Run(string script) =>
            site.Start([Cli.Program, "mpi", "-n", "3", TinyImage.File, "--", "sh", "-c", script],
                new Dictionary<string, string> { ["SLIPWAY_LAUNCHERS"] = table }, site.Scratch).Wait(120);
        Cli.Result result = Run("echo $MY_RANK of $MY_SIZE");
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal("0 of 3\n1 of 3\n2 of 3\n", result.Output);
        result = Run("[ $MY_RANK != 1 ] || exit 4");
        Assert.Equal(5, result.ExitCode);
        Assert.Contains($"slipway: rank 1 on {Environment.MachineName}: exit code 4", result.Error, StringComparison.Ordinal);
    }

    static JsonElement Failure(Cli.Result result) => JsonDocument.Parse(result.Output).RootElement.GetProperty("failure");

    static void Gone(RunSite site)
    {
        // the holder goes within a second of the last rank; a machine that is busy takes longer
        for (int i = 0; i < 600 && site.Processes().Count > 0; i++)
            Thread.Sleep(50);
        Assert.Empty(site.Processes());
    }
}

[AttributeUsage(AttributeTargets.Method)]
sealed class RankTheoryAttribute : TheoryAttribute
{
    public RankTheoryAttribute() =>
        Skip = Needs.Missing([Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll", "mpirun.openmpi", "mpiexec.hydra"]);
}
