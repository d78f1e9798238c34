using System.Globalization;
using Slipway.Linux;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Scenarios;

/// <summary>A holder's life is told by its lock, whatever /proc shows of it; who meets one that goes tries again.</summary>
public sealed class HolderLifeTests
{
    /// <summary>Each user, with each hidepid that there is (0: all is shown).</summary>
    public static TheoryData<string, int> UsersAndHidePids
    {
        get
        {
            TheoryData<string, int> data = new();
            foreach (string user in Cli.OtherUser is { } other ? ["root", other] : new[] { Environment.UserName })
                for (int hide = 0; hide <= 2; hide++)
                    data.Add(user, hide);
            return data;
        }
    }

    static string[] Names(RunSite site) =>
        [.. Directory.GetFiles(site.Runtime, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    static void Sleep(RunSite site, string job, params string[] options)
    {
        int before = site.Pids("sleep").Count();
        site.StartRun([.. options, "--job", job, TinyImage.File, "--", "sleep", "100"]);
        RunSite.WaitUntil(() => site.Pids("sleep").Count() > before, $"a rank of {job} sleeps");
    }

    /// <summary>Its lock, its socket, its entry, and what it did.</summary>
    const int OfOneHolder = 4;

    static string UserNamespace(RunSite site, string job) =>
        site.Run("--job", job, TinyImage.File, "--", "readlink", "/proc/self/ns/user").Output;

    [LifeTheory]
    [MemberData(nameof(UsersAndHidePids))]
    public void AContainerThatStartsLeavesTheOthersTheirNames(string user, int hidePid)
    {
        using RunSite site = new(user) { HidePid = hidePid };
        Sleep(site, "a");
        string[] names = Names(site);
        Assert.Equal(OfOneHolder, names.Length);
        string first = UserNamespace(site, "a");
        // by the front, by the full launcher (--explain), with other options, and from a step that only passes by
        Sleep(site, "b");
        Assert.Equal(0, site.Run("--job", "c", "--explain", TinyImage.File, "--", "true").ExitCode);
        Assert.Equal(0, site.Run("--job", "a", "--writable-tmpfs", TinyImage.File, "--", "true").ExitCode);
        Assert.Equal(0, site.Run(TinyImage.File, "--", "true").ExitCode);
        Assert.Equal(names, Names(site).Intersect(names));
        Assert.Equal(first, UserNamespace(site, "a"));
        foreach (int rank in site.Pids("sleep").ToList())
            kill(rank, SIGKILL);
        site.AssertNothingLeft();
    }

    [LifeTheory]
    [MemberData(nameof(UsersAndHidePids))]
    public void WhatTheDeadLeftIsSweptAndNothingElse(string user, int hidePid)
    {
        using RunSite site = new(user) { HidePid = hidePid };
        Sleep(site, "killed");
        kill(site.Holder, SIGKILL);
        RunSite.WaitUntil(() => !site.Pids("slipway-holder").Any(), "the holder has gone");
        string[] dead = Names(site);
        Assert.Equal(OfOneHolder, dead.Length);
        Sleep(site, "a");
        Assert.Empty(Names(site).Intersect(dead));
        Assert.Equal(OfOneHolder, Names(site).Length);
        foreach (int rank in site.Pids("sleep").ToList())
            kill(rank, SIGKILL);
        site.AssertNothingLeft();
    }

    /// <summary>
    /// What others than Slipway may do to a holder's names, such as a cleaner of /tmp: the next rank gets another container, and the old
    /// one leaves that alone.
    /// </summary>
    [LifeTheory]
    [InlineData("*.lock"), InlineData("*.sock"), InlineData("*.entry"), InlineData("*")]
    public void ARobbedHolderLeavesItsSuccessorItsNames(string robbed)
    {
        using RunSite site = new(RunSite.Ordinary);
        Sleep(site, "k");
        int old = site.Holder, rank = site.Pids("sleep").Single();
        foreach (string name in Directory.GetFiles(site.Runtime, robbed, SearchOption.AllDirectories))
            File.Delete(name);
        if (robbed == "*.lock")
            // who comes is let in, since the socket is there: so let there be none
            File.Delete(Directory.GetFiles(site.Runtime, "*.sock", SearchOption.AllDirectories).Single());
        Sleep(site, "k");
        int next = site.Pids("slipway-holder").Single(p => p != old);
        string[] names = Names(site);
        Assert.Equal(OfOneHolder, names.Length);
        kill(rank, SIGKILL);
        // whom it welcomed before its entry was found missing it still counts
        if (robbed != "*.entry")
            RunSite.WaitUntil(() => site.Pids("slipway-holder").SequenceEqual([next]), "the old holder has gone");
        Assert.Equal(names, Names(site));
        Assert.Equal(0, site.Run("--job", "k", TinyImage.File, "--", "true").ExitCode);
        Assert.Contains(next, site.Pids("slipway-holder"));
        kill(site.Pids("sleep").Single(), SIGKILL);
        site.AssertNothingLeft();
    }

    /// <summary>
    /// Containers of several steps come and go, each for an instant: every start meets some that have just gone, or are about to.
    /// </summary>
    [LifeTheory]
    [InlineData(0, false), InlineData(1, false), InlineData(2, false), InlineData(0, true), InlineData(2, true)]
    public void RanksThatMeetHoldersThatGoTryAgain(int hidePid, bool full)
    {
        using RunSite site = new(RunSite.Ordinary) { HidePid = hidePid };
        if (full)
            File.WriteAllText(site.Scratch + "/config.yaml", "binds: []\n");
        // 16 at a time, over 8 keys
        Cli.Result result = site.Script("""
            [ -z "$3" ] || export SLIPWAY_CONFIG=$3
            work() {
                i=0
                while [ $i -lt 12 ]; do
                    "$1" run --job $((($2 + i) % 8)) "$3" -- true || echo failed
                    i=$((i+1)); [ $((i % 4)) = 0 ] && sleep 0.3
                done
            }
            p=0; while [ $p -lt 16 ]; do work "$1" $p "$2" & p=$((p+1)); done; wait
            """, TinyImage.File, full ? site.Scratch + "/config.yaml" : "");
        Assert.Equal((0, "", ""), (result.ExitCode, result.Output, result.Error));
        site.AssertNothingLeft();
    }

    [LifeTheory]
    [InlineData(0), InlineData(2)]
    public void AHolderThatIsKilledWhileItStartsIsReplaced(int hidePid)
    {
        using RunSite site = new(RunSite.Ordinary) { HidePid = hidePid };
        string image = TinyImage.Make(site.Scratch + "/slow.sqfs", root =>
        {
            Directory.CreateDirectory(root + "/.singularity.d/env");
            File.WriteAllText(root + "/.singularity.d/env/10-slow.sh", "sleep 1\n");
        });
        Cli.Running[] ranks = [.. Enumerable.Range(0, 4).Select(_ => site.StartRun("--job", "k", image, "--", "true"))];
        RunSite.WaitUntil(() => site.Pids("slipway-holder").Any(), "a holder is being started");
        kill(site.Pids("slipway-holder").First(), SIGKILL);
        Assert.All(ranks, r => Assert.Equal(0, r.Wait(60).ExitCode));
        site.AssertNothingLeft();
    }

    /// <summary>
    /// Root's process starts the ranks of a user, as a batch system's does: where /proc hides it, they still meet, and those of another
    /// parent do not.
    /// </summary>
    [NeedsTheory(Needs.Launcher, Needs.Fuse, Needs.OtherUser, "busybox", "mksquashfs", "squashfuse_ll")]
    [InlineData(0), InlineData(1), InlineData(2)]
    public void RanksOfAParentThatIsHiddenShareAContainer(int hidePid)
    {
        using RunSite site = new(Cli.OtherUser!);
        // a parent of its own for each pair of ranks
        string Step() => Cli.Start("root", ["unshare", "--mount", "sh", "-c", $$"""
            mount -t proc -o hidepid={{hidePid}} proc /proc
            cd /tmp
            rank() {
                exec setpriv --reuid {{site.User}} --regid {{site.User}} --clear-groups \
                    env XDG_RUNTIME_DIR={{site.Runtime}} HOME=/home/{{site.User}} \
                    {{Cli.Program}} run {{TinyImage.File}} -- sh -c "readlink /proc/self/ns/user; sleep 1"
            }
            rank & rank & wait
            """]).Wait(60).Output;
        string[] one = Step().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[] two = Step().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal((2, 2), (one.Length, two.Length));
        Assert.Single(one.Distinct());
        Assert.Single(two.Distinct());
        site.AssertNothingLeft();
    }

    /// <summary>An image whose script does something to its holder.</summary>
    static string Scripted(RunSite site, string script) => TinyImage.Make($"{site.Scratch}/{Guid.NewGuid():n}.sqfs", root =>
    {
        Directory.CreateDirectory(root + "/.singularity.d/env");
        File.WriteAllText(root + "/.singularity.d/env/10-script.sh", script);
    });

    [RunFact]
    public void AScriptThatDoesNotEndIsWaitedForOnce()
    {
        using RunSite site = new(RunSite.Ordinary);
        string[] images = [.. new[] { "while :; do :; done\n", "sleep 1000\n", "cat /dev/zero >/dev/null\n" }.Select(
            script => Scripted(site, script))];
        long start = Environment.TickCount64;
        foreach (Cli.Running rank in images.Select(image => site.StartRun("--job", "k", image, "--", "true")).ToList())
        {
            Cli.Result result = rank.Wait(60);
            Assert.Equal(125, result.ExitCode);
            Assert.Contains("do not end within 10 s", result.Error, StringComparison.Ordinal);
        }
        Assert.InRange(Environment.TickCount64 - start, 9_000, 17_000);
        site.AssertNothingLeft();
    }

    [NeedsTheory(Needs.Launcher, Needs.Fuse, Needs.Long, "busybox", "mksquashfs", "squashfuse_ll")]
    [InlineData(false), InlineData(true)]
    public void AScriptThatStopsItsHolderIsNamedInTime(bool full)
    {
        using RunSite site = new(RunSite.Ordinary);
        string image = Scripted(site, "kill -STOP $PPID\n");
        File.WriteAllText(site.Scratch + "/config.yaml", "binds: []\n");
        Dictionary<string, string> environment = full ? new() { ["SLIPWAY_CONFIG"] = site.Scratch + "/config.yaml" } : [];
        // one starts it, and the others wait for it
        Cli.Running[] ranks = [.. Enumerable.Range(0, 3)
            .Select(_ => site.Start([Cli.Program, "run", "--job", "k", image, "--", "true"], environment))];
        foreach (Cli.Running rank in ranks)
        {
            Cli.Result result = rank.Wait(80);
            Assert.Equal(125, result.ExitCode);
            Assert.Contains("stopped", result.Error, StringComparison.Ordinal);
        }
        RunSite.WaitUntil(() => !site.Processes().Any(), "no stopped holder stays");
    }

    [NeedsTheory(Needs.Launcher, Needs.Fuse, Needs.Long, "busybox", "mksquashfs", "squashfuse_ll")]
    [InlineData(false), InlineData(true)]
    public void AStoppedHolderIsNamedInTime(bool explain)
    {
        using RunSite site = new(RunSite.Ordinary);
        Sleep(site, "k");
        int holder = site.Holder;
        kill(holder, 19 /* SIGSTOP */);
        Cli.Result result = site.StartRun(explain ? ["--explain", "--job", "k", TinyImage.File, "--", "true"]
            : ["--job", "k", TinyImage.File, "--", "true"]).Wait(60);
        Assert.Equal(125, result.ExitCode);
        Assert.Contains("-CONT", result.Error, StringComparison.Ordinal);
        kill(holder, 18 /* SIGCONT */);
        Assert.Equal(0, site.Run("--job", "k", TinyImage.File, "--", "true").ExitCode);
    }

    /// <summary>A file system without locks: flock(2) says ENOLCK, or that there is no such thing.</summary>
    [NeedsTheory(Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll", "strace")]
    [InlineData("ENOLCK", 37), InlineData("ENOSYS", 38), InlineData("EOPNOTSUPP", 95)]
    public void ALockThatCannotBeHadIsAnError(string error, int number)
    {
        using RunSite site = new(Environment.UserName);
        foreach (string[] command in new string[][] { ["run", "--job", "k", TinyImage.File, "--", "true"],
            ["publish", TinyImage.Make(site.Scratch + $"/{error}.sqfs", r => File.WriteAllText(r + "/x", error + Guid.NewGuid()))] })
        {
            Cli.Result result = site.Start(
                ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=flock", "-e", $"inject=flock:error={error}", Cli.Program,
                    .. command]).Wait(60);
            Assert.Equal(command[0] == "run" ? 125 : 1, result.ExitCode);
            Assert.Contains($"cannot be locked (flock: errno {number})", result.Error, StringComparison.Ordinal);
        }
    }

    /// <summary>A command line is everybody's to read where /proc shows it, as long as its process lives (proc(5)).</summary>
    [LifeTheory]
    [InlineData(false), InlineData(true)]
    public void SecretsAreInNoCommandLine(bool full)
    {
        using RunSite site = new(RunSite.Ordinary);
        File.WriteAllText(site.Scratch + "/config.yaml", "binds: []\n");
        Dictionary<string, string> environment = new() { ["INHERITED"] = "s3cret-inherited" };
        if (full)
            environment["SLIPWAY_CONFIG"] = site.Scratch + "/config.yaml";
        Cli.Running rank = site.Start(
            [Cli.Program, "run", "--job", "k", "--env", "TOKEN=s3cret-value", "--env=OTHER=s3cret-other", "--env", "INHERITED",
                TinyImage.File, "--",
            "sh", "-c", "echo $TOKEN $OTHER $INHERITED; sleep 3; : s3cret-argument", "s3cret-word"], environment);
        RunSite.WaitUntil(() => site.Pids("sleep").Any()
            || site.Pids("sh").Any(p => File.ReadAllText($"/proc/{p}/cmdline").StartsWith("sh\0", StringComparison.Ordinal)),
            "the rank runs");
        string holder = File.ReadAllText($"/proc/{site.Holder}/cmdline");
        Assert.Contains("holder", holder, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", holder, StringComparison.Ordinal);
        foreach (int server in site.Pids("squashfuse_ll"))
            Assert.DoesNotContain("s3cret", File.ReadAllText($"/proc/{server}/cmdline"), StringComparison.Ordinal);
        Assert.Equal("s3cret-value s3cret-other s3cret-inherited\n", rank.Wait(60).Output);
        site.AssertNothingLeft();
    }

    [LifeTheory]
    [InlineData(false), InlineData(true)]
    public void AVariableIsTakenFromTheCallersEnvironment(bool full)
    {
        using RunSite site = new(RunSite.Ordinary);
        string image = TinyImage.Make(site.Scratch + "/env.sqfs", root =>
        {
            Directory.CreateDirectory(root + "/ch");
            File.WriteAllText(root + "/ch/environment", "OF_IMAGE=image\n");
        });
        Cli.Result Run(params string[] options) =>
            site.Start([Cli.Program, "run", "--job", "k", .. full ? (string[])["--explain"] : [], .. options, image, "--", "env"],
            new Dictionary<string, string> { ["OF_IMAGE"] = "a=b c", ["LOCPATH"] = "/kept", ["EMPTY"] = "" }).Wait(60);
        Assert.Contains("OF_IMAGE=image\n", Run().Output, StringComparison.Ordinal);
        string output = Run("--env", "OF_IMAGE", "--env=LOCPATH", "--env", "EMPTY").Output;
        Assert.Contains("OF_IMAGE=a=b c\n", output, StringComparison.Ordinal);
        Assert.Contains("LOCPATH=/kept\n", output, StringComparison.Ordinal);
        Assert.Contains("EMPTY=\n", output, StringComparison.Ordinal);
        // the last one counts
        Assert.Contains("OF_IMAGE=2\n", Run("--env", "OF_IMAGE", "--env", "OF_IMAGE=2").Output, StringComparison.Ordinal);
        foreach ((string bad, string says) in new[] { ("NOT_SET", "NOT_SET is not set here"), ("", "write NAME=VALUE"),
            ("=x", "write NAME=VALUE") })
        {
            Cli.Result result = Run("--env", bad);
            Assert.Equal(125, result.ExitCode);
            Assert.Contains(says, result.Error, StringComparison.Ordinal);
        }
    }

    /// <summary>
    /// Without the front, nsenter(1) of the host joins the container: what the image wants preloaded is for its own programs.
    /// </summary>
    [NeedsTheory(Needs.Front, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll", "nsenter")]
    [InlineData("LD_DEBUG=all", "LD_DEBUG_OUTPUT={0}/debug"), InlineData("LD_PRELOAD={0}/absent.so", "GCONV_PATH={0}"),
        InlineData("LD_BIND_NOW=1", "LD_TRACE_LOADED_OBJECTS=1"), InlineData("MALLOC_TRACE={0}/trace", "PLAIN=x y")]
    public void VariablesOfTheImageAreNotTheHosts(string first, string second)
    {
        using RunSite site = new(RunSite.Ordinary);
        string alone = Path.Combine(site.Scratch, "alone"), marks = site.Scratch + "/marks";
        Directory.CreateDirectory(alone);
        Directory.CreateDirectory(marks);
        Assert.Equal(0, HostProgram.Run("chmod", ["777", marks]));
        File.Copy(Cli.Program + "-full", alone + "/slipway");
        first = string.Format(CultureInfo.InvariantCulture, first, marks);
        second = string.Format(CultureInfo.InvariantCulture, second, marks);
        string image = TinyImage.Make(site.Scratch + "/preload.sqfs", root =>
        {
            Directory.CreateDirectory(root + "/ch");
            File.WriteAllText(root + "/ch/environment", first + "\n" + second + "\n");
        });
        Cli.Result result = site.Start([alone + "/slipway", "run", "--job", "k", image, "--", "env"]).Wait(60);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains(first + "\n", result.Output, StringComparison.Ordinal);
        Assert.Contains(second + "\n", result.Output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(marks));
        Assert.Equal(3, site.Start([alone + "/slipway", "run", "--job", "k", image, "--", "sh", "-c", "exit \"$1\"", "sh", "3"])
            .Wait(60).ExitCode);
    }

    /// <summary>The user's home is seen, whatever the image has in its place.</summary>
    [LifeTheory]
    [InlineData("tmp"), InlineData("dev"), InlineData("proc"), InlineData("sys"), InlineData("/tmp"), InlineData("../tmp/."),
        InlineData("dev/shm"), InlineData("var/home")]
    public void AHomeThatIsALink(string target)
    {
        using RunSite site = new(RunSite.Ordinary);
        if (site.User == "root")
            return;
        string image = TinyImage.Make(site.Scratch + "/home.sqfs", root =>
        {
            Directory.Delete(root + "/home");
            File.CreateSymbolicLink(root + "/home", target);
            Directory.CreateDirectory(root + "/var/home");
        });
        Cli.Result result = site.Run("--job", "k", "--bind", site.Scratch + ":/home/data", image, "--", "sh", "-c",
            "test . -ef ~ && echo home; ls /home/data/home.sqfs; touch ~/.slipway-life && echo written");
        string home = "/home/" + site.User;
        Assert.Equal((0, "home\n/home/data/home.sqfs\nwritten\n", ""), (result.ExitCode, result.Output, result.Error));
        File.Delete(home + "/.slipway-life");
        site.AssertNothingLeft();
    }
}

/// <summary>What comes of it all under load.</summary>
public sealed class LoadTests
{
    [NeedsTheory(Needs.Launcher, Needs.Fuse, Needs.Root, Needs.Long, "busybox", "mksquashfs", "squashfuse_ll", "setpriv")]
    [InlineData(2, 180), InlineData(0, 30)]
    public void FiveUsersWithFiftyRunsAtATime(int hidePid, int seconds)
    {
        Cli.Result result = Cli.Start(
            "root", [Path.Combine(Cli.Repository, "Tests/Load/load.sh"), Cli.Program, seconds.ToString(CultureInfo.InvariantCulture), "50",
                "5", hidePid.ToString(CultureInfo.InvariantCulture)]).Wait(seconds + 180);
        Assert.True(result.ExitCode == 0, result.ToString());
    }
}

[AttributeUsage(AttributeTargets.Method)]
sealed class LifeTheoryAttribute : TheoryAttribute
{
    public LifeTheoryAttribute() => Skip = Needs.Missing([.. TinyImage.Takes, Needs.Root]);
}
