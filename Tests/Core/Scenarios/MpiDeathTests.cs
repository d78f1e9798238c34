using System.Text.Json;
using static Slipway.Tests.Cluster;
using static Slipway.Tests.MpiCluster;

namespace Slipway.Tests.Scenarios;

/// <summary>
/// Something is killed in a job that would take minutes: the rest ends, the result says who and where, and nothing is left on any node.
/// </summary>
sealed class MpiDeathTests(MpiCluster cluster)
{
    static readonly int Ranks = 2 * Nodes.Length;

    /// <summary>Starts a job, waits until all ranks are there, kills, and reads the result.</summary>
    /// <param name="kill">A script for a node, as root.</param>
    JsonElement? After(string launcher, bool slurm, string node, string kill, out Cli.Result ended)
    {
        bool mpich = launcher is "hydra" or "srun-pmi2";
        Cli.Running job = cluster.StartMpi(
            ["--json", "-n", $"{Ranks}", "--launcher", launcher, .. slurm ? ["--ranks-per-node", "2"]
                : (string[])["--node", string.Join(',', Nodes)],
            .. mpich ? ForMpich : [], mpich ? Mpich : OpenMpi, "--", "sum", $"{Ranks}", "600"], slurm ? Nodes.Length : 0, seconds: 200);
        bool gone = false;
        Until(() => (gone = job.Process.HasExited) || Nodes.All(n => cluster.Sh(n, "pgrep -c -x sum", "root").Output.Trim() == "2"),
            () => $"two ranks run on each node, and not {Everything()}");
        Assert.False(gone, gone ? $"the job has ended before all ranks were there: {job.Wait()}" : "");
        Assert.Equal(0, cluster.Sh(node, kill, "root").ExitCode);
        ended = job.Wait(260);
        Assert.True(ended.ExitCode is not (0 or 124), $"{ended.ExitCode}: {ended.Output}{ended.Error}");
        cluster.AssertNothingIsLeft();
        return ended.Output.Length > 0 ? JsonDocument.Parse(ended.Output).RootElement : null;
    }

    /// <summary>What runs where.</summary>
    string Everything() => string.Concat(
        Nodes.Append("head").Select(n => $"{n}: {cluster.Sh(n, "ps -u alice -o pid,ppid,stat,wchan:20,args", "root").Output}"));

    public void Rank(string launcher, bool slurm)
    {
        JsonElement result = After(launcher, slurm, "n2", "pkill -9 -o -x sum", out Cli.Result ended)!.Value;
        JsonElement failure = result.GetProperty("failure");
        Assert.True(failure.TryGetProperty("node", out JsonElement node) && node.GetString() == "n2", ended.Output);
        // Hydra does not tell which rank of the node it was; srun says in words what ended it, Hydra in a number
        Assert.True(launcher == "hydra"
            || (failure.TryGetProperty("rank", out JsonElement rank) && rank.GetInt32() is >= 0 && rank.GetInt32() < Ranks), ended.Output);
        Assert.True(failure.GetProperty("reason").GetString() is { } reason
            && (reason.Contains('9') || reason.Contains("Killed", StringComparison.Ordinal)), ended.Output);
    }

    /// <summary>The launcher's program on the head.</summary>
    public void Launcher(string launcher, bool slurm, string program)
    {
        JsonElement result = After(launcher, slurm, "head", $"pkill -9 -x '{program}'", out Cli.Result ended)!.Value;
        Assert.True(result.GetProperty("failure").GetProperty("reason").GetString() is { Length: > 0 }, ended.Output);
        Assert.Equal(137, result.GetProperty("exitCode").GetInt32());
    }

    /// <summary>A node that its batch system loses: its step daemons, and with them the ranks there, are lost too.</summary>
    public void Slurmd(string launcher)
    {
        After(launcher, slurm: true, "n2", "pkill -9 slurmd; pkill -9 slurmstepd; pkill -9 -x sum", out Cli.Result ended);
        Assert.Contains("n2", ended.Output + ended.Error, StringComparison.Ordinal);
        Assert.Equal(0, cluster.Sh("n2", "slurmd -L /var/log/cluster/n2-slurmd.log", "root").ExitCode);
        // The first node's step daemon waits a minute for word of the one that is gone (slurmstepd, REVERSE_TREE_CHILDREN_TIMEOUT); so long
        // the job is completing, and no other starts.
        Until(() => cluster.Sh("head", "sinfo -h -t idle -o %D; squeue -h -t all -o %T | grep COMPLETING")
            .Output.Trim() == $"{Nodes.Length}", () => "all nodes are idle again", seconds: 240);
    }
}

/// <summary>With Slurm's process tracking by cgroup.</summary>
[Collection(nameof(Cluster))]
public sealed class CgroupDeathTests(OneCluster one)
{
    readonly MpiDeathTests deaths = new(one.Of<CgroupCluster>());

    [MpiTheory(Needs.Long)]
    [InlineData("openmpi"), InlineData("srun-pmix"), InlineData("srun-pmi2"), InlineData("hydra")]
    public void ARank(string launcher) => deaths.Rank(launcher, slurm: true);

    [MpiTheory(Needs.Long)]
    [InlineData("openmpi", "mpirun.openmpi|mpirun|orterun"), InlineData("srun-pmix", "srun"), InlineData("srun-pmi2", "srun"),
        InlineData("hydra", "mpiexec.*")]
    public void ALauncher(string launcher, string program) => deaths.Launcher(launcher, slurm: true, program);

    [MpiTheory(Needs.Long)]
    [InlineData("srun-pmix"), InlineData("openmpi")]
    public void ASlurmd(string launcher) => deaths.Slurmd(launcher);
}

/// <summary>Without: by parents.</summary>
[Collection(nameof(Cluster))]
public sealed class LinuxprocDeathTests(OneCluster one)
{
    readonly MpiDeathTests deaths = new(one.Of<LinuxprocCluster>());

    [MpiTheory(Needs.Long)]
    [InlineData("openmpi", true), InlineData("openmpi", false), InlineData("srun-pmix", true), InlineData("srun-pmi2", true),
        InlineData("hydra", true), InlineData("hydra", false)]
    public void ARank(string launcher, bool slurm) => deaths.Rank(launcher, slurm);

    [MpiTheory(Needs.Long)]
    [InlineData("openmpi", "mpirun.openmpi|mpirun|orterun", false), InlineData("srun-pmix", "srun", true),
        InlineData("srun-pmi2", "srun", true), InlineData("hydra", "mpiexec.*", false)]
    public void ALauncher(string launcher, string program, bool slurm) => deaths.Launcher(launcher, slurm, program);

    [MpiTheory(Needs.Long)]
    [InlineData("srun-pmix"), InlineData("openmpi")]
    public void ASlurmd(string launcher) => deaths.Slurmd(launcher);
}
