using System.Globalization;
using System.Net.Sockets;
using Slipway.Linux;

namespace Slipway.Preflight;

/// <summary>
/// What a node has for ranks in containers, seen by a process that a launcher has started there: limits, devices, and what the launcher's
/// variables offer.
/// </summary>
/// <param name="root">A directory that is laid out like a node's root filesystem.</param>
/// <param name="variable">A variable of the rank's environment.</param>
/// <param name="user">The effective user id.</param>
sealed class NodeChecks(string node, string root, Func<string, string?> variable, uint user)
{
    /// <summary>What InfiniBand's and Slingshot's libraries lock for one rank; less is sure to fail. Bytes.</summary>
    const long LeastForFabric = 64L << 20;

    /// <summary>What systemd has given each process since 2020 (DefaultLimitMEMLOCK); the kernel's own was 64 KiB before. Bytes.</summary>
    const long Usual = 8L << 20;

    /// <summary>What the shared-memory transports of Open MPI and MPICH take for one rank of a node, and to spare. Bytes.</summary>
    const long SharedMemoryOfRank = 16L << 20;

    static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(3);

    public PreflightCheck Check(string name, PreflightStatus status, string seen, string? advice = null) =>
        new() { Node = node, Name = name, Status = status, Seen = seen, Advice = advice };

    string? Text(string path) => OpenedFile.TryTextNamed(Path.Join(root, path))?.Trim();

    public PreflightCheck UserNamespaces()
    {
        if (Text("/proc/sys/user/max_user_namespaces") is "0")
            return Check("user-namespaces", PreflightStatus.Failed, "user.max_user_namespaces is 0",
                "Allow user namespaces on this node: sysctl -w user.max_user_namespaces=15000, and for the next boot in /etc/sysctl.d.");
        if (user != 0 && Text("/proc/sys/kernel/unprivileged_userns_clone") is "0")
            return Check("user-namespaces", PreflightStatus.Failed,
                "kernel.unprivileged_userns_clone is 0: only root may make user namespaces",
                "Allow user namespaces on this node: sysctl -w kernel.unprivileged_userns_clone=1, "
                + "and for the next boot in /etc/sysctl.d.");
        if (user != 0 && Text("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") is "1")
            return Check("user-namespaces", PreflightStatus.Warning,
                "AppArmor lets only programs with a profile of their own use user namespaces",
                "If you cannot make containers: give slipway a profile with 'userns,', "
                + "or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0.");
        return Check("user-namespaces", PreflightStatus.Ok, $"allowed, up to {Text("/proc/sys/user/max_user_namespaces") ?? "any number"}");
    }

    /// <param name="needed">False where the image is mounted without it.</param>
    public PreflightCheck Fuse(bool needed, string why)
    {
        string device = Path.Join(root, "/dev/fuse");
        if (!needed)
            return Check("fuse", PreflightStatus.Ok, $"not needed: {why}");
        if (access(device, F_OK) != 0)
            return Check("fuse", PreflightStatus.Failed, "this node has no /dev/fuse, and users need it to mount images",
                "Load the module on this node (modprobe fuse), or have root mount the image before the job (slipway prolog).");
        if (access(device, R_OK | W_OK) != 0)
            return Check("fuse", PreflightStatus.Failed, "you may not open /dev/fuse",
                "Run chmod 0666 /dev/fuse on this node (a udev rule makes it permanent), "
                + "or have root mount the image before the job (slipway prolog).");
        return Check("fuse", PreflightStatus.Ok, $"/dev/fuse can be opened; {why}");
    }

