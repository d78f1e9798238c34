using System.Text.Json;
using Slipway.Linux;
using static Slipway.Tests.Cluster;
using static Slipway.Tests.PublishCluster;

namespace Slipway.Tests.Scenarios;

/// <summary>Nodes reached by what there is where there is neither SSH nor Slurm.</summary>
[Collection(nameof(Cluster))]
public sealed class NodeStarterTests(OneCluster one)
{
    readonly PublishCluster cluster = one.Of<PublishCluster>().Fresh();

    // slipway on the shared directory, as a site without packages has it: nodes find it at the same path
    const string Shared = "/shared/scratch", Program = Shared + "/bin/slipway";

    void ShareLauncher() => Assert.Equal(
        0, cluster.Sh("head", $"mkdir -p {Shared}/bin && cp /usr/local/bin/slipway* {Shared}/bin/").ExitCode);

    void AssertEachNodeReadOnce(Cli.Result result, string image)
    {
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        JsonElement[] placements = Placements(result).Item2;
        Assert.Equal(Nodes.Select(n => (n, "SharedFile", false)),
            placements.Select(p => (NodeOf(p), p.GetProperty("transport").GetString()!, p.GetProperty("hit").GetBoolean())));
        Assert.Equal(1 + Nodes.Length, cluster.Count("image_open"));
        cluster.AssertHave(cluster.DigestOf(image), Nodes);
    }

    /// <summary>
    /// PBS is in no repository of Debian 12. In its place: a program with the same arguments that starts what it is given over SSH, with no
    /// input, with the job's cookie in its environment, and its output where PBS leaves it, in the job's.
    /// </summary>
    [ClusterTheory]
    [InlineData("pbs_tmrsh", "")]
    [InlineData("pbsdsh", "[ \"$1\" = -h ] && shift || exit 2; ")]
    public void InAJobOfPbsAnswersComeOverTcp(string program, string options)
    {
        string image = cluster.Image(program);
        ShareLauncher();
        string tasks = $$"""
            #!/bin/sh
            {{options}}n=$1; shift
            c=; for a; do c="$c '$a'"; done
            echo + >>/tmp/tasks
            ssh "$n" "PBS_JOBCOOKIE=$PBS_JOBCOOKIE $c" </dev/null >>/tmp/job.out 2>&1; e=$?
            echo - >>/tmp/tasks
            exit $e

            """;
        string start = Path.Combine(cluster.Shared, "bin", program);
        File.WriteAllText(start, tasks);
        Assert.Equal(0, HostProgram.Run("chmod", ["755", start]));
        File.WriteAllText(Path.Combine(cluster.Shared, "nodes"), string.Join('\n', Nodes.Append("head")) + "\n");
        string publish(string slipway) =>
            $"PATH={Shared}/bin:$PATH PBS_NODEFILE={Shared}/nodes PBS_JOBCOOKIE=00000000207DB83E000000005275737E {slipway} publish "
            + $"{image} --json --retry 0 --throttle-limit 2 --node {string.Join(',', Nodes)}";
        cluster.Script("fsreset");
        AssertEachNodeReadOnce(cluster.Sh("head", "rm -f /tmp/tasks; " + publish(Program)), image);
        // a question and the copying for each node, two at a time
        int now = 0;
        int[] atOnce = [.. cluster.Sh("head", "cat /tmp/tasks").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(l => now += l == "+" ? 1 : -1)];
        Assert.Equal((4 * Nodes.Length, 2), (atOnce.Length, atOnce.Max()));

        // who has seen the command line, and is no task of the job, is not believed
        File.WriteAllText(start, tasks.Replace("PBS_JOBCOOKIE=$PBS_JOBCOOKIE ", "PBS_JOBCOOKIE=another ", StringComparison.Ordinal));
        Cli.Result forged = cluster.Sh("head", publish(Program));
        Assert.Equal(1, forged.ExitCode);
        Assert.Empty(Placements(forged).Item2);
        File.WriteAllText(start, tasks);

        // from a path that nodes lack, and to nodes where none was brought: there is no input to bring it by
        Parallel.ForEach(Nodes, n => cluster.Sh(n, $"rm -rf {NodeCachePath}/launcher"));
        Cli.Result result = cluster.Sh("head", publish("/usr/local/bin/slipway"));
        Assert.Equal(1, result.ExitCode);
        Assert.All(Nodes, n => Assert.Contains($"{n}: slipway is not there, and {program} gives a task no input", result.Error,
            StringComparison.Ordinal));
    }

    [ClusterFact("mpiexec.hydra")]
    public void WhereThereIsNothingElseHydraStartsOneProcessANode()
    {
        string image = cluster.Image("hydra");
        ShareLauncher();
        // all programs but those that would be taken before
        string bin = $"{Shared}/programs";
        Assert.Equal(0, cluster.Sh("head", $"mkdir -p {bin}; ln -sf /usr/bin/* {bin}/; cd {bin} && rm -f ssh srun sbcast salloc squeue")
            .ExitCode);
        cluster.Script("fsreset");
        AssertEachNodeReadOnce(
            cluster.Sh("head", $"PATH={bin} HYDRA_LAUNCHER=ssh HYDRA_LAUNCHER_EXEC=/usr/bin/ssh {Program} publish {image} --json --retry "
                + $"0 --node {string.Join(',', Nodes)}"), image);
    }
}
