using System.Text.Json;
using static Slipway.Tests.Cluster;
using static Slipway.Tests.MpiCluster;

namespace Slipway.Tests.Scenarios;

/// <summary>
/// Real launchers, real nodes: the cells that need no network to be built, preflights, and mismatches that are made on purpose.
/// </summary>
[Collection(nameof(Cluster))]
public sealed class MpiClusterTests(OneCluster one)
{
    readonly MpiCluster cluster = one.Of<MpiCluster>();

    static readonly string All = string.Join(',', Nodes);

    static string[] Sum(int ranks) => ["--", "sum", $"{ranks}"];

    [MpiTheory]
    [InlineData("openmpi", false), InlineData("openmpi", true), InlineData("srun-pmix", true)]
    [InlineData("hydra", false), InlineData("hydra", true), InlineData("srun-pmi2", true)]
    public void RanksOnAllNodesSumUp(string launcher, bool slurm)
    {
        int ranks = 2 * Nodes.Length;
        bool mpich = launcher is "hydra" or "srun-pmi2";
        Cli.Result result = cluster.Mpi(
            ["-n", $"{ranks}", "--launcher", launcher, .. slurm ? ["--ranks-per-node", "2"] : (string[])["--node", All],
            .. mpich ? ForMpich : [], mpich ? Mpich : OpenMpi, .. Sum(ranks)], slurm ? Nodes.Length : 0);
        Assert.Null(Wrong(result, ranks, Nodes.Length));
        cluster.AssertNothingIsLeft();
    }

    [MpiFact]
    public void TheImagesOwnLauncherStartsRanksOnOneNode()
    {
        Assert.Null(Wrong(cluster.Sh("n2", $"{Program} mpi -n 2 --mpi Image {OpenMpi} -- sum 2"), 2, 1));
        (int exit, PreflightCheck[] checks) = cluster.Preflight(["-n", "2", "--mpi", "Image", OpenMpi]);
        Assert.Equal((0, "2 ranks found and met each other"), (exit, checks.Single(c => c.Name == "mpi").Seen.Split(" (")[0]));
        Assert.Equal("", cluster.Sh("head", "ls /tmp/slipway-2000 | grep probe; :").Output);
    }

    [MpiTheory]
    [InlineData("openmpi", 0), InlineData("srun-pmix", 2), InlineData("srun-pmi2", 2), InlineData("hydra", 0)]
    public void APreflightOfWhatWorksFindsNothing(string launcher, int slurm)
    {
        bool mpich = launcher is "hydra" or "srun-pmi2";
        string[] nodes = slurm == 0 ? [.. Nodes] : Nodes[..slurm];
        (int exit, PreflightCheck[] checks) =
            cluster.Preflight(["--launcher", launcher, .. slurm == 0 ? (string[])["--node", All] : ["-n", $"{2 * slurm}"], .. mpich
                ? ForMpich : [], mpich ? Mpich : OpenMpi], slurm);
        AssertAllIsWell(checks);
        Assert.Equal(0, exit);
        Assert.Contains($"{nodes.Length} ranks found and met each other on {nodes.Length} nodes", checks.Single(c => c.Name == "mpi").Seen,
            StringComparison.Ordinal);
        Assert.Equal(nodes, checks.Select(c => c.Node).Where(n => n.Length > 0).Distinct());
        string[] each = ["user-namespaces", "memlock", "shm", "pmi", "fuse", "fabric", "container", .. mpich
            ? [] : (string[])["pmix-security"], "tmpdir", .. mpich ? [] : (string[])["gds"], "cma"];
        Assert.All(nodes, n => Assert.Equal(each, checks.Where(c => c.Node == n).Select(c => c.Name)));
        cluster.AssertNothingIsLeft();
    }

    static void AssertAllIsWell(PreflightCheck[] checks) =>
        Assert.True(checks.All(c => c.Status == PreflightStatus.Ok), string.Join('\n', checks.Where(c => c.Status != PreflightStatus.Ok)));

