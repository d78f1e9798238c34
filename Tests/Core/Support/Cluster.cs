using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Slipway.Linux;

namespace Slipway.Tests;

/// <summary>
/// A head and nodes on this machine (Tests/Cluster/cluster.sh), started once for all tests that use them: own networks, host names and disks, real Slurm and
/// SSH, and a shared directory that counts what reaches it.
/// </summary>
public sealed class Cluster : IDisposable
{
    public static readonly string[] Takes = [Needs.Launcher, Needs.Root, Needs.Fuse, "slurmctld", "slurmd", "srun", "munged", "/usr/sbin/sshd", "ip", "tc", "gcc", "/usr/include/fuse3/fuse_lowlevel.h", "mksquashfs", "busybox"];

    /// <summary>Four by default, eight with --long.</summary>
    public static readonly string[] Nodes = [.. Enumerable.Range(1, Environment.GetEnvironmentVariable("SLIPWAY_TEST_LONG") == "1" ? 8 : 4).Select(i => $"n{i}")];

    public const string User = "alice", NodeCachePath = "/var/tmp/slipway-2000";

    readonly TemporaryDirectory directory = new();
    readonly string[] machines = [.. Nodes, "head"];
    // of this checkout, where no PowerShell is installed: in a directory, then, that users of the nodes may not see
    readonly string? madePwsh = HostProgram.TryFind("pwsh") is { } pwsh && pwsh.StartsWith(Cli.Repository + "/", StringComparison.Ordinal) ? Path.GetDirectoryName(pwsh) : null;
    readonly string script = Path.Combine(RepositoryRoot(), "Tests/Cluster/cluster.sh");
    string? image;

    static string RepositoryRoot()
    {
        DirectoryInfo? at = new(AppContext.BaseDirectory);
        while (at is not null && !File.Exists(Path.Combine(at.FullName, "Module.sln")))
            at = at.Parent;
        return at?.FullName ?? "/";
    }

    public Cluster()
    {
        if (Needs.Missing(Takes) is not null)
            return;
        IsUp = true;
        Assert.Equal((0, ""), (Script("up", Nodes.Length.ToString(CultureInfo.InvariantCulture)) is var up ? up.ExitCode : 1, up.ExitCode == 0 ? "" : up.Error));
        // the launcher on the head alone: it has to be brought along
        foreach (string file in Directory.GetFiles(Path.GetDirectoryName(Cli.Program)!, "slipway*"))
            File.Copy(file, Path.Combine(Shared, Path.GetFileName(file)));
        Assert.Equal(0, Sh("head", "mv /shared/scratch/slipway* /usr/local/bin/ && chmod 755 /usr/local/bin/slipway*", "root").ExitCode);
        if (madePwsh is not null)
            Parallel.ForEach(machines, m => Assert.Equal(0, Sh(m, PutPwsh, "root").ExitCode));
        Assert.Equal(0, On("head", User, "salloc", "--no-shell", $"--nodes={Nodes.Length}", "--quiet").ExitCode);
        Job = On("head", User, "squeue", "--noheader", "--format=%i").Output.Trim();
    }

    /// <summary>.NET's programs find it by /etc/dotnet/install_location where it is in no usual place.</summary>
    static string PutPwsh => "ln -sf /usr/local/lib/pwsh/pwsh /usr/local/bin/"
        + (DotnetRoot is { Length: > 0 } root ? $" && mkdir -p /etc/dotnet && echo '{root}' >/etc/dotnet/install_location" : "");

    /// <summary>It may be a mount of its own, which the nodes do not have by the root's.</summary>
    static string? DotnetRoot => Environment.GetEnvironmentVariable("DOTNET_ROOT");

    bool IsUp { get; }

    /// <summary>As a test finds it: links up and unshaped, no process of ours, empty caches (with the launchers that were brought), no image in the shared directory.</summary>
    /// <remarks>The disks of nodes are of memory, and small: what one test leaves must not be what the next one fails of.</remarks>
    public Cluster Fresh()
    {
        if (!IsUp)
            return this;
        Script("shape", "off");
        Parallel.ForEach(machines, node =>
        {
            if (node != "head")
                Script("link", node, "up");
            string clean = $"pkill -9 '^slipway'; for c in /var/cache/slipway {NodeCachePath}; do [ ! -d $c ] || find $c -mindepth 1 -maxdepth 1 ! -name launcher -exec rm -rf {{}} +; done; "
                + $"[ ! -d {NodeCachePath} ] || {{ chown {User} {NodeCachePath}; chmod 700 {NodeCachePath}; }}; rm -rf /tmp/storm* /var/tmp/filler";
            Assert.Equal((0, ""), (Sh(node, clean, "root") is var done ? done.ExitCode : 1, done.Error));
        });
        foreach (string file in Directory.GetFiles(Shared))
            File.Delete(file);
        foreach (string left in Directory.GetDirectories(Shared))
            Directory.Delete(left, recursive: true);
        return this;
    }

    /// <summary>An allocation of Slurm's on all nodes.</summary>
    public string Job { get; } = "";

    public string Shared => Path.Combine(directory.Path, "state/shared/scratch");

