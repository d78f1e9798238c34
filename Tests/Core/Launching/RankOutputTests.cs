using Slipway.Launching;

namespace Slipway.Tests.Launching;

/// <summary>Each text is what the real launcher wrote.</summary>
public class RankOutputTests
{
    static (RankOutput Output, List<RankLine> Lines) Of(string launcher, string[] nodes, bool labelled = true)
    {
        List<RankLine> lines = [];
        return (new RankOutput(new RunnablePlan
        {
            Launcher = launcher, Program = "/bin/true", Arguments = [], Ranks = nodes.Length, Image = "/x.sqfs", WorkingDirectory = "/",
            Labelled = labelled,
            Row = LauncherTable.BuiltIn.Launchers.Single(l => l.Name == launcher), Placement = nodes,
        }, lines.Add), lines);
    }

    static RankFailure Failure(string launcher, string[] nodes, int exit, string said)
    {
        (RankOutput output, _) = Of(launcher, nodes);
        foreach (string line in said.Split('\n'))
            output.Add(line, isError: true);
        output.Flush();
        return output.Failure(exit);
    }

    [Fact]
    public void PiecesOfSeveralRanksBecomeWholeLines()
    {
        (RankOutput output, List<RankLine> lines) = Of("openmpi", ["n1", "n1", "n2"]);
        output.Add("[1,2]<stdout>:abc[1,0]<stdout>:abc[1,1]<stdout>:abc[1,0]<stdout>:def", false);
        output.Add("[1,0]<stdout>:x", false);
        output.Add("[1,1]<stdout>:def", false);
        output.Add("[1,1]<stderr>:err", true);
        output.Add("not of a rank", true);
        output.Flush();
        Assert.Equal(
            [new(0, "n1", false, "abcdef"), new(0, "n1", false, "x"), new(1, "n1", false, "abcdef"), new(1, "n1", true, "err"),
                new(null, null, true, "not of a rank"), new(2, "n2", false, "abc")],
            lines);
        Assert.Equal("[1] err", lines[3].Tagged);
    }

    [Fact]
    public void AMarkAtTheBeginningIsTakenThereOnly()
    {
        (RankOutput output, List<RankLine> lines) = Of("srun-pmix", ["n1", "n2"]);
        output.Add(" 1: time 2: 3", false);
        output.Add("text 1: 2", false);
        Assert.Equal([new(1, "n2", false, "time 2: 3"), new(null, null, false, "text 1: 2")], lines);
    }

    [Fact]
    public void WithoutMarksNothingIsTakenFromALine()
    {
        (RankOutput output, List<RankLine> lines) = Of("openmpi", ["n1"], labelled: false);
        output.Add("[1,0]<stdout>:x", false);
        Assert.Equal([new(null, null, false, "[1,0]<stdout>:x")], lines);
    }

    [Fact]
    public void OpenMpiTellsARankThatEndedWithAnExitCode()
    {
        RankFailure failure = Failure("openmpi", ["n1", "n2"], 3, """
            [1,1]<stderr>:cannot open in.melt
            --------------------------------------------------------------------------
            Primary job  terminated normally, but 1 process returned
            a non-zero exit code. Per user-direction, the job has been aborted.
            --------------------------------------------------------------------------
            mpirun.openmpi detected that one or more processes exited with non-zero status, thus causing
            the job to be terminated. The first process to do so was:

              Process name: [[22698,1],1]
              Exit code:    3
            --------------------------------------------------------------------------
            """);
        Assert.Equal((1, "n2", 3, null), (failure.Rank, failure.Node, failure.ExitCode, failure.Signal));
        Assert.Equal(["cannot open in.melt"], failure.LastLines);
        Assert.Equal("rank 1 on n2: exit code 3", failure.ToString());
    }

    [Fact]
    public void OpenMpiTellsARankThatWasKilledAndItsNode()
    {
        RankFailure failure = Failure(
            "openmpi", [], 137, "mpirun.openmpi noticed that process rank 1 with PID 0 on node n7 exited on signal 9 (Killed).");
        Assert.Equal((1, "n7", null, 9), (failure.Rank, failure.Node, failure.ExitCode, failure.Signal));
    }

    [Fact]
    public void OpenMpiTellsARankThatCalledAbort()
    {
        RankFailure failure = Failure(
            "openmpi", ["n1", "n1", "n2"], 5, "MPI_ABORT was invoked on rank 2 in communicator MPI_COMM_WORLD\nwith errorcode 5.");
        Assert.Equal((2, "n2", 5), (failure.Rank, failure.Node, failure.ExitCode));
    }