    /// <summary>What a check says, in all nodes or in the job: failed, with these words, and what to do.</summary>
    static void AssertSays(PreflightCheck[] checks, string name, string seen, string advice,
        PreflightStatus status = PreflightStatus.Failed)
    {
        PreflightCheck[] named = [.. checks.Where(c => c.Name == name)];
        Assert.True(named.Any(c => c.Status == status && c.Seen.Contains(seen, StringComparison.Ordinal)
            && (c.Advice ?? "").Contains(advice, StringComparison.Ordinal)), string.Join('\n', (object[])checks));
    }

    [MpiTheory]
    [InlineData("openmpi", 0), InlineData("srun-pmix", 2), InlineData("srun-none", 2)]
    public void RanksThatEachTakeThemselvesForRank0AreRecognised(string launcher, int slurm)
    {
        string[] where = slurm == 0 ? ["--node", "n1,n2"] : ["-n", "2"];
        (int exit, PreflightCheck[] checks) = cluster.Preflight(["--launcher", launcher, .. where, Mpich], slurm);
        Assert.Equal(1, exit);
        AssertSays(checks, "mpi", "each of 2 ranks takes itself for rank 0 of 1", "srun-pmi2");
        AssertSays(checks, "compatibility", "MPICH", "-Launcher");
        if (launcher == "srun-none")
            AssertSays(checks, "pmi", "tells its ranks nothing of each other", "--mpi=pmix");

        // and a job is refused with the same words, before anything starts
        Cli.Result job = cluster.Mpi(["--launcher", launcher, .. where, .. slurm == 0 ? (string[])["-n", "2"] : [], Mpich, .. Sum(2)],
            slurm, perNode: 1);
        Assert.Equal((1, ""), (job.ExitCode, job.Output));
        Assert.Contains(checks.Single(c => c.Name == "compatibility").Seen, job.Error, StringComparison.Ordinal);
        cluster.AssertNothingIsLeft();
    }

    [MpiFact]
    public void OpenMpiUnderPmi2IsNamed()
    {
        (int exit, PreflightCheck[] checks) = cluster.Preflight(["--launcher", "srun-pmi2", "-n", "2", OpenMpi], 2);
        Assert.Equal(1, exit);
        AssertSays(checks, "mpi", "MPI_Init failed on ", "-Launcher srun-pmix");
        AssertSays(checks, "compatibility", "speaks PMIx", "-Launcher srun-pmix");
    }

    [MpiTheory]
    [InlineData(0), InlineData(2)]
    public void AMissingMungeIsNamed(int slurm)
    {
        (int exit, PreflightCheck[] checks) =
            cluster.Preflight([.. slurm == 0 ? (string[])["--node", "n1,n2"] : ["-n", "2"], "--env", "PMIX_MCA_psec=munge", OpenMpi],
                slurm);
        Assert.Equal(1, exit);
        AssertSays(checks, "pmix-security", "MPI_Init would fail", "PMIX_MCA_psec=native");
        AssertSays(checks, "mpi", "no security component that the server takes", "PMIX_MCA_psec=native");
        // and what it says helps
        Assert.Equal(0, cluster.Preflight(
            [.. slurm == 0 ? (string[])["--node", "n1,n2"] : ["-n", "2"], "--env", "PMIX_MCA_psec=native", OpenMpi], slurm).ExitCode);
    }

    /// <summary>munged itself is stopped on a node: slurmd there can no longer tell who sends what. Over SSH nothing takes it.</summary>
    [MpiFact]
    public void AStoppedMungedIsNamedWithItsNode()
    {
        Assert.Equal(0, cluster.Sh("n2", "pkill -x munged && while pgrep -x munged; do sleep 0.1; done", "root").ExitCode);
        try
        {
            (int exit, PreflightCheck[] checks) = cluster.Preflight(["-n", "2", "--launcher", "srun-pmix", OpenMpi], 2);
            Assert.Equal(1, exit);
            AssertSays(checks, "launcher", "failed on node n2", "munged");
            Assert.Contains(checks, c => c is { Node: "n2", Name: "launcher", Status: PreflightStatus.Failed });
            Assert.Equal(0, cluster.Preflight(["--node", "n1,n2", OpenMpi]).ExitCode);
        }
        finally
        {
            cluster.Sh("n2", "setpriv --reuid=munge --regid=munge --clear-groups munged", "root");
            // Slurm would try for a minute yet to end the step there; this is how an admin brings a node back
            Until(() => cluster.Sh("head",
                "scontrol update nodename=n2 state=down reason=munge; scontrol update nodename=n2 state=resume; sleep 1; "
                + "sinfo -h -t idle -o %D; squeue -h -t all -o %T | grep COMPLETING",
                "root").Output.Trim() == $"{Nodes.Length}",
                () => "all nodes are idle again");
        }
        cluster.AssertNothingIsLeft();
    }

