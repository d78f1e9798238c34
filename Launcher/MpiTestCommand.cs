using System.CommandLine;
using Slipway.Launching;
using Slipway.Staging;
using static Slipway.Launcher.CommandLine;

namespace Slipway.Launcher;

/// <summary><c>slipway mpi test</c>.</summary>
static class MpiTestCommand
{
    public static Command Test()
    {
        Argument<string> image = Image;
        Argument<string[]> command = CommandLine.Command;
        Option<int?> ranks = new("--ranks", "-n") { Description = "Number of ranks of the job (default: one, or --ranks-per-node, on each node)" };
        Option<string[]> nodes = new("--node") { Description = "A node of the job (may be given more than once, or with commas)" };
        Option<int?> perNode = new("--ranks-per-node") { Description = "How many ranks each node gets" };
        Option<string> launcher = new("--launcher") { Description = "The launcher, by its name or group in the table" };
        Option<MpiMode> mpi = new("--mpi") { Description = "Whose launcher: the host's, or the image's own in one container on this node" };
        Option<string[]> binds = new("--bind") { Description = "SRC[:DST[:ro]]: a file or directory of the host, seen inside" };
        Option<string[]> environment = new("--environment", "--env") { Description = "NAME=VALUE, for each rank" };
        Option<string> fabric = new("--fabric") { Description = "auto, none, or the path of a fabric plan", DefaultValueFactory = _ => "auto" };
        Option<double> timeout = new("--timeout-sec") { Description = "Seconds that the ranks may take", DefaultValueFactory = _ => Preflight.DefaultTimeout.TotalSeconds };
        Option<string[]> more = new("--launcher-argument") { Description = "For the launcher, as it is (may be given more than once)" };
        Command verb = new("test", "Try on each node, with one rank and in seconds, what would make a job fail") { ranks, nodes, perNode, launcher, mpi, binds, environment, fabric, timeout, more, image, command };
        verb.SetAction(result => Guarded(cancel =>
        {
            IReadOnlyList<PreflightCheck> checks = Preflight.Check(Preflight.Complete(new MpiRequest
            {
                Image = NodeCache.Describe(result.GetRequiredValue(image), cancel),
                Command = result.GetValue(command) ?? [],
                Ranks = result.GetValue(ranks),
                Nodes = [.. (result.GetValue(nodes) ?? []).SelectMany(n => n.Split(','))],
                RanksPerNode = result.GetValue(perNode),
                Launcher = result.GetValue(launcher),
                Mpi = result.GetValue(mpi),
                Binds = result.GetValue(binds) ?? [],
                Environment = Pairs(result.GetValue(environment) ?? [], "--environment"),
                Fabric = result.GetValue(fabric) is { } file and not ("auto" or "none") ? Path.GetFullPath(file) : result.GetValue(fabric)!,
                LauncherArguments = result.GetValue(more) ?? [],
            }), TimeSpan.FromSeconds(result.GetValue(timeout)), cancel);
            foreach (PreflightCheck check in checks)
                Print(result, check, SlipwayJson.Compact.PreflightCheck, c => c.ToString());
            return checks.Any(c => c.Status == PreflightStatus.Failed) ? 1 : 0;
        }));
        return verb;
    }
}
