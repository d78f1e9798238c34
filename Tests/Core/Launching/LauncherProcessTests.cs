using System.Diagnostics;
using Slipway.Launching;

namespace Slipway.Tests.Launching;

public sealed class LauncherProcessTests
{
    static (int Exit, bool Late, List<RankLine> Lines) Run(string script, TimeSpan? timeout = null, CancellationToken cancel = default,
        params PlannedVariable[] variables)
    {
        RunnablePlan plan = new()
        {
            Launcher = "mine", Program = "/bin/sh", Arguments = ["-c", script], Ranks = 1, Image = "x", WorkingDirectory = "/",
            Timeout = timeout, Variables = variables,
        };
        List<RankLine> lines = [];
        RankOutput output = new(plan, lines.Add);
        (int exit, bool late) = LauncherProcess.Run(plan, output, takeOutput: true, cancel);
        output.Flush();
        return (exit, late, lines);
    }

    [Fact]
    public void BothStreamsAndTheExitCodeComeBack()
    {
        (int exit, bool late, List<RankLine> lines) = Run("pwd; echo bad >&2; exit 7");
        Assert.Equal((7, false), (exit, late));
        Assert.Contains(lines, l => l is { Text: "/", IsError: false });
        Assert.Contains(lines, l => l is { Text: "bad", IsError: true });
    }

    [Fact]
    public void VariablesAreSetAndTakenAwayForTheLauncherAndNotForRanks()
    {
        List<RankLine> lines = Run("echo ${A-none} ${B-none} ${HOME-none}", variables:
            [new PlannedVariable("A", "1", "launcher", ""), new PlannedVariable("B", "2", "ranks", ""),
                new PlannedVariable("HOME", null, "launcher", "")]).Lines;
        Assert.Equal("1 none none", Assert.Single(lines).Text);
    }

    [Fact]
    public void ItIsEndedWhenItsTimeIsOver()
    {
        Stopwatch watch = Stopwatch.StartNew();
        (int exit, bool late, _) = Run("exec sleep 100", TimeSpan.FromMilliseconds(300));
        Assert.Equal((143, true), (exit, late));
        Assert.InRange(watch.Elapsed, TimeSpan.FromMilliseconds(300), TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void CancellingEndsIt()
    {
        using CancellationTokenSource cancel = new(TimeSpan.FromMilliseconds(300));
        Assert.Throws<OperationCanceledException>(() => Run("exec sleep 100", cancel: cancel.Token));
    }

    [Fact]
    public void ADirectoryThatIsNotThereIsNamed()
    {
        RunnablePlan plan = new() { Launcher = "mine", Program = "/bin/sh", Arguments = [], Ranks = 1, Image = "x",
            WorkingDirectory = "/nowhere" };
        SlipwayException error = Assert.Throws<SlipwayException>(() =>
            LauncherProcess.Run(plan, new RankOutput(plan, _ => { }), takeOutput: true, default));
        Assert.Equal("ProgramNotStarted", error.Id);
        Assert.StartsWith("/nowhere is not there", error.Recommendation, StringComparison.Ordinal);
    }
}
