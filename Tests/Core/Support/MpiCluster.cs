using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Slipway.Linux;

namespace Slipway.Tests;

/// <summary>
/// For tests of MPI: the launcher, images with MPI and a small MPI program in the shared directory, where everything is done as an ordinary
/// user. The images are of this host's own MPI libraries: made in seconds, without a network.
/// </summary>
public class MpiCluster : Cluster
{
    public static new readonly string[] Takes =
    [
        .. Cluster.Takes, "unsquashfs", "squashfuse_ll", "mpirun.openmpi", "mpiexec.mpich", "mpicc.openmpi", "mpicc.mpich", OpenMpiLibrary,
        MpichLibrary,
    ];

    const string OpenMpiLibrary = "/usr/lib/x86_64-linux-gnu/libmpi.so.40", MpichLibrary = "/usr/lib/x86_64-linux-gnu/libmpich.so.12";

    public const string Program = SharedPath + "/slipway", OpenMpi = "openmpi.sqfs", Mpich = "mpich.sqfs";

    /// <summary>The way round of Tests/Cluster/ucxfin.c.</summary>
    public static readonly string[] ForMpich = ["--env", $"LD_PRELOAD={SharedPath}/ucxfin.so"];

    readonly IReadOnlyDictionary<string, string> options;

    public MpiCluster() : this([])
    {
    }

    protected MpiCluster(Dictionary<string, string> options) : base(options, SharedPath) => this.options = options;

    protected override void Prepare()
    {
        string cluster = Path.Combine(Cli.Repository, "Tests/Cluster");
        foreach (string[] command in new string[][]
        {
            ["mpicc.openmpi", "-O1", "-o", In("sum-openmpi"), Path.Combine(cluster, "sum.c")],
            ["mpicc.mpich", "-O1", "-o", In("sum-mpich"), Path.Combine(cluster, "sum.c")],
            ["gcc", "-O1", "-shared", "-fPIC", "-o", In("ucxfin.so"), Path.Combine(cluster, "ucxfin.c")],
        })
            Assert.Equal(0, HostProgram.Run(command[0], command[1..]));
        Put(In("ucxfin.so"));
        Build(("openmpi", $"from: host\nprograms: [{HostProgram.Find("mpirun.openmpi")}, {OpenMpiLibrary}, /usr/bin/sh, "
            + $"/usr/bin/ssh]\nfiles: [{{from: {In("sum-openmpi")}, to: /usr/local/bin/sum, mode: \"0755\"}}]\n"),
            ("mpich", $"from: host\nprograms: [{MpichLibrary}, /usr/bin/sh]\nfiles: [{{from: {In("sum-mpich")}, "
                + $"to: /usr/local/bin/sum, mode: \"0755\"}}]\n"));
    }

    /// <summary>Builds images by the product, all at once; what was built before comes out of the step cache.</summary>
    public void Build(params (string Name, string Definition)[] images)
    {
        foreach ((string name, string definition) in images)
            File.WriteAllText(In(name + ".yaml"), definition);
        Cli.Result built = Cli.Start(Environment.UserName,
            [Cli.Program, "build", .. images.Select(i => In(i.Name + ".yaml")), "-o", In(""), "--throttle-limit", "6"]).Wait(1800);
        Assert.True(built.ExitCode == 0, built.Error);
        foreach ((string name, _) in images)
            Put(In(name + ".sqfs"));
    }

    /// <summary><c>slipway mpi</c> on the head, or in an allocation of Slurm on so many nodes.</summary>
    /// <param name="before">Variables for it, or a shell's command.</param>
    internal Cli.Running StartMpi(IEnumerable<string> arguments, int slurmNodes = 0, int perNode = 2, string before = "", int seconds = 120)
    {
        string command = $"{Program} mpi {string.Join(' ', arguments.Select(Quote))}";
        return StartSh("head", slurmNodes == 0 ? $"{before} {command}"
            : $"{before} salloc --quiet --nodes={slurmNodes} --ntasks-per-node={perNode} {command}", seconds: seconds);
    }

    internal Cli.Result Mpi(IEnumerable<string> arguments, int slurmNodes = 0, int perNode = 2, string before = "") =>
        StartMpi(arguments, slurmNodes, perNode, before).Wait(180);

