using System.Globalization;
using System.Text.Json;
using Slipway.Linux;

namespace Slipway.Tests;

/// <summary>
/// For tests of publishing: the shared directory counts what reaches it, the launcher is on the head alone, and a job of Slurm's has all
/// nodes.
/// </summary>
public sealed class PublishCluster() : Cluster(Options)
{
    public static new readonly string[] Takes = [.. Cluster.Takes, "/usr/include/fuse3/fuse_lowlevel.h", "busybox"];

    public const string NodeCachePath = "/var/tmp/slipway-2000";

    /// <summary>Of this checkout, where no PowerShell is installed: in a directory, then, that users of the nodes may not see.</summary>
    static readonly string? MadePwsh = HostProgram.TryFind("pwsh") is { } pwsh
        && pwsh.StartsWith(Cli.Repository + "/", StringComparison.Ordinal)
        ? Path.GetDirectoryName(pwsh) : null;

    /// <summary>It may be a mount of its own, which the nodes do not have by the root's.</summary>
    static string? DotnetRoot => Environment.GetEnvironmentVariable("DOTNET_ROOT");

    static Dictionary<string, string> Options => MadePwsh is null ? new() { ["CLUSTER_SHARED"] = "ctrfs" }
        : new() { ["CLUSTER_SHARED"] = "ctrfs", ["CLUSTER_BINDS"] = $"{MadePwsh}:/usr/local/lib/pwsh {DotnetRoot}" };

    /// <summary>.NET's programs find it by /etc/dotnet/install_location where it is in no usual place.</summary>
    static string PutPwsh => "ln -sf /usr/local/lib/pwsh/pwsh /usr/local/bin/"
        + (DotnetRoot is { Length: > 0 } root ? $" && mkdir -p /etc/dotnet && echo '{root}' >/etc/dotnet/install_location" : "");

    string? image;

    /// <summary>An allocation of Slurm's on all nodes.</summary>
    public string Job { get; private set; } = "";

    /// <summary>The launcher goes to the head alone: it has to be brought along.</summary>
    protected override void Prepare()
    {
        Assert.Equal(0, Sh("head", $"mv {SharedPath}/slipway* /usr/local/bin/ && chmod 755 /usr/local/bin/slipway*", "root").ExitCode);
        if (MadePwsh is not null)
            Parallel.ForEach(Machines, m => Assert.Equal(0, Sh(m, PutPwsh, "root").ExitCode));
        Assert.Equal(0, On("head", User, "salloc", "--no-shell", $"--nodes={Nodes.Length}", "--quiet").ExitCode);
        Job = On("head", User, "squeue", "--noheader", "--format=%i").Output.Trim();
    }

    /// <summary>
    /// As a test finds it: links up and unshaped, no process of ours, empty caches (with the launchers that were brought), no image in the
    /// shared directory.
    /// </summary>
    /// <remarks>The disks of nodes are of memory, and small: what one test leaves must not be what the next one fails of.</remarks>
    public PublishCluster Fresh()
    {
        Script("shape", "off");
        Parallel.ForEach(Machines, node =>
        {
            if (node != "head")
                Script("link", node, "up");
            string clean = $"pkill -9 '^slipway'; for c in /var/cache/slipway {NodeCachePath}; do [ ! -d $c ] || find $c -mindepth 1 "
                + $"-maxdepth 1 ! -name launcher -exec rm -rf {{}} +; done; "
                + $"[ ! -d {NodeCachePath} ] || {{ chown {User} {NodeCachePath}; chmod 700 {NodeCachePath}; }}; "
                + "rm -rf /tmp/storm* /var/tmp/filler";
            Assert.Equal((0, ""), (Sh(node, clean, "root") is var done ? done.ExitCode : 1, done.Error));
        });
        foreach (string file in Directory.GetFiles(Shared))
            File.Delete(file);
        foreach (string left in Directory.GetDirectories(Shared))
            Directory.Delete(left, recursive: true);
        return this;
    }
    /// <summary>An image in the shared directory that no other test has.</summary>
    /// <param name="padding">Bytes that follow, for one that takes its time.</param>
    public string Image(string name, int padding = 0)
    {
        image ??= TinyImage.Make(In("base.sqfs"));
        string path = Path.Combine(Shared, name + ".sqfs");
        File.Copy(image, path, overwrite: true);
        using (FileStream file = new(path, FileMode.Append))
        {
            file.Write(Guid.NewGuid().ToByteArray());
            file.SetLength(file.Length + padding);
        }
        Assert.Equal(0, HostProgram.Run("chown", ["2000:2000", path]));
        return $"{SharedPath}/{name}.sqfs";
    }

    public string DigestOf(string image) => Digest.OfFile(Path.Combine(Shared, Path.GetFileName(image)));

    public static string Entry(string digest) => $"{NodeCachePath}/sha256/{digest["sha256:".Length..]}";

    internal Cli.Running StartPublish(string image, params string[] options) =>
        StartOn("head", User, ["slipway", "publish", image, "--json", "--verbose", "--node", string.Join(',', Nodes),
        .. options.Contains("--retry") ? options : [.. options, "--retry", "0"]]);

    internal (Cli.Result Result, JsonElement[] Placements) Publish(string image, params string[] options) =>
        Placements(StartPublish(image, options).Wait(240));

    /// <summary>Errors in the result are errors alone: lines of progress are told only where there is no result.</summary>
    internal static (Cli.Result, JsonElement[]) Placements(Cli.Result result) => result.Output.Length == 0
        ? (result, [])
        : (result with { Error = string.Concat(
            result.Error.Split('\n').Where(l => l.StartsWith("slipway: ", StringComparison.Ordinal)).Select(l => l + "\n")) },
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
    public long Count(string counter) => Script("fsstat").Output.Split('\n').Select(l => l.Split(' ')).Where(l => l[0] == counter)
        .Select(l => long.Parse(l[1], CultureInfo.InvariantCulture)).FirstOrDefault();

    /// <summary>The same for each machine that has any, to say in a failure whose they are.</summary>
    public string CountByMachine(string counter) =>
        string.Join(' ', Machines.Select(
            m => (m, Script("fsstat", m).Output.Split('\n').FirstOrDefault(l => l.StartsWith(counter + ' ', StringComparison.Ordinal))))
            .Where(c => c.Item2 is not null).Select(c => $"{c.m}: {c.Item2}"));

    public static string NodeOf(JsonElement placement) => placement.GetProperty("node").GetString()!;
}

[AttributeUsage(AttributeTargets.Method)]
sealed class ClusterFactAttribute : FactAttribute
{
    public ClusterFactAttribute(params string[] needs) => Skip = Needs.Missing([.. PublishCluster.Takes, .. needs]);
}

[AttributeUsage(AttributeTargets.Method)]
sealed class ClusterTheoryAttribute : TheoryAttribute
{
    public ClusterTheoryAttribute(params string[] needs) => Skip = Needs.Missing([.. PublishCluster.Takes, .. needs]);
}
