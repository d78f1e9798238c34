using System.Text.Json;
using Slipway.Linux;
using Slipway.Readers.SquashFs;

namespace Slipway.Tests.Building;

/// <summary>Real builds from Debian, by the real launcher, as root and as an ordinary user.</summary>
public sealed class ImageBuilderTests : IDisposable
{
    readonly TemporaryDirectory directory = new();

    public ImageBuilderTests()
    {
        // so that an ordinary user may write the image there
        new DirectoryInfo(directory.Path).UnixFileMode = (UnixFileMode)0x1ff;
    }

    public void Dispose() => directory.Dispose();

    public static TheoryData<string> Users => Cli.Users;

    const string Small = "from: deb\nsuite: bookworm\n";

    string Definition(string text, string name = "small.yaml")
    {
        directory.Write(name, text);
        return Path.Combine(directory.Path, name);
    }

    string ImagePath => Path.Combine(directory.Path, "small.sqfs");

    Cli.Running Start(string user, string definition, params string[] more) =>
        Cli.Start(user, [Cli.Program, "build", definition, "-o", ImagePath, .. more],
            environment: new Dictionary<string, string> { ["TMPDIR"] = directory.Path });

    /// <summary>Nothing but what the test itself put there.</summary>
    void AssertNothingLeft(params string[] except) =>
        Assert.Empty(Directory.GetFileSystemEntries(directory.Path).Select(p => Path.GetFileName(p)!).Except(["small.yaml", .. except]));