    /// <summary>The message is lost in mpirun's own show_help.c; the rank has written its stack before.</summary>
    [Fact]
    public void OpenMpiTellsARankThatCalledAbortByItsStack()
    {
        (RankOutput output, List<RankLine> lines) = Of("openmpi", ["n1", "n2"]);
        foreach (string line in (string[])["[1,1]<stderr>:no such potential",
            "[1,1]<stderr>:[n2:09124] [0] func:/lib/x86_64-linux-gnu/libopen-pal.so.40(opal_backtrace_buffer+0x36) [0x7f968f24ee76]",
            "[1,1]<stderr>:[n2:09124] [1] func:/lib/x86_64-linux-gnu/libmpi.so.40(ompi_mpi_abort+0x15f) [0x7f968f580b3f]",
            "[1,1]<stderr>:[n2:09124] [2] func:./ab(+0x11ec) [0x55d52a3f81ec]",
            "[n1:13139] [[24493,0],0] ORTE_ERROR_LOG: Data unpack would read past end of buffer "
                + "in file ../../../orte/util/show_help.c at line 507"])
            output.Add(line, isError: true);
        output.Flush();
        RankFailure failure = output.Failure(7);
        Assert.Equal((1, "n2", 7), (failure.Rank, failure.Node, failure.ExitCode));
        Assert.Equal(["no such potential"], failure.LastLines);
        Assert.DoesNotContain(lines, l => l.Text.Contains("func:", StringComparison.Ordinal));
    }

    [Fact]
    public void PrrteTellsARank()
    {
        RankFailure failure = Failure(
            "prrte", ["n1", "n2"], 3, "prterun detected that one or more processes exited with non-zero status:\n\n   Process name: "
            + "[prterun-n1-1234@1,1]\n   Exit code:    3");
        Assert.Equal((1, "n2", 3), (failure.Rank, failure.Node, failure.ExitCode));
    }

    [Fact]
    public void HydraListsTheStatesOfAllRanks()
    {
        RankFailure failure = Failure("hydra", [], 3, "[mpiexec@head] Exit codes: [n1] 0,0 [n2] 768,0");
        Assert.Equal((2, "n2", 3, null), (failure.Rank, failure.Node, failure.ExitCode, failure.Signal));
    }

    [Fact]
    public void HydraTellsTheNodeWhereSeveralRanksWereKilled()
    {
        RankFailure failure = Failure("hydra", [], 9, """
            ===================================================================================
            =   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES
            =   PID 13457 RUNNING AT n2
            =   EXIT CODE: 9
            ===================================================================================
            [mpiexec@head] Exit codes: [n1] 9,0 [n2] 9
            """);
        Assert.Null(failure.Rank);
        Assert.Equal("n2", failure.Node);
    }

    [Fact]
    public void HydraTellsARankThatCalledAbort()
    {
        RankFailure failure = Failure(
            "hydra", ["n1", "n2"], 5, "<rank 1 on n2>: Abort(5) on node 1 (rank 1 in comm 0): "
            + "application called MPI_Abort(MPI_COMM_WORLD, 5) - process 1\n[mpiexec@head] Exit codes: [n1] 1280 [n2] 1280");
        Assert.Equal((1, "n2", 5), (failure.Rank, failure.Node, failure.ExitCode));
    }

    [Theory]
    [InlineData("srun: error: n2: task 3: Exited with exit code 7", 3, "n2", 7, "exit code 7")]
    [InlineData("srun: error: n2: task 3: Killed", 3, "n2", null, "Killed")]
    [InlineData("srun: error: n1: tasks 0-1: Exited with exit code 2", 0, "n1", 2, "exit code 2")]
    [InlineData("srun: error: Node failure on n4", null, "n4", null, "Node failure on n4")]
    [InlineData("srun: error: Task launch for StepId=2.0 failed on node n2: Zero Bytes were transmitted or received", null, "n2", null,
        "Task launch for StepId=2.0 failed on node n2: Zero Bytes were transmitted or received")]
    public void SrunTellsRankAndNode(string said, int? rank, string node, int? exit, string reason)
    {
        // the others are ended after it: the first message counts
        RankFailure failure = Failure("srun-pmix", [], 1, $"{said}\nsrun: error: n9: task 9: Terminated");
        Assert.Equal((rank, node, exit, reason), (failure.Rank, failure.Node, failure.ExitCode, failure.Reason));
    }

    [Fact]
    public void ARankCannotSpeakForItsLauncher()
    {
        RankFailure failure = Failure(
            "openmpi", ["n1", "n2"], 3, "[1,0]<stderr>:noticed that process rank 9 with PID 0 on node evil exited on signal 9\n"
            + "  Process name: [[1,1],1]\n  Exit code:    3");
        Assert.Equal((1, "n2", 3), (failure.Rank, failure.Node, failure.ExitCode));
    }

    [Fact]
    public void OnlyTheLastLinesAreKept()
    {
        (RankOutput output, _) = Of("openmpi", ["n1"]);
        for (int i = 0; i < 1000; i++)
            output.Add($"[1,0]<stdout>:{i} {new string('x', 10_000)}", false);
        output.Add("  Process name: [[1,1],0]", true);
        RankFailure failure = output.Failure(1);
        Assert.Equal(20, failure.LastLines.Count);
        Assert.StartsWith("999 x", failure.LastLines[^1], StringComparison.Ordinal);
        Assert.True(failure.LastLines.Sum(l => l.Length) < 50_000);
    }
}
