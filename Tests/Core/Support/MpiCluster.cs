using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Slipway.Linux;

namespace Slipway.Tests;

/// <summary>
/// A head and nodes on this machine (Tests/Cluster/cluster.sh) with Slipway, images with MPI and a small MPI program in the shared directory; everything is done as an
/// ordinary user. The images are of this host's own MPI libraries: made in seconds, without a network.
/// </summary>
public class MpiCluster : IDisposable
{
    public static readonly string[] Takes =
        [Needs.Launcher, Needs.Root, Needs.Fuse, "slurmctld", "slurmd", "srun", "munged", "/usr/sbin/sshd", "ip", "tc", "gcc", "mksquashfs", "unsquashfs", "squashfuse_ll", "mpirun.openmpi", "mpiexec.mpich", "mpicc.openmpi", "mpicc.mpich", OpenMpiLibrary, MpichLibrary];

    const string OpenMpiLibrary = "/usr/lib/x86_64-linux-gnu/libmpi.so.40", MpichLibrary = "/usr/lib/x86_64-linux-gnu/libmpich.so.12";

    /// <summary>Four by default, eight with --long.</summary>
    public static readonly string[] Nodes = [.. Enumerable.Range(1, Environment.GetEnvironmentVariable("SLIPWAY_TEST_LONG") == "1" ? 8 : 4).Select(i => $"n{i}")];

    public const string User = "alice";

    /// <summary>Seen by all nodes, and where all commands are given.</summary>
    public const string Directory = "/shared/scratch";

    public const string Program = Directory + "/slipway", OpenMpi = "openmpi.sqfs", Mpich = "mpich.sqfs";

    /// <summary>The way round of Tests/Cluster/ucxfin.c.</summary>
    public static readonly string[] ForMpich = ["--env", $"LD_PRELOAD={Directory}/ucxfin.so"];

    readonly TemporaryDirectory directory = new();
    readonly Dictionary<string, string> environment = [];

    public MpiCluster() : this([])
    {
    }

    /// <param name="needs">What its tests need besides.</param>
    protected MpiCluster(Dictionary<string, string> options, params string[] needs)
    {
        if (Needs.Missing([.. Takes, .. needs]) is not null)
            return;
        IsUp = true;
        environment = new(options) { ["CLUSTER_STATE"] = Path.Combine(directory.Path, "state") };
        Cli.Result up = Script("up", Nodes.Length.ToString(CultureInfo.InvariantCulture));
        Assert.True(up.ExitCode == 0, up.Error);
        foreach (string file in System.IO.Directory.GetFiles(Path.GetDirectoryName(Cli.Program)!, "slipway*"))
            Put(file);
        string cluster = Path.Combine(Cli.Repository, "Tests/Cluster");
        foreach (string[] command in new string[][]
        {
            ["mpicc.openmpi", "-O1", "-o", In("sum-openmpi"), Path.Combine(cluster, "sum.c")],
            ["mpicc.mpich", "-O1", "-o", In("sum-mpich"), Path.Combine(cluster, "sum.c")],
            ["gcc", "-O1", "-shared", "-fPIC", "-o", In("ucxfin.so"), Path.Combine(cluster, "ucxfin.c")],
        })
            Assert.Equal(0, HostProgram.Run(command[0], command[1..]));
        Put(In("ucxfin.so"));
        Build(("openmpi", $"from: host\nprograms: [{HostProgram.Find("mpirun.openmpi")}, {OpenMpiLibrary}, /usr/bin/sh, /usr/bin/ssh]\nfiles: [{{from: {In("sum-openmpi")}, to: /usr/local/bin/sum, mode: \"0755\"}}]\n"),
            ("mpich", $"from: host\nprograms: [{MpichLibrary}, /usr/bin/sh]\nfiles: [{{from: {In("sum-mpich")}, to: /usr/local/bin/sum, mode: \"0755\"}}]\n"));
    }

    bool IsUp { get; }

    string In(string name) => Path.Combine(directory.Path, name);

    /// <summary>The shared directory as this process sees it.</summary>
    public string Shared => Path.Combine(directory.Path, "state/shared/scratch");

    void Put(string file)
    {
        string to = Path.Combine(Shared, Path.GetFileName(file));
        File.Copy(file, to, overwrite: true);
        File.SetUnixFileMode(to, (UnixFileMode)0b111_101_101);
    }

    /// <summary>Builds images by the product, all at once; what was built before comes out of the step cache.</summary>
    public void Build(params (string Name, string Definition)[] images)
    {
        foreach ((string name, string definition) in images)
            directory.Write(name + ".yaml", definition);
        Cli.Result built = Cli.Start(Environment.UserName, [Cli.Program, "build", .. images.Select(i => In(i.Name + ".yaml")), "-o", directory.Path, "--throttle-limit", "6"]).Wait(1800);
        Assert.True(built.ExitCode == 0, built.Error);
        foreach ((string name, _) in images)
            Put(In(name + ".sqfs"));
    }

    internal Cli.Result Script(params string[] arguments) => Start([Path.Combine(Cli.Repository, "Tests/Cluster/cluster.sh"), .. arguments]).Wait(240);

