using Slipway.Launching;
using Slipway.Preflight;

namespace Slipway.Tests.Preflight;

/// <summary>What a preflight makes of what it sees, on trees and lines that are made for it; on real nodes: MpiClusterTests.</summary>
public sealed class NodeChecksTests : IDisposable
{
    readonly TemporaryDirectory root = new();
    readonly Dictionary<string, string> variables = [];

    public void Dispose() => root.Dispose();

    NodeChecks Node(uint user = 1000) => new("n1", root.Path, name => variables.GetValueOrDefault(name), user);

    static void Is(PreflightStatus status, string seen, string? advice, PreflightCheck check)
    {
        Assert.Equal(status, check.Status);
        Assert.Contains(seen, check.Seen, StringComparison.Ordinal);
        if (advice is null)
            Assert.Null(check.Advice);
        else
            Assert.Contains(advice, check.Advice!, StringComparison.Ordinal);
    }

    [Fact]
    public void UserNamespaces()
    {
        root.Write("proc/sys/user/max_user_namespaces", "15000\n");
        Is(PreflightStatus.Ok, "up to 15000", null, Node().UserNamespaces());
        root.Write("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
        Is(PreflightStatus.Warning, "AppArmor", "userns,", Node().UserNamespaces());
        root.Write("proc/sys/kernel/unprivileged_userns_clone", "0\n");
        Is(PreflightStatus.Failed, "only root", "sysctl", Node().UserNamespaces());
        Is(PreflightStatus.Ok, "allowed", null, Node(user: 0).UserNamespaces());
        root.Write("proc/sys/user/max_user_namespaces", "0\n");
        Is(PreflightStatus.Failed, "is 0", "sysctl", Node(user: 0).UserNamespaces());
    }

    [Fact]
    public void Fuse()
    {
        Is(PreflightStatus.Failed, "no /dev/fuse", "modprobe fuse", Node().Fuse(true, "squashfuse"));
        Is(PreflightStatus.Ok, "not needed", null, Node().Fuse(false, "root has mounted the image"));
        root.Write("dev/fuse", "");
        Is(PreflightStatus.Ok, "can be opened", null, Node().Fuse(true, "squashfuse"));
    }

    [Fact]
    public void MemlockCountsWhereAFabricNeedsIt()
    {
        Is(PreflightStatus.Ok, "unlimited", null, Node().Memlock(long.MaxValue, ["mlx5_0"]));
        Is(PreflightStatus.Ok, "8192 KiB", null, Node().Memlock(8 << 20, []));
        Is(PreflightStatus.Warning, "64 KiB", "limits.d", Node().Memlock(64 << 10, []));
        Is(PreflightStatus.Failed, "mlx5_0 needs it", "limits.d", Node().Memlock(8 << 20, ["mlx5_0"]));
        Is(PreflightStatus.Warning, "mlx5_0 needs it", "limits.d", Node().Memlock(1 << 30, ["mlx5_0"]));
        variables["SLURM_JOB_ID"] = "7";
        Is(PreflightStatus.Warning, "64 KiB", "slurm.conf", Node().Memlock(64 << 10, []));
        variables.Remove("SLURM_JOB_ID");
        variables["PE_HOSTFILE"] = "/x";
        Is(PreflightStatus.Warning, "64 KiB", "H_MEMORYLOCKED", Node().Memlock(64 << 10, []));
    }

    [Fact]
    public void SharedMemory()
    {
        Is(PreflightStatus.Failed, "no /dev/shm", "mount -t tmpfs", Node().SharedMemory(1));
        Directory.CreateDirectory(Path.Combine(root.Path, "dev/shm"));
        Is(PreflightStatus.Ok, "MiB are free", null, Node().SharedMemory(1));
        Is(PreflightStatus.Failed, "100000000 ranks may take", "remount", Node().SharedMemory(100_000_000));
    }

    [Fact]
    public void ProcessManagement()
    {
        Is(PreflightStatus.Failed, "neither PMIx nor PMI", "--mpi=pmix", Node().ProcessManagement());
        variables["PMI_FD"] = "12";
        Is(PreflightStatus.Ok, "pmi: descriptor 12", null, Node().ProcessManagement());
        variables.Clear();
        variables["PMIX_NAMESPACE"] = "x";
        Is(PreflightStatus.Failed, "neither PMIx nor PMI", "--mpi=pmix", Node().ProcessManagement());
        using System.Net.Sockets.TcpListener server = new(System.Net.IPAddress.Loopback, 0);
        server.Start();
        int port = ((System.Net.IPEndPoint)server.LocalEndpoint).Port;
        variables["PMIX_SERVER_URI21"] = $"x.0;tcp4://127.0.0.1:{port}";
        Is(PreflightStatus.Ok, $"127.0.0.1:{port} answers", null, Node().ProcessManagement());
        server.Stop();
        Is(PreflightStatus.Failed, "does not answer", "daemon", Node().ProcessManagement());
        variables["PMIX_SERVER_URI21"] = "x.0;tcp4://nonsense;tcp4://:x;tcp4://[";
        Is(PreflightStatus.Failed, "neither PMIx nor PMI", "--mpi=pmix", Node().ProcessManagement());
    }

    [Theory]
    [InlineData("munge,native", null, false, false, "Ok", "the image has no libmunge: it is native")]
    [InlineData("munge,native", null, true, true, "Ok", "it is munge")]
    [InlineData("munge", null, false, false, "Failed", "the image has no libmunge")]
    [InlineData("munge", null, true, false, "Failed", "the container does not show munged's socket")]
    [InlineData("munge,native", "munge", true, false, "Failed", "the container does not show munged's socket")]
    [InlineData("munge", "native", false, false, "Failed", "PMIX_MCA_psec is native")]
    [InlineData("munge,native", "native", false, false, "Ok", "it is native")]
    public void Security(string server, string? ranks, bool library, bool socket, string status, string seen)
    {
        variables["PMIX_NAMESPACE"] = "x";
        variables["PMIX_SECURITY_MODE"] = server;
        if (ranks is not null)
            variables["PMIX_MCA_psec"] = ranks;
        Is(Enum.Parse<PreflightStatus>(status), seen, status == "Failed" ? "PMIX_MCA_psec=native" : null, Node().Security(library, socket));
    }

    [Fact]
    public void DirectoriesAndData()
    {
        Directory.CreateDirectory(Path.Combine(root.Path, "opt/s"));
        Directory.CreateDirectory(Path.Combine(root.Path, "tmp"));
        variables["PMIX_SERVER_TMPDIR"] = "/opt/s";
        variables["TMPDIR"] = "/tmp";
        variables["PMIX_GDS_MODULE"] = "ds21,hash";
        PreflightCheck[] seen = [.. Node().Directories(new HashSet<string>())], hidden = [.. Node().Directories(new HashSet<string> { "/opt/s" })];
        Is(PreflightStatus.Ok, "/opt/s, /tmp", null, seen[0]);
        Is(PreflightStatus.Ok, "ds21 or hash", null, seen[1]);
        Is(PreflightStatus.Failed, "PMIX_SERVER_TMPDIR is /opt/s", "binds", hidden[0]);
        Is(PreflightStatus.Failed, "ds21", "PMIX_MCA_gds=hash", hidden[1]);
        variables["PMIX_MCA_gds"] = "hash";
        Is(PreflightStatus.Ok, "hash", null, Node().Directories(new HashSet<string> { "/opt/s" }).Last());
        Is(PreflightStatus.Warning, "TMPDIR is /tmp", "binds", Node().Directories(new HashSet<string> { "/tmp" }).First());
    }

    [Fact]
    public void CrossMemoryAttach()
    {
        Is(PreflightStatus.Ok, "each other's memory", null, Node().CrossMemoryAttach(0));
        Is(PreflightStatus.Warning, "errno 1", "seccomp", Node().CrossMemoryAttach(1));
        root.Write("proc/sys/kernel/yama/ptrace_scope", "2\n");
        Is(PreflightStatus.Warning, "ptrace_scope is 2", "ptrace_scope=1", Node().CrossMemoryAttach(1));
    }

    [Fact]
    public void Fabric()
    {
        Is(PreflightStatus.Ok, "no fabric device", null, Node().Fabric(null, []));
        Is(PreflightStatus.Warning, "mlx5_0", "slipway fabric", Node().Fabric(null, ["mlx5_0"]));
        Is(PreflightStatus.Failed, "too old", "--explain", Node().Fabric(new FabricPlan { Verdict = FabricRung.Refuse, Reason = "too old" }, ["mlx5_0"]));
        Is(PreflightStatus.Ok, "Image: fine", null, Node().Fabric(new FabricPlan { Verdict = FabricRung.Image, Reason = "fine" }, ["mlx5_0"]));
    }

    static PreflightCheck Mpi(int ranks, MpiVerdict? verdict, bool late, int exit, params string[] lines)
    {
        Findings findings = new(verdict, ["n1", "n2"], ranks);
        foreach (string line in lines)
            findings.Add(line);
        return findings.Checks(new MpiResult { ExitCode = exit, Ranks = ranks, Nodes = [], Launcher = "x", Elapsed = default, CommandLine = "", TimedOut = late }, TimeSpan.FromSeconds(9)).Single(c => c.Name == "mpi");
    }

    static string[] Of(string node, params string[] words) => [$"slipway-preflight {node} begin", .. words.Select(w => $"slipway-preflight-rank {node} {w}")];

    [Fact]
    public void RanksAreFollowedToTheirEnd()
    {
        const string Library = "Some MPI 1.0";
        string[] Up(int rank, string size, params string[] then) => ["begin", $"rank {rank} {size} {Library}", .. then];
        PreflightCheck Run(string[] first, string[] second, bool late = false, int exit = 0, params string[] other) => Mpi(2, null, late, exit, [.. Of("n1", first), .. Of("n2.cluster", second), .. other]);

        Is(PreflightStatus.Ok, "2 ranks found and met each other on 2 nodes (Some MPI 1.0)", null, Run(Up(0, "2", "met 0", "end 0"), Up(1, "2", "met 1", "end 1")));
        Is(PreflightStatus.Failed, "each of 2 ranks takes itself for rank 0 of 1", "does not speak what this launcher offers", Run(Up(0, "1", "met 0", "end 0"), Up(0, "1", "met 0", "end 0")));
        Is(PreflightStatus.Failed, "rank 0 counts 3", "another launcher", Run(Up(0, "3"), Up(1, "3")));
        Is(PreflightStatus.Failed, "MPI_Init did not come back within 9 s on n1, n2.cluster", "other checks", Run(["begin"], ["begin"], late: true));
        Is(PreflightStatus.Failed, "MPI_Init failed on n1, n2.cluster: it says something", "other checks", Run(["begin"], ["begin"], exit: 1, other: "it says something"));
        Is(PreflightStatus.Failed, "did not meet within 9 s on n1", "firewall", Run(Up(0, "2"), Up(1, "2", "met 1"), late: true));
        Is(PreflightStatus.Failed, "MPI_Finalize did not come back within 9 s on n2.cluster", "UCX", Run(Up(0, "2", "met 0", "end 0"), Up(1, "2", "met 1"), late: true));
        Is(PreflightStatus.Failed, "cannot be loaded: libx.so", "slipway compare", Run(["no-library libx.so"], ["no-library libx.so"], exit: 1));
        Is(PreflightStatus.Failed, "0 of 2 ranks", "other checks", Run([], [], exit: 1));
    }

    [Fact]
    public void AVerdictGivesItsAdvice() =>
        Is(PreflightStatus.Failed, "rank 0 of 1", "take another", Mpi(2, new MpiVerdict(MpiFit.Refuse, "A", "B", "they do not match", "take another"), false, 0,
            [.. Of("n1", "begin", "rank 0 1 A", "met 0", "end 0"), .. Of("n2", "begin", "rank 0 1 A", "met 0", "end 0")]));

    [Fact]
    public void NodesThatSayNothingAreNamed()
    {
        Findings findings = new(null, ["n1", "n2"], 2);
        findings.Add("slipway-preflight n1 begin");
        findings.Add("Host key verification failed.");
        IReadOnlyList<PreflightCheck> checks = findings.Checks(new MpiResult { ExitCode = 255, Ranks = 2, Nodes = [], Launcher = "x", Elapsed = default, CommandLine = "" }, TimeSpan.FromSeconds(9));
        PreflightCheck launcher = checks.Single(c => c.Name == "launcher");
        Assert.Equal("n2", launcher.Node);
        Is(PreflightStatus.Failed, "the launcher cannot log in to a node (Host key verification failed.)", "ssh NODE true", launcher);
    }

    /// <summary>Lines come from nodes through a launcher: whatever they are, they are only lines.</summary>
    [Theory]
    [InlineData("slipway-preflight ")]
    [InlineData("slipway-preflight {")]
    [InlineData("slipway-preflight {\"node\":1}")]
    [InlineData("slipway-preflight {\"node\":\"n1\"}")]
    [InlineData("slipway-preflight-rank n1")]
    [InlineData("slipway-preflight-rank n1 rank x y")]
    [InlineData("slipway-preflight-rank n1 rank 1")]
    [InlineData("slipway-preflight-rank n1 end 4")]
    [InlineData("slipway-preflight-rank n1 ")]
    public void OddLinesDoNoHarm(string line) => Assert.Equal(PreflightStatus.Failed, Mpi(2, null, false, 1, line, "[1,0]<stdout>:" + line).Status);

    [Fact]
    public void EachSymptomIsFoundInALineOfItsOwn()
    {
        (string Line, string Name)[] said =
        [
            ("We were unable to find any usable plugins for the PSEC framework. This PMIx", "pmix-security"), ("but OMPI was not built with SLURM's PMI support and therefore cannot", "pmi"),
            ("[n1:1] PMIX ERROR: ERROR in file ../src/mca/gds/ds12/gds_ds12_lock_pthread.c at line 169", "gds"), ("  orte_session_dir failed", "tmpdir"),
            ("ssh: connect to host n1 port 22: Connection refused", "launcher"), ("There are not enough slots available in the system to satisfy the 2", "launcher"),
            ("ORTE was unable to reliably start one or more daemons.", "launcher"), ("slurmstepd: error: execve(): /x/slipway: No such file or directory", "launcher"),
            ("srun: error: Task launch for StepId=2.0 failed on node n2: Zero Bytes were transmitted or received", "launcher"),
        ];
        Assert.All(said, s => Assert.Equal(s.Name, Symptoms.Find(["something", s.Line])!.Value.Symptom.Name));
        Assert.Equal(said.Length, said.Select(s => Symptoms.Find([s.Line])!.Value.Symptom).Distinct().Count());
        Assert.Null(Symptoms.Find(["rank 0 of 4 on n1: sum 10"]));
    }
}
