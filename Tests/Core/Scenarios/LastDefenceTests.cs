using System.Globalization;
using Slipway.Linux;

namespace Slipway.Tests.Scenarios;

/// <summary>Whatever is thrown, a program of ours ends by itself, with a line of its own: no stack trace, no SIGABRT, no core.</summary>
public sealed class LastDefenceTests
{
    /// <summary>What the launcher does, each with what makes it run to its first word.</summary>
    static readonly string[][] Verbs =
    [
        ["inspect", "IMAGE"], ["inspect", "--json", "IMAGE"], ["cache", "list"], ["--help"], ["--version"], ["deps", "/bin/sh"],
        ["run", "--help"], ["shell", "--help"], ["compare", "IMAGE"], ["fabric"], ["fabric", "IMAGE"],
        ["mpi", "--plan-only", "-n", "1", "IMAGE", "--", "true"], ["publish", "IMAGE"], ["bogus"], ["stage", "x"], ["holder"],
        ["build-inside", "x"],
    ];

    static void AssertOurs(Cli.Result result, string what)
    {
        string said = $"{what}: {result}";
        Assert.True(result.ExitCode is >= 0 and < 128, said);
        Assert.DoesNotContain("Unhandled exception", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Process terminated", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("a fault of Slipway", result.Error, StringComparison.Ordinal);
    }

    static void AssertAllLinesOurs(Cli.Result result, string what)
    {
        AssertOurs(result, what);
        foreach (string line in result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            Assert.True(line.StartsWith("slipway: ", StringComparison.Ordinal), $"{what}: {line}");
    }

    public static TheoryData<string, string> Outputs
    {
        get
        {
            TheoryData<string, string> all = [];
            foreach (string user in new[] { Environment.UserName, Cli.OtherUser }.OfType<string>())
                foreach (string where in new[] { ">/dev/full", ">&-", "2>/dev/full", "2>&-", ">&- 2>&- <&-", "| true" })
                    all.Add(user, where);
            return all;
        }
    }

    [NeedsTheory(Needs.Launcher, "mksquashfs", "busybox"), MemberData(nameof(Outputs))]
    public void AnOutputThatIsClosedOrFull(string user, string where)
    {
        using RunSite site = new(user);
        foreach (string[] verb in Verbs)
        {
            string[] arguments = [.. verb.Select(a => a == "IMAGE" ? TinyImage.Published : a)];
            string what = $"{string.Join(' ', verb)} {where}";
            Cli.Result result = site.Script($"ulimit -c 0; \"$@\" {where}", arguments);
            if (verb is ["bogus"])
                AssertOurs(result, what);
            else
                AssertAllLinesOurs(result, what);
            if (where is ">/dev/full" or ">&-" && verb is ["inspect", ..] or ["--help"] or ["--version"] or ["deps", ..] or ["run", ..]
                or ["mpi", ..] or ["fabric"])
            {
                Assert.True(result.ExitCode == (verb[0] is "run" or "shell" ? 125 : 1), $"{what}: {result}");
                Assert.StartsWith(
                    $"slipway: standard output {(where == ">&-" ? "is closed" : "cannot be written: No space left on device")}",
                    result.Error, StringComparison.Ordinal);
            }
        }
    }

    [NeedsTheory(Needs.Launcher, Needs.Fuse, "mksquashfs", "busybox", "squashfuse_ll"), MemberData(nameof(Outputs))]
    public void ARankWhoseOutputIsClosedOrFull(string user, string where)
    {
        using RunSite site = new(user);
        foreach (string command in new[] { "/bin/true", "/nothing/here" })
            AssertOurs(site.Script($"ulimit -c 0; \"$1\" run --explain \"$2\" -- \"$3\" {where}", TinyImage.File, command),
                $"{command} {where}");
        site.AssertNothingLeft();
    }

    /// <summary>
    /// A user whom nobody else runs anything as: RLIMIT_NPROC (getrlimit(2)) counts all of a user's processes and threads.
    /// </summary>
    Cli.Result Limited(RunSite site, string limit, IEnumerable<string> arguments)
    {
        string uid = (50_000 + Environment.ProcessId % 10_000).ToString(CultureInfo.InvariantCulture);
        Assert.Equal(0, HostProgram.Run("chown", [uid, site.Scratch, site.Runtime]));
        return site.Start(["prlimit", "--core=0:0", limit, "setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "env",
            "HOME=" + site.Scratch, "TMPDIR=" + site.Scratch, Cli.Program, .. arguments], cwd: site.Scratch).Wait(120);
    }

    static readonly string[][] Working =
        [["inspect", "IMAGE"], ["deps", "/bin/sh"], ["cache", "list"], ["compare", "IMAGE"], ["publish", "IMAGE"],
            ["mpi", "--plan-only", "-n", "1", "IMAGE", "--", "true"], ["build", "x.yaml"], ["--help"]];

    /// <summary>With fewer than three the runtime itself does not come up, and ends with 255.</summary>
    [NeedsTheory(Needs.Launcher, Needs.Root, "mksquashfs", "busybox", "prlimit", "setpriv")]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(12)]
    [InlineData(20)]
    public void FewProcessesAndThreads(int processes)
    {
        using RunSite site = new();
        File.WriteAllText(site.Scratch + "/x.yaml", "from: empty\n");
        foreach (string[] verb in Working)
        {
            string what = $"{processes} processes: {string.Join(' ', verb)}";
            Cli.Result result = Limited(site, $"--nproc={processes}:{processes}", verb.Select(a => a == "IMAGE" ? TinyImage.Published : a));
            AssertAllLinesOurs(result, what);
            Assert.True(result.ExitCode == 0 || result.Error.Length > 0, what);
            if (processes < 5)
                Assert.Equal((1, "slipway: there is not enough memory, or no more threads may be started"),
                    (result.ExitCode, result.Error.Split('\n')[0]));
        }
    }

    [NeedsTheory(Needs.Launcher, Needs.Root, "mksquashfs", "busybox", "prlimit", "setpriv")]
    [InlineData("--data=16777216")]
    [InlineData("--data=33554432")]
    [InlineData("--data=67108864")]
    [InlineData("--nofile=8")]
    [InlineData("--nofile=12")]
    [InlineData("--nofile=20")]
    [InlineData("--fsize=0")]
    [InlineData("--fsize=4096")]
    public void OtherLimits(string limit)
    {
        using RunSite site = new();
        File.WriteAllText(site.Scratch + "/x.yaml", "from: empty\n");
        foreach (string[] verb in Working)
            AssertOurs(Limited(site, limit, verb.Select(a => a == "IMAGE" ? TinyImage.Published : a)),
                $"{limit}: {string.Join(' ', verb)}");
    }

    [NeedsTheory(Needs.Launcher, "unshare")]
    [InlineData("holder")]
    [InlineData("holder", "a")]
    [InlineData("holder", "a", "b", "c", "d", "e", "f")]
    [InlineData("holder", "/nowhere/a", "b", "c", "/nothing.sqfs", "directory", "/", "", "x.sqfs")]
    [InlineData("build-inside")]
    [InlineData("build-inside", "/nothing/here")]
    [InlineData("build-inside", "/etc/hostname")]
    [InlineData("build-inside", "/dev/null")]
    [InlineData("stage")]
    [InlineData("stage", "x")]
    [InlineData("stage", "e30=")]
    [InlineData("preflight")]
    [InlineData("preflight", "a", "b")]
    [InlineData("run-locked")]
    [InlineData("run-locked", "3")]
    [InlineData("join", "a", "b")]
    public void WhatIsForSlipwayItselfToStart(params string[] arguments)
    {
        foreach (string user in new[] { Environment.UserName, Cli.OtherUser }.OfType<string>())
        {
            // in a mount namespace of its own: whatever it did as root, it would not be to this machine
            Cli.Result result = Cli.Start(user, [.. user == "root" ? (string[])["unshare", "--mount"] : [], Cli.Program, .. arguments])
                .Wait();
            AssertOurs(result, string.Join(' ', arguments));
            Assert.NotEqual(0, result.ExitCode);
            if (arguments is ["holder" or "build-inside", ..] or ["stage"])
                Assert.StartsWith("slipway: ", result.Error, StringComparison.Ordinal);
        }
    }

    /// <summary>.NET puts another character in the place of each such byte: that is another file's name.</summary>
    [NeedsTheory(Needs.Launcher, "mksquashfs", "busybox"), MemberData(nameof(Users))]
    public void ANameThatIsNotUtf8IsSaidToBe(string user)
    {
        using RunSite site = new(user);
        foreach (string verb in new[] { "inspect", "compare", "publish", "fabric", "run", "build", "mpi --plan-only", "deps",
            "cache remove", "shell" })
        {
            Cli.Result result = site.Script(
                $"name=$(printf 'a\\377b.sqfs'); cp '{TinyImage.File}' \"$2/$name\"; \"$1\" {verb} \"$2/$name\"", site.Scratch);
            AssertAllLinesOurs(result, verb);
            Assert.Equal((verb is "run" or "shell" ? 125 : 1), result.ExitCode);
            Assert.Contains("is not UTF-8", result.Error, StringComparison.Ordinal);
        }
        // .NET cannot remove it
        site.Script("rm \"$2\"/a*", site.Scratch);
        Cli.Result right = site.Script("cp \"$3\" \"$2/ä\ufffd.sqfs\"; \"$1\" inspect \"$2/ä\ufffd.sqfs\"", site.Scratch, TinyImage.File);
        Assert.Equal((0, ""), (right.ExitCode, right.Error));
    }

    public static TheoryData<string> Users => Cli.Users;
}
