using System.CommandLine;
using Slipway.Launching;
using Slipway.Linux;
using Slipway.Preflight;
using static Slipway.Launcher.CommandLine;

namespace Slipway.Launcher;

/// <summary><c>slipway mpi</c>.</summary>
static class MpiCommands
{
    public static Command Mpi()
    {
        MpiOptions job = new();
        Option<string> bindTo = new("--bind-to") { Description =
            "What each rank is bound to: none, hwthread, core, socket or numa, as far as the launcher can" };
        Option<string> directory = new("--working-directory") { Description = "Where the ranks work, on every node" };
        Option<double?> timeout = new("--timeout-sec") { Description = "Seconds after which the ranks are ended" };
        Option<bool> tag = new("--tag") { Description = "Mark each line of output with its rank" };
        Option<bool> preflight = new("--preflight") { Description =
            "Try one rank on each node first, and start the job only if nothing failed" };
        Option<bool> planOnly = new("--plan-only") { Description =
            "Show every command, variable and bind with its reason, and run nothing" };
        Command verb = job.AddTo(new("mpi", "Start MPI ranks in an image"), bindTo, directory, timeout, tag, preflight, planOnly);
        verb.Add(MpiTestCommand.Test());
        verb.SetAction(result => Guarded(cancel =>
        {
            bool json = result.GetValue(Json), tagged = result.GetValue(tag);
            MpiRequest request = job.Request(result, cancel) with
            {
                BindTo = result.GetValue(bindTo),
                WorkingDirectory = result.GetValue(directory) is { } where ? Path.GetFullPath(where) : null,
                Label = json || tagged,
                Timeout = result.GetValue(timeout) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
            };
            RunnablePlan plan = MpiJob.Plan(request, cancel);
            if (result.GetValue(planOnly))
            {
                Print(result, plan, ObjectsJson.Compact.LaunchPlan, p => string.Join('\n', p.Explain().Select(Visible.Line)));
                return 0;
            }
            if (plan.Verdict is { Fit: MpiFit.Unknown } verdict)
                Output.Error.WriteLine(Visible.Of($"slipway: warning: {verdict.Reason}. {verdict.Advice}"));
            if (result.GetValue(preflight))
                MpiPreflight.Demand(request, check => Output.Error.WriteLine(Visible.Of($"slipway: {check}")), cancel);
            // with --json standard output is for the object
            Action<RankLine>? sink = json ? line => Output.Error.Raw((tagged ? line.Tagged : line.Text) + "\n")
                : tagged ? line => (line.IsError ? Output.Error : Output.Standard).Raw(line.Tagged + "\n") : null;
            MpiResult done = MpiJob.Run(plan, sink, cancel);
            if (json || result.GetValue(Verbose))
                Print(result, done, ObjectsJson.Compact.MpiResult,
                    d => Visible.Of($"exit code {d.ExitCode} after {d.Elapsed.TotalSeconds:0.00} s: {d.CommandLine}"));
            if (done.Failure is { } failure)
                Output.Error.WriteLine(Visible.Of($"slipway: {failure}"));
            return done.ExitCode;
        }));
        return verb;
    }
}
