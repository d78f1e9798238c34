using System.Globalization;
using Slipway.Linux;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Scenarios;

/// <summary>Builds that are killed, or whose disk fills up: nothing is left, and the next build succeeds.</summary>
public sealed class InterruptedBuildTests : BuildTest
{
    /// <summary>Each step of a build tells itself with <c>--verbose</c>; the build is killed as soon as it has told this one.</summary>
    [NeedsTheory(Repositories.Rpm)]
    [InlineData("reading the repositories"), InlineData("downloading packages"), InlineData("checking signatures"),
        InlineData("installing packages"), InlineData("copying"),
     InlineData("running command 1"), InlineData("testing"), InlineData("describing"), InlineData("packing"), InlineData("hashing")]
    public void KilledAtAnyStepItLeavesNothing(string step)
    {
        Write("note.txt", "note\n");
        string definition = Write("x.yaml", RepositoryBuildTests.Rpm()
            + "files: [{from: note.txt, to: /opt/note}]\nrun: [\"sleep 0.2; echo >/opt/made\"]\ntest: sleep 0.2\n");
        string user = Environment.UserName;
        string packages = In("cache/killed");
        string[] build = ["build", definition, "-o", In("x.sqfs"), "--package-cache", packages, "--lock-file", In("x.lock"), "-v"];
        System.Diagnostics.ProcessStartInfo start = new(Cli.Program, build)
        {
            RedirectStandardError = true, RedirectStandardOutput = true,
            Environment = { ["TMPDIR"] = In("tmp"), ["SLIPWAY_STEP_CACHE_BYTES"] = "0" },
        };
        using System.Diagnostics.Process process = System.Diagnostics.Process.Start(start)!;
        List<string> said = [];
        while (process.StandardError.ReadLine() is { } line && !line.Contains(": " + step, StringComparison.Ordinal))
            said.Add(line);
        kill(process.Id, SIGKILL);
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)));
        Assert.True(process.ExitCode == 137, $"'{step}' was not told: {string.Join('\n', said)}");
        // dnf's own, of Python's tempfile, where it was killed as it had made one: package scripts get its TMPDIR, so that cannot be the
        // build's directory
        static bool IsOfDnf(string path) => Path.GetFileName(path) is ['t', 'm', 'p', .. { Length: 8 }];
        // the builder sees its caller go, and removes its tree
        for (int i = 0; i < 150 && !Directory.GetFileSystemEntries(In("tmp")).All(IsOfDnf); i++)
            Thread.Sleep(200);
        foreach (string left in Directory.GetFileSystemEntries(In("tmp")).Where(IsOfDnf))
            HostProgram.Run("rm", ["-r", left]);
        Assert.False(File.Exists(In("x.sqfs")));
        Assert.False(File.Exists(In("x.lock")));
        Assert.Single(Directory.GetFiles(directory.Path, ".x.sqfs.*.partial"));
        Built(user, definition);
        AssertNothingLeft();
    }

    /// <summary>Ten sizes of disk, from one on which nothing goes to one on which all but the last megabyte does.</summary>
    [NeedsTheory(Repositories.Rpm, Needs.Root, "mount")]
    [InlineData(false), InlineData(true)]
    public void ADiskThatFillsUpIsNamedAndNothingIsLeft(bool destination)
    {
        Write("note.txt", new string('x', 3 << 20));
        string definition = Write("x.yaml", RepositoryBuildTests.Rpm()
            + "files: [{from: note.txt, to: /opt/note}]\nrun: [\"dd if=/dev/urandom of=/opt/made bs=1M count=3 2>&1\"]\n");
        Directory.CreateDirectory(In("small"));
        Write("small/x", "");
        int[] sizes = destination ? [16, 64, 256, 1024, 2048] : [64, 512, 1024, 4096, 6144, 8192, 9216, 10240, 11264, 12288];
        int failed = 0;
        foreach (int size in sizes)
        {
            // the mount is seen, and lives, in the test's own namespace alone
            string kib = size.ToString(CultureInfo.InvariantCulture), image = destination ? In("small/x.sqfs") : In("x.sqfs");
            Cli.Result result = Cli.Start(Environment.UserName, ["unshare", "--mount", "bash", "-c",
                $"mount -t tmpfs -o size={kib}k tmpfs '{In("small")}'; TMPDIR='{(destination ? In("tmp") : In("small"))}' "
                    + $"SLIPWAY_STEP_CACHE_BYTES=0 '{Cli.Program}' build '{definition}' -o '{image}' --package-cache "
                    + $"'{In("cache/full")}'; code=$?; ls -A '{In("small")}'; exit $code"]).Wait();
            if (result.ExitCode == 0)
            {
                File.Delete(In("x.sqfs"));
                continue;
            }
            failed++;
            Assert.True(result.Error.Contains("o space left on ", StringComparison.Ordinal)
                || result.Error.Contains("no directory to build in can be made", StringComparison.Ordinal), $"{size} KiB: {result.Error}");
            Assert.Equal("", result.Output);
            AssertNothingLeft();
        }
        Assert.True(failed >= sizes.Length / 2, $"only {failed} of {sizes.Length} disks were too small");
        Built(Environment.UserName, definition);
    }

    /// <summary>As network and FAT file systems are: a file there has the owner that it has.</summary>
    [NeedsFact(Repositories.Rpm, Needs.Root, Needs.Fuse, "bindfs", "mount", "umount")]
    public void ADirectoryThatKeepsNoOwnersIsRefused()
    {
        string definition = Write("x.yaml", RepositoryBuildTests.Rpm()), mount = Directory.CreateDirectory(Mine("owners")).FullName;
        string under = Directory.CreateDirectory(Mine("under")).FullName;
        // the mount is seen in the test's own namespace alone
        Cli.Result result = Cli.Start(Environment.UserName, ["unshare", "--mount", "bash", "-c",
            $"bindfs --chown-deny '{under}' '{mount}' || exit 99; TMPDIR='{mount}' '{Cli.Program}' build '{definition}' -o "
                + $"'{In("x.sqfs")}' --package-cache '{In("cache/owners")}'; code=$?; umount '{mount}'; exit $code"]).Wait();
        Assert.Equal(1, result.ExitCode);
        AssertRefused(result, $"{mount}/slipway-build-0-", "this file system (fuseblk) keeps no files of other owners",
            "Set TMPDIR to a local disk");
        Assert.Empty(Directory.GetFileSystemEntries(under));
        Assert.Empty(Directory.GetFileSystemEntries(mount));
    }

    /// <summary>Whichever is first has the destination: none gives way to one that gives way to it.</summary>
    [NeedsFact(Repositories.Rpm)]
    public async Task OfBuildsThatStartInOneInstantOneHasTheDestination()
    {
        string definition = Write("x.yaml", RepositoryBuildTests.Rpm() + WaitsToGo);
        List<Task<Cli.Result>> builds =
            [.. Enumerable.Range(0, 6).Select(_ => Start(Environment.UserName, definition, "x.sqfs")).ToList()
                .Select(b => Task.Run(() => b.Wait()))];
        for (int i = 0; i < 5; i++)
        {
            Task<Cli.Result> ended = await Task.WhenAny(builds);
            Assert.Contains($"{In("x.sqfs")}: another build is writing this image", (await ended).Error, StringComparison.Ordinal);
            builds.Remove(ended);
        }
        LetGo();
        Cli.Result last = await builds.Single();
        Assert.True(last.ExitCode == 0, last.Error);
        written.Add("x.sqfs");
        AssertNothingLeft();
    }

    const string WaitsToGo = "run: [\"while ! [ -e /opt/go ]; do sleep 0.1; done\"]\n";

    /// <summary>Lets the one build that waits for that go on.</summary>
    void LetGo()
    {
        string? opt;
        while ((opt = Directory.GetDirectories(In("tmp"), "slipway-build-*").Select(d => d + "/root/image/opt")
            .FirstOrDefault(Directory.Exists)) is null || !Directory.Exists(opt + "/app"))
            Thread.Sleep(50);
        File.WriteAllText(opt + "/go", "");
    }

    [NeedsFact(Repositories.Rpm)]
    public void TwoBuildsToOneDestinationAreToldOf()
    {
        string definition = Write("x.yaml", RepositoryBuildTests.Rpm() + WaitsToGo);
        Cli.Running first = Start(Environment.UserName, definition, "x.sqfs");
        for (int i = 0; i < 300 && Directory.GetFiles(directory.Path, ".x.sqfs.*.partial").Length == 0; i++)
            Thread.Sleep(50);
        Cli.Result second = Build(definition);
        Assert.Equal(1, second.ExitCode);
        Assert.Contains($"{In("x.sqfs")}: another build is writing this image", second.Error, StringComparison.Ordinal);
        LetGo();
        Assert.Equal(0, first.Wait().ExitCode);
        Assert.True(File.Exists(In("x.sqfs")));
    }

    [NeedsFact(Repositories.Rpm)]
    public void SeveralImagesAreBuiltAtOnceAndOneThatFailsKeepsNoOther()
    {
        foreach (string name in new[] { "a", "b", "c" })
            Write($"{name}.yaml", RepositoryBuildTests.Rpm() + $"run: [\"{(name == "b" ? "exit 7" : $"echo {name} >/opt/name")}\"]\n");
        Directory.CreateDirectory(In("to"));
        Write("to/x", "");
        Cli.Result built = Cli.Start(Environment.UserName,
            [Cli.Program, "build", In("a.yaml"), In("b.yaml"), In("c.yaml"), "-o", In("to"), "--throttle-limit", "3", "--package-cache",
                In("cache/many"), "--lock-file", In("to")], directory.Path,
            new Dictionary<string, string> { ["TMPDIR"] = In("tmp"), ["SLIPWAY_STEP_CACHE_BYTES"] = "0" }).Wait();
        Assert.Equal(1, built.ExitCode);
        Assert.Contains("b.yaml:8:7: the command of 'run' ended with exit code 7", built.Error, StringComparison.Ordinal);
        Assert.Equal(["a.lock.json", "a.sqfs", "c.lock.json", "c.sqfs", "x"], Directory.GetFiles(In("to")).Select(f => Path.GetFileName(f))
            .Order(StringComparer.Ordinal));
        AssertNothingLeft();
    }
}
