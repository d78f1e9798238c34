using System.Globalization;
using Slipway.Linux;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Controller;

/// <summary>How one process is started on a node: by SSH, or by whatever batch system we are in.</summary>
/// <remarks>
/// Sources: ssh(1) of OpenSSH 9; srun(1) of Slurm 22.05; qrsh(1) of Grid Engine 8.1; src/cmds/pbs_tmrsh.c of OpenPBS; src/cmds/pbsdsh.c of
/// Torque; mpiexec(1) of MPICH 4 (Hydra).
/// </remarks>
/// <param name="Shell">The program hands one string to a shell on the node, as SSH does; else it takes arguments.</param>
/// <param name="Grouped">One command starts a process on each of many nodes.</param>
/// <param name="Silent">The program gives neither input to what it starts nor its output back (the task manager of PBS leaves that to the
/// job's own): answers come over TCP.</param>
/// <param name="Job">The job of Slurm that it works in; null for others.</param>
/// <param name="Before">Arguments before the command; <c>{node}</c> and <c>{count}</c> are filled in, and <c>{job}</c>.</param>
sealed record NodeStarter(string Name, string Program, bool Shell, bool Grouped, bool Silent, IReadOnlyList<string> Before,
    string? Job = null)
{
    static readonly NodeStarter Ssh = new("ssh", "ssh", true, false, false,
    [
        "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=4", "-o",
        "ClearAllForwardings=yes", "-o", "ForwardAgent=no",
        "-o", "PermitLocalCommand=no", "--", "{node}",
    ]);

    static readonly NodeStarter Srun = new("srun", "srun", false, true, false,
    [
        "--jobid={job}", "--overlap", "--nodes={count}", "--ntasks={count}", "--ntasks-per-node=1", "--nodelist={node}", "--no-kill",
        "--kill-on-bad-exit=0", "--wait=0", "--mpi=none",
        "--quiet", "--immediate=30", "--chdir=/", "--export=PATH",
    ]);

    // which variable tells of a job, and how its nodes are reached there
    static readonly (string Variable, NodeStarter Starter)[] InJob =
    [
        ("PE_HOSTFILE", new("qrsh", "qrsh", false, false, false, ["-inherit", "-noshell", "{node}"])),
        ("PBS_NODEFILE", new("pbs_tmrsh", "pbs_tmrsh", false, false, true, ["{node}"])),
        ("PBS_NODEFILE", new("pbsdsh", "pbsdsh", false, false, true, ["-h", "{node}"])),
    ];

    static readonly NodeStarter Mpiexec =
        new("mpiexec", "mpiexec.hydra", false, false, false, ["-ppn", "1", "-n", "1", "-hosts", "{node}"]);

    public static NodeStarter BySsh => HostProgram.TryFind("ssh") is null ? throw StagingErrors.NoStarter("ssh") : Ssh;

    /// <summary>The job of Slurm that we are in; null where we are in none.</summary>
    public static string? SlurmJob => Environment.GetEnvironmentVariable("SLURM_JOB_ID") is { Length: > 0 } job ? job : null;

    public static NodeStarter BySrun(string job) => HostProgram.TryFind("srun") is null ? throw StagingErrors.NoStarter("srun")
        : Srun with { Job = job };

    /// <summary>
    /// That of the batch system whose job we are in, or of <paramref name="jobId"/>, where it has all of the nodes; null where there is
    /// none.
    /// </summary>
    public static NodeStarter? OfJob(string? jobId, IEnumerable<string> nodes)
    {
        if ((jobId ?? SlurmJob) is { } job && HostProgram.TryFind("srun") is not null)
            return jobId is not null || (Environment.GetEnvironmentVariable("SLURM_JOB_NODELIST") is { Length: > 0 } list
                && nodes.All(NodeSelection.Expand(list).Contains)) ? BySrun(job) : null;
        foreach ((string variable, NodeStarter starter) in InJob)
            if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } file && HostProgram.TryFind(starter.Program) is not null
                && Hosts(file) is { } hosts
                && nodes.All(n => hosts.Contains(n.Split('.')[0])))
                return starter;
        return null;
    }

    /// <summary>The first word of each line: both PE_HOSTFILE (sge_pe(5)) and PBS_NODEFILE are so.</summary>
    static HashSet<string>? Hosts(string file) => OpenedFile.TryTextNamed(file)?.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(l => l.Split([' ', '.', '\t'])[0]).ToHashSet();

    /// <summary>The best there is here.</summary>
    public static NodeStarter Choose(string? jobId, IEnumerable<string> nodes) =>
        OfJob(jobId, nodes)
            ?? (HostProgram.TryFind("ssh") is not null ? Ssh
                : HostProgram.TryFind(Mpiexec.Program) is not null ? Mpiexec
                : throw StagingErrors.NoStarter("ssh"));

    /// <summary>The whole command line that runs a script of <c>sh</c> on nodes.</summary>
    public (string Program, List<string> Arguments) Command(IReadOnlyList<string> nodes, string script, IReadOnlyList<string> arguments)
    {
        List<string> all = [.. Before.Select(b => b.Replace("{node}", string.Join(',', nodes), StringComparison.Ordinal)
            .Replace("{count}", nodes.Count.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{job}", Job, StringComparison.Ordinal))];
        // no argument of ours has anything in it that a shell would take for more than itself; the script has no single quote
        if (Shell)
            all.Add($"exec /bin/sh -c {Quoted(script)} slipway {string.Join(' ', arguments)}");
        else
            all.AddRange(["/bin/sh", "-c", script, "slipway", .. arguments]);
        return (Program, all);
    }

    static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