    static string Quote(string argument) => "'" + argument.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    /// <summary>The checks of <c>slipway mpi test</c>, and its exit code.</summary>
    internal (int ExitCode, PreflightCheck[] Checks) Preflight(IEnumerable<string> arguments, int slurmNodes = 0, string before = "")
    {
        Cli.Result result = Mpi(["test", "--json", .. arguments], slurmNodes, perNode: 1, before);
        PreflightCheck[] checks = [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(l => JsonSerializer.Deserialize<PreflightCheck>(l, Options)!)];
        Assert.True(checks.Length > 0, result.Error);
        return (result.ExitCode, checks);
    }

    static readonly JsonSerializerOptions Options =
        new(JsonSerializerDefaults.Web) { Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter() } };

    /// <summary>What Tests/Cluster/sum.c writes: that all ranks are there, each once, on so many nodes, and have the right sum.</summary>
    internal static string? Wrong(Cli.Result result, int ranks, int nodes)
    {
        if (result.ExitCode != 0)
            return $"exit code {result.ExitCode}: {result.Output}{result.Error}";
        List<Match> lines = [.. Regex.Matches(result.Output, @"rank (\d+) of (\d+) on (\S+): sum (\d+) ").Cast<Match>()];
        string Text(Match m, int group) => m.Groups[group].Value;
        return lines.Select(m => int.Parse(Text(m, 1), CultureInfo.InvariantCulture)).Order().SequenceEqual(Enumerable.Range(0, ranks))
            && lines.All(m => Text(m, 2) == $"{ranks}" && Text(m, 4) == $"{ranks * (ranks + 1) / 2}")
            && lines.Select(m => Text(m, 3)).Distinct().Count() == nodes
            ? null : $"not {ranks} ranks on {nodes} nodes: {result.Output}{result.Error}";
    }

    /// <summary>No process of the user's, no holder's files and no mount of theirs on any node: all of it goes within moments.</summary>
    public void AssertNothingIsLeft()
    {
        // sshd and what the launchers themselves need to end are not ours; ours are by name
        const string Processes = "pgrep -l 'slipway|squashfuse|^sum|orted|prted|hydra|mpirun|mpiexec' -u alice; "
            + "grep -l slipway-holder /proc/[0-9]*/mounts 2>/dev/null; :", Files = "ls /tmp/slipway-2000 2>/dev/null; :";
        string left = "";
        void Gone(string look) => Until(
            () => (left = string.Concat(Nodes.Append("head")
                .Select(n => Sh(n, look, "root").Output is { Length: > 0 } found ? $"{n}: {found}" : ""))).Length == 0,
                () => $"this is left: {left}");
        Gone(Processes);
        // Slurm kills whatever is in a step's cgroup at its end, a holder too: what names it has left go with the next container there
        if (options.GetValueOrDefault("CLUSTER_PROCTRACK") == "cgroup")
            foreach (Cli.Running next in Nodes.Select(n => StartSh(n, $"{Program} run {OpenMpi} -- sh -c :")).ToList())
                Assert.Equal(0, next.Wait().ExitCode);
        Gone(Files);
    }
}

/// <summary>Slurm follows processes by cgroup, as on production clusters, and sees early that a node is gone.</summary>
public sealed class CgroupCluster() : MpiCluster(new() { ["CLUSTER_PROCTRACK"] = "cgroup", ["CLUSTER_SLURM_EXTRA"] = "SlurmdTimeout=10" });

/// <summary>Slurm follows processes by their parents.</summary>
public sealed class LinuxprocCluster() : MpiCluster(new() { ["CLUSTER_SLURM_EXTRA"] = "SlurmdTimeout=10" });

/// <summary>For the whole matrix.</summary>
public sealed class MatrixCluster() : MpiCluster([]);

[AttributeUsage(AttributeTargets.Method)]
sealed class MpiFactAttribute : FactAttribute
{
    public MpiFactAttribute(params string[] needs) => Skip = Needs.Missing([.. MpiCluster.Takes, .. needs]);
}

[AttributeUsage(AttributeTargets.Method)]
sealed class MpiTheoryAttribute : TheoryAttribute
{
    public MpiTheoryAttribute(params string[] needs) => Skip = Needs.Missing([.. MpiCluster.Takes, .. needs]);
}
