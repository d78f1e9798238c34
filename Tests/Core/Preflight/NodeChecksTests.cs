using Slipway.Preflight;

namespace Slipway.Tests.Preflight;

/// <summary>What a preflight makes of what it sees on a node, on trees that are made for it; on real nodes: MpiClusterTests.</summary>
public sealed class NodeChecksTests : IDisposable
{
    readonly TemporaryDirectory root = new();
    readonly Dictionary<string, string> variables = [];

    public void Dispose() => root.Dispose();

    NodeChecks Node(uint user = 1000) => new("n1", root.Path, name => variables.GetValueOrDefault(name), user);

    [Fact]
    public void UserNamespaces()
    {
        root.Write("proc/sys/user/max_user_namespaces", "15000\n");
        Seen.Is(PreflightStatus.Ok, "up to 15000", null, Node().UserNamespaces());
        root.Write("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
        Seen.Is(PreflightStatus.Warning, "AppArmor", "userns,", Node().UserNamespaces());
        root.Write("proc/sys/kernel/unprivileged_userns_clone", "0\n");
        Seen.Is(PreflightStatus.Failed, "only root", "sysctl", Node().UserNamespaces());
        Seen.Is(PreflightStatus.Ok, "allowed", null, Node(user: 0).UserNamespaces());
        root.Write("proc/sys/user/max_user_namespaces", "0\n");
        Seen.Is(PreflightStatus.Failed, "is 0", "sysctl", Node(user: 0).UserNamespaces());
    }

    [Fact]
    public void Fuse()
    {
        Seen.Is(PreflightStatus.Failed, "no /dev/fuse", "modprobe fuse", Node().Fuse(true, "squashfuse"));
        Seen.Is(PreflightStatus.Ok, "not needed", null, Node().Fuse(false, "root has mounted the image"));
        root.Write("dev/fuse", "");
        Seen.Is(PreflightStatus.Ok, "can be opened", null, Node().Fuse(true, "squashfuse"));
    }

    [Fact]
    public void MemlockCountsWhereAFabricNeedsIt()
    {
        Seen.Is(PreflightStatus.Ok, "unlimited", null, Node().Memlock(long.MaxValue, ["mlx5_0"]));
        Seen.Is(PreflightStatus.Ok, "8192 KiB", null, Node().Memlock(8 << 20, []));
        Seen.Is(PreflightStatus.Warning, "64 KiB", "limits.d", Node().Memlock(64 << 10, []));
        Seen.Is(PreflightStatus.Failed, "mlx5_0 needs it", "limits.d", Node().Memlock(8 << 20, ["mlx5_0"]));
        Seen.Is(PreflightStatus.Warning, "mlx5_0 needs it", "limits.d", Node().Memlock(1 << 30, ["mlx5_0"]));
        variables["SLURM_JOB_ID"] = "7";
        Seen.Is(PreflightStatus.Warning, "64 KiB", "slurm.conf", Node().Memlock(64 << 10, []));
        variables.Remove("SLURM_JOB_ID");
        variables["PE_HOSTFILE"] = "/x";
        Seen.Is(PreflightStatus.Warning, "64 KiB", "H_MEMORYLOCKED", Node().Memlock(64 << 10, []));
    }

    [Fact]
    public void SharedMemory()
    {
        Seen.Is(PreflightStatus.Failed, "no /dev/shm", "mount -t tmpfs", Node().SharedMemory(1));
        Directory.CreateDirectory(Path.Combine(root.Path, "dev/shm"));
        Seen.Is(PreflightStatus.Ok, "MiB are free", null, Node().SharedMemory(1));
        Seen.Is(PreflightStatus.Failed, "100000000 ranks may take", "remount", Node().SharedMemory(100_000_000));
    }

    [Fact]
    public void ProcessManagement()
    {
        Seen.Is(PreflightStatus.Failed, "neither PMIx nor PMI", "--mpi=pmix", Node().ProcessManagement());
        variables["PMI_FD"] = "12";
        Seen.Is(PreflightStatus.Ok, "pmi: descriptor 12", null, Node().ProcessManagement());
        variables.Clear();
        variables["PMIX_NAMESPACE"] = "x";
        Seen.Is(PreflightStatus.Failed, "neither PMIx nor PMI", "--mpi=pmix", Node().ProcessManagement());
        using System.Net.Sockets.TcpListener server = new(System.Net.IPAddress.Loopback, 0);
        server.Start();
        int port = ((System.Net.IPEndPoint)server.LocalEndpoint).Port;
        variables["PMIX_SERVER_URI21"] = $"x.0;tcp4://127.0.0.1:{port}";
        Seen.Is(PreflightStatus.Ok, $"127.0.0.1:{port} answers", null, Node().ProcessManagement());
        server.Stop();
        Seen.Is(PreflightStatus.Failed, "does not answer", "daemon", Node().ProcessManagement());
        variables["PMIX_SERVER_URI21"] = "x.0;tcp4://nonsense;tcp4://:x;tcp4://[";
        Seen.Is(PreflightStatus.Failed, "neither PMIx nor PMI", "--mpi=pmix", Node().ProcessManagement());
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
        Seen.Is(Enum.Parse<PreflightStatus>(status), seen, status == "Failed" ? "PMIX_MCA_psec=native" : null,
            Node().Security(library, socket));
    }

    [Fact]
    public void DirectoriesAndData()
    {
        Directory.CreateDirectory(Path.Combine(root.Path, "opt/s"));
        Directory.CreateDirectory(Path.Combine(root.Path, "tmp"));
        variables["PMIX_SERVER_TMPDIR"] = "/opt/s";
        variables["TMPDIR"] = "/tmp";
        variables["PMIX_GDS_MODULE"] = "ds21,hash";
        PreflightCheck[] seen = [.. Node().Directories(new HashSet<string>())];
        PreflightCheck[] hidden = [.. Node().Directories(new HashSet<string> { "/opt/s" })];
        Seen.Is(PreflightStatus.Ok, "/opt/s, /tmp", null, seen[0]);
        Seen.Is(PreflightStatus.Ok, "ds21 or hash", null, seen[1]);
        Seen.Is(PreflightStatus.Failed, "PMIX_SERVER_TMPDIR is /opt/s", "binds", hidden[0]);
        Seen.Is(PreflightStatus.Failed, "ds21", "PMIX_MCA_gds=hash", hidden[1]);
        variables["PMIX_MCA_gds"] = "hash";
        Seen.Is(PreflightStatus.Ok, "hash", null, Node().Directories(new HashSet<string> { "/opt/s" }).Last());
        Seen.Is(PreflightStatus.Warning, "TMPDIR is /tmp", "binds", Node().Directories(new HashSet<string> { "/tmp" }).First());
    }

    [Fact]
    public void CrossMemoryAttach()
    {
        Seen.Is(PreflightStatus.Ok, "each other's memory", null, Node().CrossMemoryAttach(0));
        Seen.Is(PreflightStatus.Warning, "errno 1", "seccomp", Node().CrossMemoryAttach(1));
        root.Write("proc/sys/kernel/yama/ptrace_scope", "2\n");
        Seen.Is(PreflightStatus.Warning, "ptrace_scope is 2", "ptrace_scope=1", Node().CrossMemoryAttach(1));
    }

    [Fact]
    public void Fabric()
    {
        Seen.Is(PreflightStatus.Ok, "no fabric device", null, Node().Fabric(null, []));
        Seen.Is(PreflightStatus.Warning, "mlx5_0", "slipway fabric", Node().Fabric(null, ["mlx5_0"]));
        Seen.Is(PreflightStatus.Failed, "too old", "--explain",
            Node().Fabric(new FabricPlan { Verdict = FabricRung.Refuse, Reason = "too old" }, ["mlx5_0"]));
        Seen.Is(PreflightStatus.Ok, "Image: fine", null,
            Node().Fabric(new FabricPlan { Verdict = FabricRung.Image, Reason = "fine" }, ["mlx5_0"]));
    }
}
