using System.CommandLine;
using Slipway.Launching;
using Slipway.Staging;
using static Slipway.Launcher.CommandLine;

namespace Slipway.Launcher;

/// <summary><c>slipway mpi</c>.</summary>
static class MpiCommands
{
    public static Command Mpi()
    {
        Argument<string> image = Image;
        Argument<string[]> command = CommandLine.Command;
        Option<int?> ranks = new("--ranks", "-n") { Description = "Number of ranks (default: 1, or --ranks-per-node on each node)" };
        Option<string[]> nodes = new("--node") { Description = "A node to run on (may be given more than once, or with commas)" };
        Option<int?> perNode = new("--ranks-per-node") { Description = "How many ranks each node gets" };
        Option<string> launcher = new("--launcher") { Description = "The launcher, by its name or group in the table, e.g. openmpi, hydra, srun, srun-pmix (default: the first that is here and goes with the image's MPI)" };
        Option<MpiMode> mpi = new("--mpi") { Description = "Whose launcher: the host's, or the image's own in one container on this node" };
        Option<string> bindTo = new("--bind-to") { Description = "What each rank is bound to: none, hwthread, core, socket or numa, as far as the launcher can" };
        Option<string[]> binds = new("--bind") { Description = "SRC[:DST[:ro]]: a file or directory of the host, seen inside" };
        Option<string[]> environment = new("--environment", "--env") { Description = "NAME=VALUE, for each rank" };
        Option<string> fabric = new("--fabric") { Description = "auto, none, or the path of a fabric plan", DefaultValueFactory = _ => "auto" };
        Option<string> directory = new("--working-directory") { Description = "Where the ranks work, on every node" };
        Option<double?> timeout = new("--timeout-sec") { Description = "Seconds after which the ranks are ended" };
        Option<bool> tag = new("--tag") { Description = "Mark each line of output with its rank" };
        Option<string[]> more = new("--launcher-argument") { Description = "For the launcher, as it is (may be given more than once)" };
        Option<bool> preflight = new("--preflight") { Description = "Try one rank on each node first, and start the job only if nothing failed" };
        Option<bool> planOnly = new("--plan-only") { Description = "Show every command, variable and bind with its reason, and run nothing" };
        Command verb = new("mpi", "Start MPI ranks in an image") { ranks, nodes, perNode, launcher, mpi, bindTo, binds, environment, fabric, directory, timeout, tag, more, preflight, planOnly, image, command };
        verb.Add(MpiTestCommand.Test());
        verb.SetAction(result => Guarded(cancel =>
        {
            bool json = result.GetValue(Json), tagged = result.GetValue(tag);
            MpiRequest request = new()
            {
                Image = NodeCache.Describe(result.GetRequiredValue(image), cancel),
                Command = result.GetValue(command) ?? [],
                Ranks = result.GetValue(ranks),
                Nodes = [.. (result.GetValue(nodes) ?? []).SelectMany(n => n.Split(','))],
                RanksPerNode = result.GetValue(perNode),
                Launcher = result.GetValue(launcher),
                Mpi = result.GetValue(mpi),
                BindTo = result.GetValue(bindTo),
                Binds = result.GetValue(binds) ?? [],
                Environment = Pairs(result.GetValue(environment) ?? [], "--environment"),
                Fabric = result.GetValue(fabric) is { } file and not ("auto" or "none") ? Path.GetFullPath(file) : result.GetValue(fabric)!,
                WorkingDirectory = result.GetValue(directory) is { } where ? Path.GetFullPath(where) : null,
                LauncherArguments = result.GetValue(more) ?? [],
                Label = json || tagged,
                Timeout = result.GetValue(timeout) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
            };
            LaunchPlan plan = MpiJob.Plan(request, cancel);
            if (result.GetValue(planOnly))
            {
                Print(result, plan, SlipwayJson.Compact.LaunchPlan, p => string.Join('\n', p.Explain()));
                return 0;
            }
            if (plan.Verdict is { Fit: MpiFit.Unknown } verdict)
                Console.Error.WriteLine($"slipway: warning: {verdict.Reason}. {verdict.Advice}");
            if (result.GetValue(preflight))
                Preflight.Demand(request, check => Console.Error.WriteLine($"slipway: {check}"), cancel);
            // with --json standard output is for the object
            Action<RankLine>? sink = json ? line => Console.Error.WriteLine(tagged ? line.Tagged : line.Text)
                : tagged ? line => (line.IsError ? Console.Error : Console.Out).WriteLine(line.Tagged) : null;
            MpiResult done = MpiJob.Run(plan, sink, cancel);
            if (json || result.GetValue(Verbose))
                Print(result, done, SlipwayJson.Compact.MpiResult, d => $"exit code {d.ExitCode} after {d.Elapsed.TotalSeconds:0.00} s: {d.CommandLine}");
            if (done.Failure is { } failure)
                Console.Error.WriteLine($"slipway: {failure}");
            return done.ExitCode;
        }));
        return verb;
    }
}
