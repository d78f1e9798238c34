using Slipway.Preflight;

namespace Slipway.Tests.Preflight;

/// <summary>What a preflight makes of the lines that come back from the nodes; from real ones: MpiClusterTests.</summary>
public sealed class FindingsTests
{
    static PreflightCheck Mpi(int ranks, MpiVerdict? verdict, bool late, int exit, params string[] lines)
    {
        Findings findings = new(verdict, ["n1", "n2"], ranks);
        foreach (string line in lines)
            findings.Add(line);
        return findings.Checks(new MpiResult { ExitCode = exit, Ranks = ranks, Nodes = [], Launcher = "x", Elapsed = default,
            CommandLine = "", TimedOut = late }, TimeSpan.FromSeconds(9)).Single(c => c.Name == "mpi");
    }

    static string[] Of(string node, params string[] words) =>
        [$"slipway-preflight {node} begin", .. words.Select(w => $"slipway-preflight-rank {node} {w}")];

    [Fact]
    public void RanksAreFollowedToTheirEnd()
    {
        const string Library = "Some MPI 1.0";
        string[] Up(int rank, string size, params string[] then) => ["begin", $"rank {rank} {size} {Library}", .. then];
        PreflightCheck Run(string[] first, string[] second, bool late = false, int exit = 0, params string[] other) =>
            Mpi(2, null, late, exit, [.. Of("n1", first), .. Of("n2.cluster", second), .. other]);

        Seen.Is(PreflightStatus.Ok, "2 ranks found and met each other on 2 nodes (Some MPI 1.0)", null,
            Run(Up(0, "2", "met 0", "end 0"), Up(1, "2", "met 1", "end 1")));
        Seen.Is(PreflightStatus.Failed, "each of 2 ranks takes itself for rank 0 of 1", "does not speak what this launcher offers",
            Run(Up(0, "1", "met 0", "end 0"), Up(0, "1", "met 0", "end 0")));
        Seen.Is(PreflightStatus.Failed, "rank 0 counts 3", "another launcher", Run(Up(0, "3"), Up(1, "3")));
        Seen.Is(PreflightStatus.Failed, "MPI_Init did not come back within 9 s on n1, n2.cluster", "other checks",
            Run(["begin"], ["begin"], late: true));
        Seen.Is(PreflightStatus.Failed, "MPI_Init failed on n1, n2.cluster: it says something", "other checks",
            Run(["begin"], ["begin"], exit: 1, other: "it says something"));
        Seen.Is(PreflightStatus.Failed, "did not meet within 9 s on n1", "firewall", Run(Up(0, "2"), Up(1, "2", "met 1"), late: true));
        Seen.Is(PreflightStatus.Failed, "MPI_Finalize did not come back within 9 s on n2.cluster", "UCX",
            Run(Up(0, "2", "met 0", "end 0"), Up(1, "2", "met 1"), late: true));
        Seen.Is(PreflightStatus.Failed, "cannot be loaded: libx.so", "slipway compare",
            Run(["no-library libx.so"], ["no-library libx.so"], exit: 1));
        Seen.Is(PreflightStatus.Failed, "0 of 2 ranks", "other checks", Run([], [], exit: 1));
    }

    [Fact]
    public void AVerdictGivesItsAdvice() =>
        Seen.Is(PreflightStatus.Failed, "rank 0 of 1", "take another",
            Mpi(2, new MpiVerdict(MpiFit.Refuse, "A", "B", "they do not match", "take another"), false, 0,
            [.. Of("n1", "begin", "rank 0 1 A", "met 0", "end 0"), .. Of("n2", "begin", "rank 0 1 A", "met 0", "end 0")]));

    [Fact]
    public void NodesThatSayNothingAreNamed()
    {
        Findings findings = new(null, ["n1", "n2"], 2);
        findings.Add("slipway-preflight n1 begin");
        findings.Add("Host key verification failed.");
        IReadOnlyList<PreflightCheck> checks =
            findings.Checks(new MpiResult { ExitCode = 255, Ranks = 2, Nodes = [], Launcher = "x", Elapsed = default, CommandLine = "" },
                TimeSpan.FromSeconds(9));
        PreflightCheck launcher = checks.Single(c => c.Name == "launcher");
        Assert.Equal("n2", launcher.Node);
        Seen.Is(PreflightStatus.Failed, "the launcher cannot log in to a node (Host key verification failed.)", "ssh NODE true", launcher);
    }

    /// <summary>Lines come from nodes through a launcher: whatever they are, they are only lines.</summary>
    [Theory]
    [InlineData("slipway-preflight ")]
    [InlineData("slipway-preflight {")]
    [InlineData("slipway-preflight {\"node\":1}")]
    [InlineData("slipway-preflight {\"node\":\"n1\"}")]
    [InlineData("slipway-preflight-rank n1")]
    [InlineData("slipway-preflight-rank n1 rank x y")]
    [InlineData("slipway-preflight-rank n1 rank 1")]
    [InlineData("slipway-preflight-rank n1 end 4")]
    [InlineData("slipway-preflight-rank n1 ")]
    public void OddLinesDoNoHarm(string line) =>
        Assert.Equal(PreflightStatus.Failed, Mpi(2, null, false, 1, line, "[1,0]<stdout>:" + line).Status);
}