    [NeedsTheory(Needs.Launcher, Needs.Network, Needs.Fuse, "mmdebstrap", "mksquashfs", "unsquashfs", "newuidmap", "squashfuse_ll",
        "ch-run"), MemberData(nameof(Users))]
    public void BuildsAnImageThatHoldsWhatItsDefinitionSays(string user)
    {
        directory.Write("motd.txt", "from the host\n");
        directory.Write("tree/sub/file", "in a tree\n");
        string definition = Definition(Small + """
            packages: [hello]
            fabric: auto
            files:
              - {from: motd.txt, to: /opt/site/motd, mode: "0640"}
              - {from: tree, to: /opt/tree}
            run: ["id -u >/opt/uid", "test -e /opt/site/motd", "ln -s /etc /opt/link"]
            environment: {GREETING: "it's here"}
            runscript: exec hello "$@"
            test: test "$GREETING" = "it's here" && hello
            labels: {maintainer: hpc@example.org}
            """);
        Cli.Result built = Start(user, definition, "--json").Wait();
        Assert.True(built.ExitCode == 0, built.Error);
        AssertNothingLeft("motd.txt", "tree", "small.sqfs");

        JsonElement image = JsonDocument.Parse(built.Output).RootElement, manifest = image.GetProperty("manifest");
        Assert.Equal(Digest.OfFile(ImagePath), image.GetProperty("digest").GetString());
        Assert.Contains(manifest.GetProperty("packages").EnumerateArray(), p => p.GetProperty("name").GetString() == "hello");
        Assert.Equal("debian", manifest.GetProperty("distribution").GetProperty("id").GetString());
        Assert.Contains(manifest.GetProperty("fabric").GetProperty("providers").EnumerateArray(),
            p => p.GetProperty("name").GetString() == "mlx5");

        Cli.Result listing = Cli.Start(Environment.UserName, ["unsquashfs", "-lln", ImagePath]).Wait();
        string[] lines = listing.Output.Split('\n');
        Assert.Contains(lines, l => l.StartsWith("-rw-r----- 0/0 ", StringComparison.Ordinal)
            && l.EndsWith("/opt/site/motd", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, l => l.StartsWith('b') || l.StartsWith('c'));
        foreach (string absent in new[] { "/etc/resolv.conf", "/var/cache/apt/archives", "/var/log/dpkg.log",
            "/var/cache/ldconfig/aux-cache", "/etc/apt/apt.conf.d/99mmdebstrap", ".deb" })
            Assert.DoesNotContain(lines, l => l.EndsWith(absent, StringComparison.Ordinal));

        Cli.Result run = Cli.RunAs(user, "run", ImagePath, "--", "sh", "-c", "cat /opt/uid /opt/tree/sub/file; echo $GREETING; hello");
        Assert.Equal("0\nin a tree\nit's here\nHello, world!\n", run.Output);
        Assert.Equal("Hello, world!\n", Cli.RunAs(user, "run", ImagePath).Output);

        // the image is common property: Charliecloud runs it as it is
        Assert.Equal("Hello, world!\n", Cli.Start(user, ["ch-run", ImagePath, "--", "hello"]).Wait().Output);
    }

    [NeedsFact(Needs.Launcher, Needs.Network, Needs.Root, "mmdebstrap", "mksquashfs", "newuidmap")]
    public void TwoUsersMakeTheSameBytes()
    {
        string definition = Definition(Small + "environment: {A: b}\nrun: [\"date >/dev/null; mkdir /opt/made; touch /opt/made/now\"]\n");
        string[] digests = [.. new[] { "root", Cli.OtherUser! }.Select(user =>
        {
            Cli.Result built = Start(user, definition).Wait();
            Assert.True(built.ExitCode == 0, built.Error);
            string digest = Digest.OfFile(ImagePath);
            File.Delete(ImagePath);
            return digest;
        })];
        Assert.Equal(digests[0], digests[1]);
    }

    [NeedsTheory(Needs.Launcher, Needs.Network, "mmdebstrap", "mksquashfs", "newuidmap")]
    [InlineData("packages: [no-such-package-at-all]\n",
        "small.yaml:3:12: no repository of suite 'bookworm' has a package 'no-such-package-at-all'")]
    [InlineData("repositories: [{name: gone, url: 'http://127.0.0.1:9/debian', trusted: true}]\n",
        "small.yaml:3:23: the repository cannot be reached")]
    [InlineData("run: ['echo said; exit 3']\n", "small.yaml:3:7: the command of 'run' ended with exit code 3: said")]
    [InlineData("test: 'exit 4'\n", "small.yaml:3:7: the 'test' ended with exit code 4")]
    public void SaysWhatFailedAndLeavesNothing(string more, string says)
    {
        Cli.Result built = Start(Cli.OtherUser ?? Environment.UserName, Definition(Small + more)).Wait();
        Assert.Equal(1, built.ExitCode);
        Assert.Contains(says, built.Error, StringComparison.Ordinal);
        Assert.Contains("The whole log: ", built.Error, StringComparison.Ordinal);
        AssertNothingLeft();
    }

    [NeedsFact(Needs.Launcher, "mmdebstrap", "mksquashfs")]
    public void NamesADestinationThatCannotBeWritten()
    {
        Cli.Result built = Cli.Run("build", Definition(Small), "-o", "/nowhere/x.sqfs");
        Assert.Equal(1, built.ExitCode);
        Assert.Contains("/nowhere/x.sqfs: the image cannot be written there", built.Error, StringComparison.Ordinal);
        AssertNothingLeft();
    }

    [NeedsTheory(Needs.Launcher)]
    [InlineData("mmdebstrap", "mmdebstrap"), InlineData("mksquashfs", "squashfs-tools")]
    public void NamesAProgramThatIsMissing(string program, string package)
    {
        string bin = Directory.CreateDirectory(Path.Combine(directory.Path, "bin")).FullName;
        foreach (string name in new[] { "unshare", "mmdebstrap", "apt-get", "dpkg-deb", "gpg", "curl", "mksquashfs", "chroot", "cp",
            "newuidmap" }.Where(n => n != program))
            File.WriteAllText(Path.Combine(bin, name), "#!/bin/sh\n");
        foreach (string file in Directory.GetFiles(bin))
            File.SetUnixFileMode(file, (UnixFileMode)0x1ed);
        Cli.Result built = Cli.Start(Environment.UserName, [Cli.Program, "build", Definition(Small), "-o", ImagePath],
            environment: new Dictionary<string, string> { ["PATH"] = bin }).Wait();
        Assert.Equal(127, built.ExitCode);
        Assert.Contains($"{program}: this program is not on the PATH", built.Error, StringComparison.Ordinal);
        Assert.Contains(package, built.Error, StringComparison.Ordinal);
        AssertNothingLeft("bin");
    }

    [NeedsTheory(Needs.Launcher, Needs.Network, "mmdebstrap", "mksquashfs", "newuidmap")]
    [InlineData(0.02, "INT"), InlineData(0.3, "INT"), InlineData(2, "TERM"), InlineData(5, "INT"), InlineData(9, "INT"),
        InlineData(3, "KILL")]
    public void CancelledAtAnyMomentItLeavesNothing(double seconds, string signal)
    {
        string user = Cli.OtherUser ?? Environment.UserName, definition = Definition(Small + "packages: [hello]\n");
        Cli.Running build = Start(user, definition);
        Thread.Sleep(TimeSpan.FromSeconds(seconds));
        // to the launcher alone: runuser(1) is in between where the tests are root's
        for (int i = 0; i < 100 && Cli.Start(Environment.UserName, ["pkill", "-" + signal, "-f", $"^{Cli.Program} build {definition} -o"])
            .Wait().ExitCode != 0; i++)
            Thread.Sleep(10);
        Cli.Result ended = build.Wait(60);
        if (ended.ExitCode == 0)
        {
            // a fast machine was done before the late signals: then the image is whole
            Assert.True(seconds > 5);
            SquashFsSuperblock.Read(ImagePath);
            File.Delete(ImagePath);
        }
        if (signal == "KILL")
        {
            // the builder sees its caller go, and removes its tree; the file that was reserved goes with the next build
            for (int i = 0; i < 100 && Directory.GetDirectories(directory.Path, "slipway-build-*").Length > 0; i++)
                Thread.Sleep(200);
            Assert.Single(Directory.GetFiles(directory.Path, ".small.sqfs.*.partial"));
            Assert.Equal(1, Start(user, Definition(Small + "packages: [no-such-package-at-all]\n")).Wait().ExitCode);
        }
        AssertNothingLeft();
    }
}
