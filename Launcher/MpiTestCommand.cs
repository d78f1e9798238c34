using System.CommandLine;
using Slipway.Linux;
using Slipway.Preflight;
using static Slipway.Launcher.CommandLine;

namespace Slipway.Launcher;

/// <summary><c>slipway mpi test</c>.</summary>
static class MpiTestCommand
{
    public static Command Test()
    {
        MpiOptions job = new();
        Option<double> timeout = new("--timeout-sec") { Description = "Seconds that the ranks may take", DefaultValueFactory = _ =>
            MpiPreflight.DefaultTimeout.TotalSeconds };
        Command verb = job.AddTo(new("test", "Find in seconds, with one rank on each node, what would make a job fail"), timeout);
        verb.SetAction(result => Guarded(cancel =>
        {
            IReadOnlyList<PreflightCheck> checks =
                MpiPreflight.Check(MpiPreflight.Complete(job.Request(result, cancel)),
                    TimeSpan.FromSeconds(result.GetValue(timeout)), cancel);
            foreach (PreflightCheck check in checks)
                Print(result, check, ObjectsJson.Compact.PreflightCheck, c => Visible.Line(c.ToString()));
            return checks.Any(c => c.Status == PreflightStatus.Failed) ? 1 : 0;
        }));
        return verb;
    }
}