    Cli.Running Start(IReadOnlyList<string> command)
    {
        ProcessStartInfo start = new("env", ["--default-signal", .. command]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        return new Cli.Running(Process.Start(start)!);
    }

    /// <summary>A script of sh on a node, in the shared directory; nothing takes longer than the limit.</summary>
    internal Cli.Running StartSh(string node, string script, string user = User, int seconds = 120) =>
        Start([Path.Combine(Cli.Repository, "Tests/Cluster/cluster.sh"), "exec", node, "-u", user, "--", "timeout", "-k", "5", seconds.ToString(CultureInfo.InvariantCulture), "/bin/sh", "-c", $"cd {Directory} && {script}"]);

    internal Cli.Result Sh(string node, string script, string user = User, int seconds = 120) => StartSh(node, script, user, seconds).Wait(seconds + 60);

    /// <summary><c>slipway mpi</c> on the head, or in an allocation of Slurm on so many nodes.</summary>
    /// <param name="before">Variables for it, or a shell's command.</param>
    internal Cli.Running StartMpi(IEnumerable<string> arguments, int slurmNodes = 0, int perNode = 2, string before = "", int seconds = 120)
    {
        string command = $"{Program} mpi {string.Join(' ', arguments.Select(Quote))}";
        return StartSh("head", slurmNodes == 0 ? $"{before} {command}" : $"{before} salloc --quiet --nodes={slurmNodes} --ntasks-per-node={perNode} {command}", seconds: seconds);
    }

    internal Cli.Result Mpi(IEnumerable<string> arguments, int slurmNodes = 0, int perNode = 2, string before = "") =>
        StartMpi(arguments, slurmNodes, perNode, before).Wait(180);

    static string Quote(string argument) => "'" + argument.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    /// <summary>The checks of <c>slipway mpi test</c>, and its exit code.</summary>
    internal (int ExitCode, PreflightCheck[] Checks) Preflight(IEnumerable<string> arguments, int slurmNodes = 0, string before = "")
    {
        Cli.Result result = Mpi(["test", "--json", .. arguments], slurmNodes, perNode: 1, before);
        PreflightCheck[] checks = [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonSerializer.Deserialize<PreflightCheck>(l, Options)!)];
        Assert.True(checks.Length > 0, result.Error);
        return (result.ExitCode, checks);
    }

    static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter() } };

    /// <summary>What Tests/Cluster/sum.c writes: that all ranks are there, each once, on so many nodes, and have the right sum.</summary>
    internal static string? Wrong(Cli.Result result, int ranks, int nodes)
    {
        if (result.ExitCode != 0)
            return $"exit code {result.ExitCode}: {result.Output}{result.Error}";
        List<Match> lines = [.. Regex.Matches(result.Output, @"rank (\d+) of (\d+) on (\S+): sum (\d+) ").Cast<Match>()];
        string Text(Match m, int group) => m.Groups[group].Value;
        return lines.Select(m => int.Parse(Text(m, 1), CultureInfo.InvariantCulture)).Order().SequenceEqual(Enumerable.Range(0, ranks))
            && lines.All(m => Text(m, 2) == $"{ranks}" && Text(m, 4) == $"{ranks * (ranks + 1) / 2}")
            && lines.Select(m => Text(m, 3)).Distinct().Count() == nodes ? null : $"not {ranks} ranks on {nodes} nodes: {result.Output}{result.Error}";
    }

    /// <summary>No process of the user's, no holder's files and no mount of theirs on any node: all of it goes within moments.</summary>
    public void AssertNothingIsLeft()
    {
        // sshd and what the launchers themselves need to end are not ours; ours are by name
        const string Processes = "pgrep -l 'slipway|squashfuse|^sum|orted|prted|hydra|mpirun|mpiexec' -u alice; grep -l slipway-holder /proc/[0-9]*/mounts 2>/dev/null; :", Files = "ls /tmp/slipway-2000 2>/dev/null; :";
        string left = "";
        void Gone(string look) => Until(() => (left = string.Concat(Nodes.Append("head").Select(n => Sh(n, look, "root").Output is { Length: > 0 } found ? $"{n}: {found}" : ""))).Length == 0, () => $"this is left: {left}");
        Gone(Processes);
        // Slurm kills whatever is in a step's cgroup at its end, a holder too: what names it has left go with the next container there
        if (environment.GetValueOrDefault("CLUSTER_PROCTRACK") == "cgroup")
            foreach (Cli.Running next in Nodes.Select(n => StartSh(n, $"{Program} run {OpenMpi} -- sh -c :")).ToList())
                Assert.Equal(0, next.Wait().ExitCode);
        Gone(Files);
    }

    /// <summary>Waits for a condition, and long: only what never comes fails.</summary>
    public static void Until(Func<bool> condition, Func<string> what, int seconds = 100)
    {
        for (long end = Environment.TickCount64 + seconds * 1000; !condition(); Thread.Sleep(100))
            Assert.True(Environment.TickCount64 < end, what());
    }

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        if (IsUp)
            Assert.Equal(0, Script("down").ExitCode);
        directory.Dispose();
    }
}

/// <summary>Slurm follows processes by cgroup, as on production clusters, and sees early that a node is gone.</summary>
public sealed class CgroupCluster() : MpiCluster(new() { ["CLUSTER_PROCTRACK"] = "cgroup", ["CLUSTER_SLURM_EXTRA"] = "SlurmdTimeout=10" }, Needs.Long);

/// <summary>Slurm follows processes by their parents.</summary>
public sealed class LinuxprocCluster() : MpiCluster(new() { ["CLUSTER_SLURM_EXTRA"] = "SlurmdTimeout=10" }, Needs.Long);

/// <summary>For the whole matrix.</summary>
public sealed class MatrixCluster() : MpiCluster([], Needs.Long);

/// <summary>One cluster at a time.</summary>
[CollectionDefinition(nameof(MpiCluster))]
public sealed class MpiClusters;

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
