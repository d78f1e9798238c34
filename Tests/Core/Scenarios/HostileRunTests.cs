using System.Globalization;
using System.Text;
using Slipway.Linux;

namespace Slipway.Tests.Scenarios;

/// <summary>
/// Images and nodes that are not as they should be: a clear error, exit 125 to 127, nothing left, nothing of the host touched.
/// </summary>
public sealed class HostileRunTests
{
    static void AssertRefused(RunSite site, Cli.Result result, params string[] says)
    {
        Assert.True(result.ExitCode is >= 125 and <= 127, $"exit code {result.ExitCode}: {result.Output}{result.Error}");
        Assert.StartsWith("slipway: ", result.Error, StringComparison.Ordinal);
        foreach (string text in says)
            Assert.Contains(text, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at Slipway", result.Error, StringComparison.Ordinal); // no stack trace
        site.AssertNothingLeft();
    }

    public static TheoryData<string> Users => Cli.Users;

    [RunTheory]
    [MemberData(nameof(Users))]
    public void AnImageThatIsCutAtTenPlaces(string user)
    {
        using RunSite site = new(user);
        byte[] whole = File.ReadAllBytes(TinyImage.File);
        foreach (int length in new[] { 0, 1, 40, 95, 96, 97, 4096, whole.Length / 3, whole.Length / 2, whole.Length - 4096 })
        {
            string image = site.Scratch + "/cut.sqfs";
            File.WriteAllBytes(image, whole[..length]);
            AssertRefused(site, site.Run("--job", length.ToString(CultureInfo.InvariantCulture), image, "--", "true"), image);
        }
    }

    [RunTheory]
    [MemberData(nameof(Users))]
    public void GarbageBehindARightSuperblock(string user)
    {
        using RunSite site = new(user);
        byte[] whole = File.ReadAllBytes(TinyImage.File);
        Random random = new(7);
        for (int i = 0; i < 8; i++)
        {
            byte[] garbage = [.. whole];
            // the magic and version alone; the superblock's own tables; or everything behind it
            int from = i < 4 ? 96 : i < 6 ? 32 : 4;
            random.NextBytes(garbage.AsSpan(from, i < 6 && i >= 4 ? 64 : garbage.Length - from));
            if (from < 32)
                whole.AsSpan(28, 4).CopyTo(garbage.AsSpan(28));
            string image = string.Create(CultureInfo.InvariantCulture, $"{site.Scratch}/garbage{i}.sqfs");
            File.WriteAllBytes(image, garbage);
            AssertRefused(site, site.Run(image, "--", "true"), image);
        }
    }

    [RunTheory]
    [MemberData(nameof(Users))]
    public void FilesThatAreNoImages(string user)
    {
        using RunSite site = new(user);
        File.WriteAllText(site.Scratch + "/text", "no image, but longer than a superblock is: " + new string('x', 200));
        AssertRefused(site, site.Run(site.Scratch + "/text", "--", "true"), "hsqs");
        AssertRefused(site, site.Run("/dev/null", "--", "true"), "neither a file nor a directory");
        AssertRefused(site, site.Run("sha256:1234", "--", "true"), "is not a digest");
        AssertRefused(site, site.Run("sha256:" + new string('0', 64), "--", "true"), "no cache of this node has this image");
        AssertRefused(site, site.Run("--fabric", site.Scratch + "/absent.json", TinyImage.File, "--", "true"),
            site.Scratch + "/absent.json");
        AssertRefused(site, site.Run("--fabric", site.Scratch + "/text", TinyImage.File, "--", "true"), site.Scratch + "/text");
    }

    /// <summary>
    /// Every place where something is mounted or written, as a link that leads elsewhere: to the host's directories, if it were followed
    /// outside.
    /// </summary>
    [RunTheory]
    [MemberData(nameof(Users))]
    public void LinksAtMountPoints(string user)
    {
        using RunSite site = new(user);
        string trap = site.Scratch + "/trap";
        Directory.CreateDirectory(trap);
        File.WriteAllText(trap + "/passwd", "secret:x:0:0:of the host\n");
        string uid = HostProgram.Read("id", "-u", user)!;
        int n = 0;
        foreach (string target in new[] { "/", trap, "../../../../../../../.." + trap, "..", "/proc/self/root" + trap, "proc",
            "no/such/place", "home" })
            foreach (string point in new[] { "proc", "dev", "sys", "tmp", "etc", "home", "mnt", "var" })
            {
                string root = $"{site.Scratch}/root{n++}";
                Assert.Equal(0, HostProgram.Run("unsquashfs", ["-q", "-n", "-d", root, TinyImage.File], _ => { }));
                if (Directory.Exists($"{root}/{point}"))
                    Directory.Delete($"{root}/{point}", recursive: true);
                File.CreateSymbolicLink($"{root}/{point}", target);
                string image = root + ".sqfs";
                TinyImage.Pack(root, image);
                Directory.Delete(root, recursive: true);
                Cli.Result result = site.Run("--job", "k", "--bind", site.Scratch + ":/mnt/scratch", image, "--", "sh", "-c",
                    "id -u; cat /proc/self/comm; cat /etc/passwd");
                if (result.ExitCode != 0)
                    Assert.True(result.ExitCode == 125 && result.Error.StartsWith("slipway: ", StringComparison.Ordinal),
                        $"{point} -> {target}: {result.ExitCode} {result.Error}");
                else
                    Assert.StartsWith(uid + "\ncat\n", result.Output, StringComparison.Ordinal);
                Assert.DoesNotContain("of the host", result.Output, StringComparison.Ordinal);
                File.Delete(image);
            }
        Assert.Equal(["passwd"], Directory.GetFileSystemEntries(trap).Select(Path.GetFileName));
        site.AssertNothingLeft();
    }

    [RunTheory]
    [MemberData(nameof(Users))]
    public void AHostileUserDatabase(string user)
    {
        using RunSite site = new(user);
        string uid = HostProgram.Read("id", "-u", user)!;
        File.WriteAllText(site.Scratch + "/secret", "secret:x:7:7:of the host:/:/bin/sh\n");
        Dictionary<string, Action<string>> kinds = new()
        {
            ["claims our number"] = p => File.WriteAllText(p, $"evil:x:{uid}:0::/evil:/bin/evil\n{user}:x:0:0::/:/bin/sh\n"),
            ["no text"] = p => File.WriteAllBytes(p, [.. Enumerable.Range(0, 60_000).Select(i => (byte)(i * 7))]),
            ["one line of a megabyte"] = p => File.WriteAllText(p, new string(':', 1_000_000)),
            ["too large"] = p => File.WriteAllText(p, string.Concat(Enumerable.Repeat("x:x:1:1::/:/bin/sh\n", 200_000))),
            ["a pipe"] = p => Assert.Equal(0, HostProgram.Run("mkfifo", [p])),
            ["a directory"] = p => Directory.CreateDirectory(p),
            ["a link to itself"] = p => File.CreateSymbolicLink(p, "passwd"),
            ["a link to the host"] = p => File.CreateSymbolicLink(p, site.Scratch + "/secret"),
            ["a link up to the host"] = p => File.CreateSymbolicLink(p, "../../../../.." + site.Scratch + "/secret"),
            ["a link to a descriptor"] = p => File.CreateSymbolicLink(p, "/proc/self/fd/4/etc/passwd"),
        };
        foreach ((string kind, Action<string> make) in kinds)
        {
            string image = TinyImage.Make(site.Scratch + "/passwd.sqfs", root =>
            {
                File.Delete(root + "/etc/passwd");
                make(root + "/etc/passwd");
            });
            Cli.Result result = site.Run("--job", kind, image, "--", "sh", "-c",
                "id -un; grep -m 1 -e '' /etc/passwd; grep 'of the host' /etc/passwd");
            Assert.True(result.Output.StartsWith(user + "\n", StringComparison.Ordinal), $"{kind}: {result.Output}{result.Error}");
            Assert.Contains($"\n{user}:x:{uid}:", result.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("of the host", result.Output, StringComparison.Ordinal);
            File.Delete(image);
        }
        site.AssertNothingLeft();
    }

    [RunFact]
    public void AHostileEnvironmentFile()
    {
        using RunSite site = new(RunSite.Ordinary);
        foreach (Action<string> make in new Action<string>[]
        {
            p => Assert.Equal(0, HostProgram.Run("mkfifo", [p])), p => File.CreateSymbolicLink(p, "/dev/zero"),
            p => File.CreateSymbolicLink(p, "environment"),
            p => File.WriteAllBytes(p, [.. Encoding.ASCII.GetBytes("GOOD=1\n=x\n\0EVIL=2\n"), 0xff, 0xfe, (byte)'\n']),
        })
        {
            string image = TinyImage.Make(site.Scratch + "/environment.sqfs", root =>
            {
                Directory.CreateDirectory(root + "/ch");
                make(root + "/ch/environment");
            });
            Assert.Equal(0, site.Run("--job", Guid.NewGuid().ToString(), image, "--", "true").ExitCode);
            File.Delete(image);
        }
        site.AssertNothingLeft();
    }

    /// <summary>A node as a script in a user and mount namespace of its own makes it.</summary>
    static Cli.Result OnNode(RunSite site, string prepare) =>
        site.Start(["unshare", "--user", "--map-current-user", "--mount", "--keep-caps", "/bin/sh", "-c",
            prepare + "\nunset XDG_RUNTIME_DIR; exec \"$0\" run --job node \"$1\" -- true", Cli.Program, TinyImage.File]).Wait(60);

    const string DevWithoutFuse = """
        mount -t tmpfs t /mnt
        for n in null zero full random urandom tty; do : >/mnt/$n; mount --bind /dev/$n /mnt/$n; done
        mount --move /mnt /dev 2>/dev/null
        """;

    [RunFact]
    public void NoFuseDevice()
    {
        using RunSite site = new(RunSite.Ordinary);
        AssertRefused(site, OnNode(site, DevWithoutFuse), "/dev/fuse", "modprobe");
    }

    [RunFact]
    public void NoUserNamespaces()
    {
        using RunSite site = new(RunSite.Ordinary);
        AssertRefused(site, OnNode(site, "echo 0 >/proc/sys/user/max_user_namespaces"), "user namespace", "max_user_namespaces");
    }

    [RunFact]
    public void AFullTmp()
    {
        using RunSite site = new(RunSite.Ordinary);
        // the image and the launcher are seen by their descriptors' directories, which the new /tmp covers
        string keep = $"set -e; mkdir -p {site.Scratch}/keep && cp \"$0\"* \"$1\" {site.Scratch}/keep/ && mount --bind "
            + $"{site.Scratch}/keep /mnt && set -- /mnt/{Path.GetFileName(TinyImage.File)}";
        Cli.Result Try(string fill) =>
            site.Start(["unshare", "--user", "--map-current-user", "--mount", "--keep-caps", "/bin/sh", "-c", keep + "\n" + fill
                + "\nunset XDG_RUNTIME_DIR; exec /mnt/slipway run --job node \"$1\" -- true", Cli.Program, TinyImage.File]).Wait(60);
        AssertRefused(site, Try("for d in /tmp /dev/shm /var/tmp; do mount -t tmpfs -o nr_inodes=1 t $d; done"), "/tmp/slipway-");
        AssertRefused(site, Try("mount -t tmpfs -o size=4k t /tmp; head -c 8192 /dev/zero >/tmp/fill 2>/dev/null || :"), "full");
    }

    [RunFact]
    public void ARuntimeDirectoryThatIsNotOurs()
    {
        string uid = HostProgram.Read("id", "-u", RunSite.Ordinary)!, directory = "/tmp/slipway-" + uid;
        // nothing is made in the real one
        string Keep(RunSite site) => $"set -e; mkdir -p {site.Scratch}/keep && cp \"$0\"* \"$1\" {site.Scratch}/keep/ && mount --bind "
            + $"{site.Scratch}/keep /mnt && mount -t tmpfs t /tmp && mount -t tmpfs t /dev/shm && set -- "
            + $"/mnt/{Path.GetFileName(TinyImage.File)}";
        foreach (string make in new[] { $"mkdir -m 755 {directory}", $"mkdir -m 700 /tmp/other; ln -s /tmp/other {directory}",
            $": >{directory}", $"mkdir -m 770 {directory}" })
        {
            using RunSite site = new(RunSite.Ordinary);
            Cli.Result result = site.Start(
                ["unshare", "--user", "--map-current-user", "--mount", "--keep-caps", "/bin/sh", "-c", Keep(site) + "\n" + make
                    + "\nunset XDG_RUNTIME_DIR; exec /mnt/slipway run --job node \"$1\" -- true", Cli.Program, TinyImage.File]).Wait(60);
            Assert.Equal(
                (0, $"slipway: warning: the runtime directory is /dev/shm/slipway-{uid}: {directory} is not there, "
                    + "or not this user's alone\n"), (result.ExitCode, result.Error));
        }
    }
}