    [MpiFact]
    public void AHiddenSessionDirectoryIsNamed()
    {
        foreach (string node in new[] { "head", "n1", "n2" })
            Assert.Equal(0, cluster.Sh(node, "mkdir -p -m 1777 /opt/scratch", "root").ExitCode);
        (int exit, PreflightCheck[] checks) =
            cluster.Preflight(["--node", "n1,n2", OpenMpi], before: "OMPI_MCA_orte_tmpdir_base=/opt/scratch");
        Assert.Equal(1, exit);
        AssertSays(checks, "tmpdir", "is /opt/scratch/ompi.n2.2000, which the container does not show", "OMPI_MCA_orte_tmpdir_base");
        AssertSays(checks, "gds", "which the container does not show", "PMIX_MCA_gds=hash");
        AssertSays(checks, "mpi", "MPI_Init failed on ", "tmpdir");
    }

    [MpiFact]
    public void SmallMemlockIsNamedWithItsNode()
    {
        // of slurmd, from which the steps of its node have it
        Assert.Equal(0, cluster.Sh("n2", "for p in $(pgrep -x slurmd); do prlimit --pid $p --memlock=65536:65536; done", "root").ExitCode);
        try
        {
            (int exit, PreflightCheck[] checks) = cluster.Preflight(["-n", "2", "--launcher", "srun-pmix", OpenMpi], 2);
            Assert.Equal(0, exit);
            AssertSays(checks, "memlock", "64 KiB may be locked", "PropagateResourceLimitsExcept=MEMLOCK", PreflightStatus.Warning);
            Assert.Equal(["n2"], checks.Where(c => c.Status != PreflightStatus.Ok).Select(c => c.Node));
        }
        finally
        {
            // a new one: not every machine lets even root raise a hard limit again
            const string Restart = "pkill -x slurmd; while pgrep -x slurmd >/dev/null; do sleep 0.1; done; "
                + "slurmd -L /var/log/cluster/n2-slurmd.log";
            Assert.Equal(0, cluster.Sh("n2", Restart, "root").ExitCode);
            Until(() => cluster.Sh("head", "sinfo -h -t idle -o %D").Output.Trim() == $"{Nodes.Length}", () => "all nodes are idle again");
        }
    }

    [MpiFact]
    public void ANodeThatIsNotThereIsNamedAndNothingHangs()
    {
        (int exit, PreflightCheck[] checks) = cluster.Preflight(["--node", "n1,nowhere", OpenMpi]);
        Assert.Equal(1, exit);
        AssertSays(checks, "launcher", "cannot log in to a node", "ssh NODE true");
        Assert.Contains(checks, c => c is { Node: "nowhere", Name: "launcher" });
        cluster.AssertNothingIsLeft();
    }

    /// <summary>The launcher reaches both nodes, and what they send each other vanishes.</summary>
    [MpiFact]
    public void WhatHangsIsEndedAndNamed()
    {
        // each takes the other's packets to a card that is nobody's
        static string Neighbour(string what, int other) =>
            $"ip neigh {what} 10.77.0.{10 + other} lladdr 02:00:00:00:00:99 dev eth0 nud permanent";
        cluster.Sh("n1", Neighbour("replace", 2), "root");
        cluster.Sh("n2", Neighbour("replace", 1), "root");
        try
        {
            (int exit, PreflightCheck[] checks) = cluster.Preflight(["--timeout-sec", "15", "--node", "n1,n2", OpenMpi]);
            Assert.Equal(1, exit);
            AssertSays(checks, "mpi", "did not meet within 15 s on n", "OMPI_MCA_btl_tcp_if_include");
        }
        finally
        {
            cluster.Sh("n1", Neighbour("del", 2), "root");
            cluster.Sh("n2", Neighbour("del", 1), "root");
        }
        cluster.AssertNothingIsLeft();
    }