    /// <param name="fabric">The node's devices that lock memory.</param>
    public PreflightCheck Memlock(long? limit, IReadOnlyList<string> fabric)
    {
        if (limit is null or long.MaxValue)
            return Check("memlock", PreflightStatus.Ok, limit is null ? "unknown" : "unlimited");
        string advice = (variable("SLURM_JOB_ID"), variable("PE_HOSTFILE"), variable("PBS_JOBID")) switch
        {
            (not null, _, _) => "Let slurmd give it: LimitMEMLOCK=infinity in its systemd unit, "
                + "and PropagateResourceLimitsExcept=MEMLOCK in slurm.conf.",
            (_, not null, _) => "Let Grid Engine give it: execd_params H_MEMORYLOCKED=infinity (qconf -mconf).",
            (_, _, not null) => "Let pbs_mom give it: LimitMEMLOCK=infinity in its systemd unit, "
                + "or ulimit -l unlimited in its start script.",
            _ => "Raise it on this node; for users who log in by SSH in /etc/security/limits.d: '* - memlock unlimited' "
                + "(UsePAM yes in sshd_config).",
        };
        string seen = $"{limit / 1024} KiB may be locked";
        if (fabric.Count > 0)
            return Check("memlock", limit < LeastForFabric ? PreflightStatus.Failed : PreflightStatus.Warning,
                $"{seen}: {string.Join(", ", fabric)} needs it without a limit, or falls back to TCP", advice);
        if (limit < Usual)
            return Check("memlock", PreflightStatus.Warning,
                $"{seen}, less than the usual {Usual / 1024} KiB: no fabric device of this node needs more, "
                + "but io_uring and GPU libraries do", advice);
        return Check("memlock", PreflightStatus.Ok, $"{seen}; no fabric device of this node needs more");
    }

    /// <param name="ranks">Of the job, on this node.</param>
    public PreflightCheck SharedMemory(int ranks)
    {
        string directory = Path.Join(root, "/dev/shm");
        if (!Directory.Exists(directory))
            return Check("shm", PreflightStatus.Failed, "this node has no /dev/shm",
                "Mount it on this node: mount -t tmpfs -o mode=1777 shm /dev/shm.");
        if (access(directory, W_OK) != 0)
            return Check("shm", PreflightStatus.Failed, "you may not write to /dev/shm", "Run chmod 1777 /dev/shm on this node.");
        long free = new DriveInfo(directory).AvailableFreeSpace, needed = ranks * SharedMemoryOfRank;
        string seen = $"{free >> 20} MiB are free in /dev/shm";
        if (free >= needed)
            return Check("shm", PreflightStatus.Ok, seen);
        return Check("shm", free < needed / 4 ? PreflightStatus.Failed : PreflightStatus.Warning,
            $"{seen}, and {ranks} rank{(ranks == 1 ? "" : "s")} may take {needed >> 20} MiB",
            "Make it larger (mount -o remount,size=50% /dev/shm), or remove what dead jobs have left there.");
    }

    /// <summary>
    /// The interfaces by which ranks can learn of each other that the launcher offers here: <c>pmix</c>, <c>pmi</c> (1 and 2 have the same
    /// variables), <c>cray</c>.
    /// </summary>
    public IReadOnlyList<string> Offered =>
    [
        .. variable("PMIX_NAMESPACE") is not null && ServerAddresses.Count > 0 ? (string[])["pmix"] : [],
        .. variable("PMI_FD") is not null || variable("PMI_PORT") is not null || variable("PMI2_FD") is not null ? (string[])["pmi"] : [],
        .. variable("PMI_CONTROL_PORT") is not null ? (string[])["cray"] : [],
    ];

    static readonly string[] UriVariables =
        ["PMIX_SERVER_URI61", "PMIX_SERVER_URI51", "PMIX_SERVER_URI41", "PMIX_SERVER_URI4", "PMIX_SERVER_URI3", "PMIX_SERVER_URI21",
            "PMIX_SERVER_URI2"];