    internal Cli.Result Script(params string[] arguments) => Start([script, .. arguments]).Wait(240);

    Cli.Running Start(IReadOnlyList<string> command)
    {
        ProcessStartInfo start = new("env", ["--default-signal", .. command]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment["CLUSTER_STATE"] = Path.Combine(directory.Path, "state");
        start.Environment["CLUSTER_SHARED"] = "ctrfs";
        if (madePwsh is not null)
            start.Environment["CLUSTER_BINDS"] = $"{madePwsh}:/usr/local/lib/pwsh {DotnetRoot}";
        return new Cli.Running(Process.Start(start)!);
    }

    internal Cli.Result On(string node, string user, params string[] command) => StartOn(node, user, command).Wait(240);

    internal Cli.Running StartOn(string node, string user, params string[] command) => Start([script, "exec", node, "-u", user, "--", .. command]);

    /// <summary>A script of sh on a node.</summary>
    internal Cli.Result Sh(string node, string script, string user = User) => On(node, user, "/bin/sh", "-c", script);

    /// <summary>An image in the shared directory that no other test has.</summary>
    /// <param name="padding">Bytes that follow, for one that takes its time.</param>
    public string Image(string name, int padding = 0)
    {
        image ??= TinyImage.Make(Path.Combine(directory.Path, "base.sqfs"));
        string path = Path.Combine(Shared, name + ".sqfs");
        File.Copy(image, path, overwrite: true);
        using (FileStream file = new(path, FileMode.Append))
        {
            file.Write(Guid.NewGuid().ToByteArray());
            file.SetLength(file.Length + padding);
        }
        Assert.Equal(0, HostProgram.Run("chown", ["2000:2000", path]));
        return $"/shared/scratch/{name}.sqfs";
    }

    public string DigestOf(string image) => Digest.OfFile(Path.Combine(Shared, Path.GetFileName(image)));

    public static string Entry(string digest) => $"{NodeCachePath}/sha256/{digest["sha256:".Length..]}";

    internal Cli.Running StartPublish(string image, params string[] options) => StartOn("head", User, ["slipway", "publish", image, "--json", "--verbose", "--node", string.Join(',', Nodes),
        .. options.Contains("--retry") ? options : [.. options, "--retry", "0"]]);

    internal (Cli.Result Result, JsonElement[] Placements) Publish(string image, params string[] options) => Placements(StartPublish(image, options).Wait(240));

    /// <summary>Errors in the result are errors alone: lines of progress are told only where there is no result.</summary>
    internal static (Cli.Result, JsonElement[]) Placements(Cli.Result result) => result.Output.Length == 0
        ? (result, [])
        : (result with { Error = string.Concat(result.Error.Split('\n').Where(l => l.StartsWith("slipway: ", StringComparison.Ordinal)).Select(l => l + "\n")) },
            [.. JsonDocument.Parse(result.Output).RootElement.GetProperty("placements").EnumerateArray()]);

    /// <summary>The nodes have the image, whole, and nothing besides it that is not.</summary>
    public void AssertHave(string digest, IEnumerable<string> nodes)
    {
        foreach (string node in nodes)
        {
            Assert.Equal($"{digest["sha256:".Length..]}  {Entry(digest)}\n", On(node, User, "sha256sum", Entry(digest)).Output);
            Assert.Equal("", Sh(node, $"ls -A {NodeCachePath}/sha256 | grep {digest["sha256:".Length..]}.*partial || :").Output);
        }
    }

    /// <summary>A counter of the shared directory, over all nodes.</summary>
    public long Count(string counter) => Script("fsstat").Output.Split('\n').Select(l => l.Split(' ')).Where(l => l[0] == counter).Select(l => long.Parse(l[1], CultureInfo.InvariantCulture)).FirstOrDefault();

    /// <summary>The same for each machine that has any, to say in a failure whose they are.</summary>
    public string CountByMachine(string counter) => string.Join(' ', machines.Select(m => (m, Script("fsstat", m).Output.Split('\n').FirstOrDefault(l => l.StartsWith(counter + ' ', StringComparison.Ordinal)))).Where(c => c.Item2 is not null).Select(c => $"{c.m}: {c.Item2}"));

    public static string NodeOf(JsonElement placement) => placement.GetProperty("node").GetString()!;

    public void Dispose()
    {
        if (IsUp)
            Assert.Equal(0, Script("down").ExitCode);
        directory.Dispose();
    }
}

/// <summary>Tests share the cluster, one after the other.</summary>
[CollectionDefinition(nameof(Cluster))]
public sealed class ClusterTests : ICollectionFixture<Cluster>;

[AttributeUsage(AttributeTargets.Method)]
sealed class ClusterFactAttribute : FactAttribute
{
    public ClusterFactAttribute(params string[] needs) => Skip = Needs.Missing([.. Cluster.Takes, .. needs]);
}

[AttributeUsage(AttributeTargets.Method)]
sealed class ClusterTheoryAttribute : TheoryAttribute
{
    public ClusterTheoryAttribute(params string[] needs) => Skip = Needs.Missing([.. Cluster.Takes, .. needs]);
}
