using Slipway.Linux;
using static Slipway.Tests.Cluster;

namespace Slipway.Tests.Scenarios;

/// <summary>
/// What was published is what ranks run on, on every node and whichever way both got there: the pipeline of the README, in each kind of
/// job.
/// </summary>
[Collection(nameof(Cluster))]
public sealed class PublishedRunTests(OneCluster one)
{
    readonly PublishCluster cluster = one.Of<PublishCluster>().Fresh();

    /// <summary>
    /// A script of PowerShell in the shared directory: publishes to the nodes that it is given, and starts a rank on each.
    /// </summary>
    string Pipeline(string image, string options = "")
    {
        Assert.Equal(0, HostProgram.Run("cp", ["-r", Path.Combine(Cli.Repository, "out/module/Slipway"), cluster.Shared]));
        File.WriteAllText(Path.Combine(cluster.Shared, "pipeline.ps1"), $$"""
            param([string] $Nodes)
            $ErrorActionPreference = 'Stop'
            $PSStyle.OutputRendering = 'PlainText'
            Set-Location /tmp
            Import-Module /shared/scratch/Slipway
            $image = Publish-ImageCache {{image}} -Node $Nodes.Split(',') -Retry 0 {{options}}
            $image.Placements | ForEach-Object { "placed $($_.Node) $($_.Transport)" }
            $where = $Nodes.Split(',')
            $result = $image |
                Invoke-ContainerMpi -Ranks $where.Count -Node $where -- sh -c 'echo rank on $(cat /proc/sys/kernel/hostname)' 6>&1
            "exit code $($result.ExitCode)"
            $result
            """);
        return "/shared/scratch/pipeline.ps1";
    }

    void AssertRan(string output, string transport, string? first = null)
    {
        string[] lines = output.Split('\n');
        Assert.True(lines.Contains("exit code 0"), output);
        // the node that publishes has its copy before
        Assert.Equal(Nodes.Select(n => $"placed {n} {(n == first ? "Local" : transport)}"),
            lines.Where(l => l.StartsWith("placed ", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal(Nodes.Select(n => $"rank on {n}"), lines.Where(l => l.StartsWith("rank on ", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal));
    }

    [ClusterFact("pwsh", "mpirun")]
    public void RanksFindTheImageAfterSshAndStartBySsh()
    {
        string script = Pipeline(cluster.Image("ssh"));
        cluster.Script("fsreset");
        Cli.Result result = cluster.On("head", User, "pwsh", "-NoProfile", "-NonInteractive", "-File", script, string.Join(',', Nodes));
        Assert.True(result.ExitCode == 0 && result.Error.Length == 0, result.Output + result.Error);
        AssertRan(result.Output, "SshTree");
        Assert.Equal(1, cluster.Count("image_open"));
    }

    [ClusterFact("pwsh")]
    public void RanksFindTheImageInAJobOfSlurm()
    {
        string script = Pipeline(cluster.Image("slurm"));
        cluster.Script("fsreset");
        Cli.Result result = cluster.Sh(
            "head", $"salloc --quiet --nodes={Nodes.Length} --ntasks-per-node=1 pwsh -NoProfile -NonInteractive "
            + $"-File {script} {string.Join(',', Nodes)}");
        Assert.True(result.ExitCode == 0 && result.Error.Length == 0, result.Output + result.Error);
        AssertRan(result.Output, "Sbcast");
        Assert.Equal(1, cluster.Count("image_open"));
    }

    [ClusterFact("pwsh")]
    public void PartitionsAndJobsAreCompletedWhereSlurmAnswers()
    {
        Assert.Equal(0, HostProgram.Run("cp", ["-r", Path.Combine(Cli.Repository, "out/module/Slipway"), cluster.Shared]));
        // programs that never answer, and none at all: nothing is offered, not even the files that are here
        Assert.Equal(
            0, cluster.Sh("head", "mkdir /shared/scratch/hung && cd /shared/scratch/hung && printf '#!/bin/sh\nexec sleep 1000\n' >sinfo "
                + "&& cp sinfo squeue && chmod 755 *").ExitCode);
        File.WriteAllText(Path.Combine(cluster.Shared, "complete.ps1"), """
            $ErrorActionPreference = 'Stop'
            Set-Location (New-Item -ItemType Directory "/tmp/empty-$PID")
            Import-Module /shared/scratch/Slipway
            function complete([string] $programs, [string] $line) {
                $env:PATH = $path[$programs]
                $found = (TabExpansion2 $line $line.Length).CompletionMatches
                "$programs`: $line" + $found.ForEach{ " [$($_.CompletionText)|$($_.ToolTip)]" }
            }
            $path = @{ slurm = $env:PATH; hung = '/shared/scratch/hung'; none = '/nowhere' }
            complete slurm 'Publish-ImageCache x.sqfs -Partition d'
            complete slurm 'Publish-ImageCache x.sqfs -Partition other'
            complete slurm 'Clear-ImageCache -JobId '
            foreach ($programs in 'hung', 'none') {
                complete $programs 'Get-ImageCache -Partition '
                complete $programs 'Get-ImageCache -JobId '
            }
            """);
        Cli.Result result = cluster.On("head", User, "pwsh", "-NoProfile", "-NonInteractive", "-File", "/shared/scratch/complete.ps1");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        string job = $"{cluster.Job}|no-shell on n[1-{Nodes.Length}]";
        Assert.Equal(
            "slurm: Publish-ImageCache x.sqfs -Partition d [debug|debug]\nslurm: Publish-ImageCache x.sqfs -Partition other\n"
            + $"slurm: Clear-ImageCache -JobId  [{job}]\n"
            + string.Concat(new[] { "hung", "none" }.Select(p => $"{p}: Get-ImageCache -Partition \n{p}: Get-ImageCache -JobId \n")),
            result.Output);
    }

    [ClusterFact(Needs.Long, "pwsh", "mpirun", "sge_qmaster", "sge_execd", "qsub")]
    public void RanksFindTheImageInAJobOfGridEngine()
    {
        string script = Pipeline(cluster.Image("gridengine"));
        Assert.Equal((0, ""), (cluster.Script("gridengine") is var started ? started.ExitCode : 1, started.Error));
        File.WriteAllText(Path.Combine(cluster.Shared, "job.sh"),
            "#!/bin/sh\nnodes=$(cut -d' ' -f1 $PE_HOSTFILE | sort | paste -sd,)\nhostname > /shared/scratch/first\n"
            + $"pwsh -NoProfile -NonInteractive -File {script} $nodes\n");
        cluster.Script("fsreset");
        Cli.Result result = cluster.Sh(
            "head", $"timeout 200 qsub -sync y -cwd -V -j y -o /shared/scratch/job.out -pe mpi {Nodes.Length} /shared/scratch/job.sh; "
            + "e=$?; cat /shared/scratch/job.out; exit $e");
        Assert.True(result.ExitCode == 0, result.Output);
        AssertRan(result.Output, "SharedFile", File.ReadAllText(Path.Combine(cluster.Shared, "first")).Trim());
        // each node reads once, the one that publishes too
        Assert.Equal(Nodes.Length, cluster.Count("image_open"));
    }
}
