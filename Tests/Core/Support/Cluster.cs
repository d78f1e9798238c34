using System.Diagnostics;
using System.Globalization;

namespace Slipway.Tests;

/// <summary>
/// A head and nodes on this machine (Tests/Cluster/cluster.sh): own networks, host names and disks, real Slurm and SSH, and a shared
/// directory. Those who derive from it say what it is started with, and put on it what their tests use.
/// </summary>
/// <param name="options">Of cluster.sh: CLUSTER_*.</param>
/// <param name="at">Where scripts run on a node; null leaves them where they are started.</param>
public abstract class Cluster(IReadOnlyDictionary<string, string> options, string? at = null) : IDisposable
{
    /// <summary>What every cluster takes of the machine.</summary>
    public static readonly string[] Takes =
        [Needs.Launcher, Needs.Root, Needs.Fuse, "slurmctld", "slurmd", "srun", "munged", "/usr/sbin/sshd", "ip", "tc", "gcc",
            "mksquashfs"];

    /// <summary>Four by default, eight with --long.</summary>
    public static readonly string[] Nodes =
        [.. Enumerable.Range(1, Environment.GetEnvironmentVariable("SLIPWAY_TEST_LONG") == "1" ? 8 : 4).Select(i => $"n{i}")];

    /// <summary>The nodes and the head.</summary>
    public static readonly string[] Machines = [.. Nodes, "head"];

    /// <summary>An ordinary user of the nodes.</summary>
    public const string User = "alice";

    /// <summary>Seen by all nodes.</summary>
    public const string SharedPath = "/shared/scratch";

    readonly TemporaryDirectory directory = new();
    readonly string script = Path.Combine(Cli.Repository, "Tests/Cluster/cluster.sh");

    /// <summary>A file of this process's own, that no node sees.</summary>
    protected string In(string name) => Path.Combine(directory.Path, name);

    /// <summary>The shared directory as this process sees it.</summary>
    public string Shared => In("state/shared/scratch");

    public void Start()
    {
        Cli.Result up = Script("up", Nodes.Length.ToString(CultureInfo.InvariantCulture));
        Assert.True(up.ExitCode == 0, up.Error);
        foreach (string file in Directory.GetFiles(Path.GetDirectoryName(Cli.Program)!, "slipway*"))
            Put(file);
        Prepare();
    }

    /// <summary>Once all nodes are up and the launcher lies in the shared directory.</summary>
    protected abstract void Prepare();

    /// <summary>Copies a program or an image to the shared directory.</summary>
    protected void Put(string file)
    {
        string to = Path.Combine(Shared, Path.GetFileName(file));
        File.Copy(file, to, overwrite: true);
        File.SetUnixFileMode(to, (UnixFileMode)0b111_101_101);
    }

    /// <summary>A command of cluster.sh.</summary>
    internal Cli.Result Script(params string[] arguments) => Start(arguments).Wait();

    Cli.Running Start(IReadOnlyList<string> arguments)
    {
        ProcessStartInfo start = new("env", ["--default-signal", script, .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
        };
        start.Environment["CLUSTER_STATE"] = In("state");
        foreach ((string name, string value) in options)
            start.Environment[name] = value;
        return new Cli.Running(Process.Start(start)!);
    }

    internal Cli.Running StartOn(string node, string user, params string[] command) => Start(["exec", node, "-u", user, "--", .. command]);

    internal Cli.Result On(string node, string user, params string[] command) => StartOn(node, user, command).Wait();

    /// <summary>A script of sh on a node; nothing takes longer than the limit.</summary>
    internal Cli.Running StartSh(string node, string script, string user = User, int seconds = 240) =>
        StartOn(node, user, "timeout", "-k", "5", seconds.ToString(CultureInfo.InvariantCulture), "/bin/sh", "-c", at is null ? script
            : $"cd {at} && {script}");

    internal Cli.Result Sh(string node, string script, string user = User, int seconds = 240) => StartSh(node, script, user, seconds)
        .Wait(seconds + 60);

    /// <summary>Waits for a condition, and long: only what never comes fails.</summary>
    public static void Until(Func<bool> condition, Func<string> what, int seconds = 100)
    {
        for (long end = Environment.TickCount64 + seconds * 1000; !condition(); Thread.Sleep(100))
            Assert.True(Environment.TickCount64 < end, what());
    }

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        Cli.Result down = Script("down");
        directory.Dispose();
        Assert.True(down.ExitCode == 0, down.Error);
    }
}

/// <summary>The cluster that is up: never two at once, and the one for the next test only where that wants another.</summary>
public sealed class OneCluster : IDisposable
{
    Cluster? up;

    public T Of<T>() where T : Cluster, new()
    {
        if (up is T same && up.GetType() == typeof(T))
            return same;
        up?.Dispose();
        T next = new();
        up = next;
        next.Start();
        return next;
    }

    public void Dispose() => up?.Dispose();
}

/// <summary>Tests share it, one after the other.</summary>
[CollectionDefinition(nameof(Cluster))]
public sealed class ClusterTests : ICollectionFixture<OneCluster>;