    /// <summary>No code knows of it: a script that starts ranks by srun, and a row in the site's file.</summary>
    [MpiFact]
    public void ALauncherOfTheSitesOwnTable()
    {
        Assert.Equal(0, cluster.Sh("head", """
            cat >/usr/local/bin/wharf <<'X'
            #!/bin/sh
            case $1 in --about) echo "Wharf launcher 2.5"; exit;; esac
            n=$2; h=$4; shift 4
            exec srun --quiet --mpi=pmix --ntasks=$n --nodelist=$h --ntasks-per-node=1 "$@"
            X
            chmod 755 /usr/local/bin/wharf
            mkdir -p /etc/slipway
            cat >/etc/slipway/launchers.yaml <<'X'
            launchers:
            - name: wharf
              title: Wharf, of this site
              programs: [wharf]
              recognise: {arguments: [--about], pattern: 'Wharf launcher (?<version>[0-9.]+)'}
              inside: [SLURM_JOB_ID]
              gives: [pmix]
              ranks: [--count, "{ranks}"]
              host: "{node}"
              hosts: [--on, "{hosts}"]
            X
            """.ReplaceLineEndings("\n"), "root").ExitCode);
        try
        {
            string[] where = ["--launcher", "wharf", "-n", "2", "--node", "n1,n2"];
            using JsonDocument plan = JsonDocument.Parse(cluster.Mpi([.. where, "--plan-only", "--json", OpenMpi, .. Sum(2)], 2, 1).Output);
            Assert.Equal(("/usr/local/bin/wharf", "2.5"),
                (plan.RootElement.GetProperty("program").GetString(), plan.RootElement.GetProperty("launcherVersion").GetString()));
            Assert.Null(Wrong(cluster.Mpi([.. where, OpenMpi, .. Sum(2)], 2, 1), 2, 2));
            (int exit, PreflightCheck[] checks) = cluster.Preflight([.. where, OpenMpi], 2);
            AssertAllIsWell(checks);
            Assert.Equal(0, exit);
        }
        finally
        {
            cluster.Sh("head", "rm -r /etc/slipway /usr/local/bin/wharf", "root");
        }
    }

    /// <summary>Open MPI's mpirun loses the message of it now and then, so more than once.</summary>
    [MpiTheory]
    [InlineData("openmpi", 6), InlineData("hydra", 1)]
    public void ARankThatCallsAbortIsNamed(string launcher, int times)
    {
        bool mpich = launcher == "hydra";
        for (int i = 0, lost = 0; i < times; i++)
        {
            Cli.Result result = cluster.Mpi(
                ["--json", "--launcher", launcher, "-n", "2", "--node", "n1,n2", .. mpich ? ForMpich : [], mpich ? Mpich : OpenMpi, "--",
                    "sum", "2", "abort"]);
            Assert.Equal(7, result.ExitCode);
            // Hydra ends its proxies at once, and on a busy machine with what a rank said last
            if (mpich && !result.Error.Contains("application called MPI_Abort", StringComparison.Ordinal) && lost++ < 3)
            {
                i--;
                continue;
            }
            JsonElement failure = JsonDocument.Parse(result.Output).RootElement.GetProperty("failure");
            Assert.Equal((1, "n2", 7), (failure.GetProperty("rank").GetInt32(), failure.GetProperty("node").GetString(),
                failure.GetProperty("exitCode").GetInt32()));
            Assert.StartsWith("rank 1 of 2 on n2: sum 3", failure.GetProperty("lastLines").EnumerateArray().First().GetString(),
                StringComparison.Ordinal);
        }
        cluster.AssertNothingIsLeft();
    }

    [MpiFact]
    public void AKilledRankEndsTheJobAndIsNamed() => new MpiDeathTests(cluster).Rank("openmpi", slurm: false);
}