    /// <summary>Host and port of <c>NAMESPACE.RANK;tcp4://127.0.0.1:4321</c> (openpmix, src/mca/ptl).</summary>
    IReadOnlyList<(string Host, int Port)> ServerAddresses =>
        [.. UriVariables.Select(variable).OfType<string>().SelectMany(v => v.Split(';'))
            .Where(p => p.StartsWith("tcp", StringComparison.Ordinal) && p.Contains("://", StringComparison.Ordinal))
            .Select(p => p[(p.IndexOf("://", StringComparison.Ordinal) + 3)..])
            .Select(a => (Host: a[..Math.Max(0, a.LastIndexOf(':'))].Trim('[', ']'),
                Port: int.TryParse(a[(a.LastIndexOf(':') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int port)
                ? port : 0))
            .Where(a => a.Host.Length > 0 && a.Port > 0).Distinct()];

    public PreflightCheck ProcessManagement()
    {
        IReadOnlyList<string> offered = Offered;
        if (offered.Count == 0)
            return Check("pmi", PreflightStatus.Failed, "the launcher tells its ranks nothing of each other: neither PMIx nor PMI",
                "Start with process management: mpirun, mpiexec, or srun with --mpi=pmix or --mpi=pmi2 "
                + "(srun --mpi=list tells what this one has).");
        if (offered.Contains("pmix") && !offered.Contains("pmi"))
        {
            // the container has the host's network, so what can be reached here can be reached inside
            (string host, int port) = ServerAddresses[0];
            try
            {
                using TcpClient client = new();
                if (!client.ConnectAsync(host, port).Wait(ConnectPatience))
                    throw new SocketException((int)SocketError.TimedOut);
            }
            catch (Exception e) when (e is SocketException or AggregateException)
            {
                return Check("pmi", PreflightStatus.Failed,
                    $"the launcher offers PMIx, but its server at {host}:{port} does not answer: {(e.InnerException ?? e).Message}",
                    "Check that the launcher's daemon runs on this node, and that nothing filters its loopback network.");
            }
            return Check("pmi", PreflightStatus.Ok, $"PMIx: the server at {host}:{port} answers");
        }
        string where = variable("PMI_FD") is { } fd ? "descriptor " + fd : variable("PMI_PORT") ?? "port " + variable("PMI_CONTROL_PORT");
        return Check("pmi", PreflightStatus.Ok, $"{string.Join(", ", offered)}: {where}");
    }

    /// <summary>The security components that the PMIx server takes, its first choice first; empty without PMIx.</summary>
    public IReadOnlyList<string> SecurityModes => variable("PMIX_NAMESPACE") is null
        ? [] : [.. (variable("PMIX_SECURITY_MODE") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries)];

    /// <param name="library">Whether the image has libmunge.</param>
    /// <param name="socket">Whether munged's socket is to be seen inside.</param>
    public PreflightCheck Security(bool library, bool socket)
    {
        IReadOnlyList<string> modes = SecurityModes;
        string[]? chosen = variable("PMIX_MCA_psec") is { Length: > 0 } set && !set.StartsWith('^') ? set.Split(',') : null;
        string ranks = chosen is null ? "" : $", and PMIX_MCA_psec is {string.Join(',', chosen)} for its ranks";
        string seen = $"the PMIx server takes {string.Join(" or ", modes)}{ranks}";
        string? lacks = !library ? "the image has no libmunge" : !socket ? "the container does not show munged's socket" : null;
        if (modes.FirstOrDefault(m => (chosen is null || chosen.Contains(m)) && (m != "munge" || lacks is null)) is { } used)
            return Check("pmix-security", PreflightStatus.Ok, lacks is null || used == modes[0] ? $"{seen}: it is {used}"
                : $"{seen}; {lacks}: it is {used}");
        string munge = lacks is null ? ""
            : library ? "; or show the socket inside (/run/munge in 'binds' of the site's configuration)"
            : "; or install libmunge2 (Debian family) or munge-libs (RPM family) in the image, and show /run/munge inside";
        return Check("pmix-security", PreflightStatus.Failed, lacks is null ? $"{seen}: MPI_Init would fail"
            : $"{seen}, and {lacks}: MPI_Init would fail",
            $"Let the server take 'native' too: set PMIX_MCA_psec=native, or unset it, for launcher and ranks{munge}.");
    }

    /// <summary>Directories of the launcher that its ranks must find under the same path, by variable.</summary>
    public IReadOnlyDictionary<string, string> LauncherDirectories =>
        new SortedDictionary<string, string>(new[] { "PMIX_SERVER_TMPDIR", "PMIX_DSTORE_21_BASE_PATH", "PMIX_DSTORE_ESH_BASE_PATH",
            "OMPI_MCA_orte_top_session_dir", "TMPDIR" }
            .Where(v => variable(v) is ['/', ..] path && Directory.Exists(Path.Join(root, path))).ToDictionary(v => v, v => variable(v)!),
                StringComparer.Ordinal);

    /// <param name="hidden">Those of <see cref="LauncherDirectories"/> that are not to be seen inside.</param>
    public IEnumerable<PreflightCheck> Directories(IReadOnlySet<string> hidden)
    {
        List<string> names = [.. LauncherDirectories.Where(d => hidden.Contains(d.Value)).Select(d => d.Key)];
        yield return names.Find(n => n is "PMIX_SERVER_TMPDIR" or "OMPI_MCA_orte_top_session_dir" or "TMPDIR") is { } tmp ? Hidden(tmp)
            : Check("tmpdir", PreflightStatus.Ok,
                LauncherDirectories.Count == 0 ? "the launcher has no directories for its ranks"
                : $"the container shows {string.Join(", ", LauncherDirectories.Values.Distinct())}");
        if (variable("PMIX_GDS_MODULE") is { } gds)
            yield return SharedData(variable("PMIX_MCA_gds") ?? gds, names.Find(n => n.StartsWith("PMIX_", StringComparison.Ordinal)));
    }

    /// <param name="tmp">The variable that names a directory which the container does not show.</param>
    PreflightCheck Hidden(string tmp)
    {
        string setting = IsSlurmsOwnPmix(tmp) ? "SlurmdSpoolDir in slurm.conf"
            : "TMPDIR, OMPI_MCA_orte_tmpdir_base, PRTE_MCA_prte_tmpdir_base";
        string advice = $"Have the launcher use another directory, e.g. below /tmp ({setting}), "
            + $"or bind {variable(tmp)} ('binds' in the site's configuration).";
        string seen = $"{tmp} is {variable(tmp)}, which the container does not show";
        return tmp == "TMPDIR" ? Check("tmpdir", PreflightStatus.Warning, seen, advice)
            : Check("tmpdir", PreflightStatus.Failed, $"{seen}: MPI_Init would fail", advice);
    }

    /// <summary>True where slurmd's server made the directory, and not that of an mpirun within the job.</summary>
    bool IsSlurmsOwnPmix(string name) =>
        name.StartsWith("PMIX", StringComparison.Ordinal) && variable("SLURM_JOB_ID") is not null
        && variable("OMPI_COMM_WORLD_RANK") is null;

    /// <param name="gds">The ways in which the PMIx server shares its data, its first choice first.</param>
    /// <param name="hidden">The variable of a directory of PMIx's that the container does not show; null where it shows all.</param>
    PreflightCheck SharedData(string gds, string? hidden)
    {
        string[] modules = gds.Split(',');
        if (hidden is null || modules is ["hash"])
            return Check("gds", PreflightStatus.Ok, $"the PMIx server shares its data by {string.Join(" or ", modules)}");
        return Check("gds", PreflightStatus.Failed,
            $"the PMIx server shares its data by {modules[0]}, through files in {variable(hidden)}, which the container does not show",
            "Bind that directory (see tmpdir), or set PMIX_MCA_gds=hash for launcher and ranks.");
    }

    /// <param name="error">Of process_vm_readv between two processes that came into the container by themselves; 0 where it worked, null
    /// where it was not tried.</param>
    public PreflightCheck CrossMemoryAttach(int? error)
    {
        if (error is null)
            return Check("cma", PreflightStatus.Warning, "could not be tried");
        string? yama = Text("/proc/sys/kernel/yama/ptrace_scope");
        string scope = yama is null ? "" : $" (kernel.yama.ptrace_scope is {yama})";
        if (error == 0)
            return Check("cma", PreflightStatus.Ok, $"ranks of this node can read each other's memory{scope}");
        string advice = yama is "2" or "3" ? "Run sysctl -w kernel.yama.ptrace_scope=1 on this node."
            : "See whether a seccomp filter of the batch system forbids process_vm_readv.";
        return Check("cma", PreflightStatus.Warning,
            $"ranks of this node cannot read each other's memory (errno {error}){scope}: large messages go through /dev/shm, "
            + "at half the bandwidth", advice);
    }

    /// <param name="devices">The node's fabric devices.</param>
    public PreflightCheck Fabric(FabricPlan? plan, IReadOnlyList<string> devices) => plan switch
    {
        { Verdict: FabricRung.Refuse } =>
            Check("fabric", PreflightStatus.Failed, $"the plan refuses: {plan.Reason}", "See slipway fabric IMAGE --explain on this node."),
        not null => Check("fabric", PreflightStatus.Ok, $"{plan.Verdict}: {plan.Reason}"),
        null when devices.Count == 0 => Check("fabric", PreflightStatus.Ok, "this node has no fabric device; ranks talk over TCP"),
        null => Check("fabric", PreflightStatus.Warning,
            $"this node has {string.Join(", ", devices)}, and the image has no fabric plan: ranks may talk over TCP",
            "Plan it: slipway fabric IMAGE (Add-FabricDriver)."),
    };
}
