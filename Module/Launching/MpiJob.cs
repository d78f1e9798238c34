using System.Diagnostics;

namespace Slipway.Launching;

/// <summary>Composes a launch plan, and runs it.</summary>
public static class MpiJob
{
    /// <summary>The exit code after a time-out, as timeout(1) has it.</summary>
    const int TimedOut = 124;

    /// <summary>Rows and groups of the launcher table, with the site's.</summary>
    public static IReadOnlyList<string> LauncherNames => LauncherTable.Read().Names;

    /// <summary>What ranks can be bound to, by some launcher.</summary>
    public static IReadOnlyList<string> Bindings => [.. LauncherTable.Read().Launchers.SelectMany(l => l.BindTo.Keys).Distinct()];

    /// <summary>The exact command line for a request, with its verdict; nothing is started, save what tells a launcher's version.</summary>
    /// <exception cref="SlipwayException">No launcher is there that goes with the image's MPI, or the request asks for what cannot
    /// be.</exception>
    public static RunnablePlan Plan(MpiRequest request, CancellationToken cancel = default) => LaunchPlanner.Plan(request, cancel);

    /// <summary>Runs a plan to its end. Where it fails, the result says which rank it was, as far as the launcher tells.</summary>
    /// <param name="output">Gets each line as it comes; null leaves standard input and output to the ranks, and copies standard
    /// error.</param>
    /// <exception cref="OperationCanceledException">It was cancelled, and all ranks have ended.</exception>
    public static MpiResult Run(RunnablePlan plan, Action<RankLine>? output = null, CancellationToken cancel = default)
    {
        Stopwatch watch = Stopwatch.StartNew();
        RankOutput lines = new(plan, output);
        (int exit, bool late) = LauncherProcess.Run(plan, lines, takeOutput: output is not null, cancel);
        lines.Flush();
        return new MpiResult
        {
            ExitCode = late ? TimedOut : exit,
            Ranks = plan.Ranks,
            Nodes = plan.Nodes.Count > 0 ? plan.Nodes : plan.Placement.Count > 0 ? [.. plan.Placement.Distinct()]
                : [Environment.MachineName],
            Launcher = plan.Launcher,
            Image = plan.Image,
            Command = string.Join(' ', plan.Command),
            Failure = late ? new RankFailure(
                null, null, null, null, $"the ranks were not done after {plan.Timeout!.Value.TotalSeconds:0.###} s, and were ended",
                lines.Last())
                : exit == 0 ? null : lines.Failure(exit),
            TimedOut = late,
            Elapsed = watch.Elapsed,
            CommandLine = plan.CommandLine,
        };
    }
}
