using System.CommandLine;
using Slipway.Cache;
using Slipway.Running;
using static Slipway.Launcher.CommandLine;

namespace Slipway.Launcher;

/// <summary>What describes a job of MPI ranks, to start it or to try it.</summary>
sealed class MpiOptions
{
    readonly Argument<string> image = Image;
    readonly Argument<string[]> command = CommandLine.Command;
    readonly Option<int?> ranks = new("--ranks", "-n") { Description = "Number of ranks (default: 1, or --ranks-per-node on each node)" };
    readonly Option<string[]> nodes = new("--node") { Description = "A node to run on (may be given more than once, or with commas)" };
    readonly Option<int?> perNode = new("--ranks-per-node") { Description = "How many ranks each node gets" };
    readonly Option<string> launcher = new("--launcher")
    {
        Description = "The launcher, by its name or group in the table, e.g. openmpi, hydra, srun, srun-pmix "
            + "(default: the first that is here and goes with the image's MPI)",
    };
    readonly Option<MpiMode> mpi =
        new("--mpi") { Description = "Whose launcher: the host's, or the image's own in one container on this node" };
    readonly Option<string[]> binds = new("--bind") { Description = RunOption.Find("--bind").Description };
    readonly Option<string[]> environment = new("--environment", "--env") { Description = "NAME=VALUE, for each rank" };
    readonly Option<string> fabric =
        new("--fabric") { Description = RunOption.Find("--fabric").Description, DefaultValueFactory = _ => "auto" };
    readonly Option<string[]> more =
        new("--launcher-argument") { Description = "An argument for the launcher, passed on unchanged (may be given more than once)" };

    /// <summary>The verb with these and its own.</summary>
    public Command AddTo(Command verb, params Option[] own)
    {
        foreach (Option option in (Option[])[ranks, nodes, perNode, launcher, mpi, binds, environment, fabric, more, .. own])
            verb.Add(option);
        verb.Add(image);
        verb.Add(command);
        return verb;
    }

    public MpiRequest Request(ParseResult result, CancellationToken cancel) => new()
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
    };
}
