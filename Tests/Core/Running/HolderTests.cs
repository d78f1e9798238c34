using System.Globalization;
using Slipway.Linux;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Running;

/// <summary>One holder for all ranks of a step, whatever order they come and go in, and whatever is killed.</summary>
public sealed class HolderTests
{
    const int Ranks = 200;

    /// <summary>Starts N ranks at once and prints how many failed.</summary>
    const string Storm = """
        i=0; pids=
        while [ $i -lt $3 ]; do "$1" run --job "$4" "$2" -- true & pids="$pids $!"; i=$((i+1)); done
        bad=0; for p in $pids; do wait $p || bad=$((bad+1)); done; echo $bad
        """;

    static void RunStorms(int rounds)
    {
        using RunSite site = new(RunSite.Ordinary);
        for (int round = 0; round < rounds; round++)
        {
            // every third round meets the holder of the one before, which is about to go
            Cli.Result result = site.Script(Storm, TinyImage.File, Ranks.ToString(CultureInfo.InvariantCulture),
                "storm" + (round / 3).ToString(CultureInfo.InvariantCulture));
            Assert.True(result.Output == "0\n", $"round {round}: {result.Output.Trim()} of {Ranks} ranks failed: {result.Error}");
        }
        site.AssertNothingLeft();
    }

    [RunFact]
    public void TwoHundredRanksAtOnceTwentyTimes() => RunStorms(20);

    [LongRunFact]
    public void TwoHundredRanksAtOnceAHundredTimes() => RunStorms(100);

    [RunFact]
    public void RanksThatComeAsTheHolderGoesAreLetInOrStartAnother()
    {
        using RunSite site = new(RunSite.Ordinary);
        // the holder waits 300 ms for the next rank: these come just before, just then, and just after
        Cli.Result result = site.Script("""
            bad=0
            for pause in 0.25 0.28 0.29 0.295 0.30 0.301 0.302 0.303 0.304 0.305 0.31 0.32 0.35; do
                "$1" run --job same "$2" -- true || bad=$((bad+1)); sleep $pause
            done; echo $bad
            """, TinyImage.File);
        Assert.Equal(("0\n", ""), (result.Output, result.Error));
        site.AssertNothingLeft();
    }

    static Cli.Running[] Sleepers(RunSite site, int n)
    {
        Cli.Running[] ranks = [.. Enumerable.Range(0, n).Select(_ => site.StartRun("--job", "k", TinyImage.File, "--", "sleep", "100"))];
        RunSite.WaitUntil(() => site.Pids("sleep").Count() == n, $"{n} ranks sleep");
        return ranks;
    }

    [RunFact]
    public void KilledRanksAreCounted()
    {
        using RunSite site = new(RunSite.Ordinary);
        Sleepers(site, 10);
        int holder = site.Holder;
        int[] ranks = [.. site.Pids("sleep").Order()];
        // the first one, which started the holder
        kill(ranks[0], SIGKILL);
        Assert.Equal(0, site.Run("--job", "k", TinyImage.File, "--", "true").ExitCode);
        Assert.Equal(holder, site.Holder);
        // half of the others
        foreach (int rank in ranks[1..5])
            kill(rank, SIGKILL);
        RunSite.WaitUntil(() => site.Pids("sleep").Count() == 5, "five are left");
        Assert.Equal(0, site.Run("--job", "k", TinyImage.File, "--", "ls", "/bin/busybox").ExitCode);
        Assert.Equal(holder, site.Holder);
        foreach (int rank in ranks[5..])
            kill(rank, SIGKILL);
        site.AssertNothingLeft();
    }

    [RunFact]
    public void AKilledHolderIsReplacedAndItsRanksGoOn()
    {
        using RunSite site = new(RunSite.Ordinary);
        Cli.Running rank = site.Start(
            ["/bin/sh", "-c", "exec \"$0\" run --job k \"$1\" -- sh -c 'echo in; until [ -e \"$0\" ]; do sleep 0.05; done; "
                + "cat /etc/passwd >/dev/null && ls /bin/busybox; grep \" - overlay \" /proc/self/mountinfo' \"$2\"", Cli.Program,
                TinyImage.File, site.Scratch + "/go"]);
        RunSite.WaitUntil(() => site.Pids("sh").Any() && site.Pids("slipway-holder").Any(), "the rank runs");
        int holder = site.Holder;
        kill(holder, SIGKILL);
        RunSite.WaitUntil(() => !site.Pids("slipway-holder").Any(), "the holder has gone");
        Assert.Equal(0, site.Run("--job", "k", TinyImage.File, "--", "true").ExitCode);
        File.WriteAllText(site.Scratch + "/go", "");
        Cli.Result result = rank.Wait(30);
        Assert.Equal(0, result.ExitCode);
        Assert.StartsWith("in\n/bin/busybox\n", result.Output, StringComparison.Ordinal);
        // whose container it is can be read in it
        Assert.Contains($"slipway-holder.{holder}", result.Output, StringComparison.Ordinal);
        // the killed one's FUSE server goes with its last rank, and its names with the next holder
        site.AssertNothingLeft();
    }

    [NeedsFact(Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll")]
    public void AKilledFuseServerIsNoticed()
    {
        using RunSite site = new(RunSite.Ordinary);
        if (site.User == "root")
            return; // root's containers have none
        Sleepers(site, 2);
        int holder = site.Holder, server = Assert.Single(site.Pids("squashfuse_ll"));
        kill(server, SIGKILL);
        // the next rank gets a container of its own; the ranks of the broken one are still counted
        RunSite.WaitUntil(() => !Directory.EnumerateFiles(site.Runtime, "*.entry", SearchOption.AllDirectories).Any(),
            "the broken container's names have gone");
        Cli.Result next = site.Run("--job", "k", TinyImage.File, "--", "ls", "/bin/busybox");
        Assert.Equal((0, ""), (next.ExitCode, next.Error));
        Assert.Contains(holder, site.Pids("slipway-holder"));
        foreach (int rank in site.Pids("sleep"))
            kill(rank, SIGKILL);
        site.AssertNothingLeft();
    }

    [RunFact]
    public void WhatDeadHoldersLeftIsSwept()
    {
        using RunSite site = new(RunSite.Ordinary);
        Assert.Equal(
            0, site.Script("mkdir -m 700 \"$XDG_RUNTIME_DIR/slipway\" && cd \"$XDG_RUNTIME_DIR/slipway\" && touch 0123.sock 0123.lock "
                + "4567.lock 89ab.entry cdef.entry.new").ExitCode);
        Assert.Equal(0, site.Run(TinyImage.File, "--", "true").ExitCode);
        site.AssertNothingLeft();
    }

    /// <summary>While a step runs, its site may get another version.</summary>
    [RunFact]
    public void WhatAnotherVersionHasIsLeftAlone()
    {
        using RunSite site = new(RunSite.Ordinary);
        Assert.Equal(
            0, site.Script("mkdir -m 700 \"$XDG_RUNTIME_DIR/slipway\" && cd \"$XDG_RUNTIME_DIR/slipway\" && touch 0123.sock 0123.lock && "
                + "printf 'vslipway-holder 1\\0kk\\0' >0123.entry").ExitCode);
        Assert.Equal(0, site.Run(TinyImage.File, "--", "true").ExitCode);
        RunSite.WaitUntil(() => !site.Pids("slipway-holder").Any(), "our holder has gone");
        Assert.Equal(["0123.entry", "0123.lock", "0123.sock"], Directory.GetFiles(site.Runtime + "/slipway").Select(Path.GetFileName)
            .Order(StringComparer.Ordinal));
    }

    [RunFact]
    public void StepsAndOptionsDoNotShare()
    {
        using RunSite site = new(RunSite.Ordinary);
        string[][] options = [["--job", "a"], ["--job", "b"], ["--job", "a", "--writable-tmpfs"],
            ["--job", "a", "--bind", site.Scratch + ":/mnt"]];
        // all at the same time: the number of a namespace that has gone may be used again
        Cli.Running[] running = [.. options.Select(o => site.StartRun([.. o, TinyImage.File, "--", "sleep", "100"]))];
        RunSite.WaitUntil(() => site.Pids("sleep").Count() == running.Length, "all sleep");
        string[] containers = [.. site.Pids("sleep").Select(pid => HostProgram.Read("readlink", $"/proc/{pid}/ns/mnt")!)];
        Assert.Equal(options.Length, containers.Distinct().Count());
        Assert.All(containers, c => Assert.StartsWith("mnt:[", c, StringComparison.Ordinal));
        foreach (int rank in site.Pids("sleep").ToList())
            kill(rank, SIGKILL);
        site.AssertNothingLeft();
    }

    [RunFact]
    public void TheHolderIsSmall()
    {
        using RunSite site = new(RunSite.Ordinary);
        Sleepers(site, 1);
        string rss = File.ReadLines($"/proc/{site.Holder}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        Assert.InRange(int.Parse(rss.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture), 1, 20_000);
    }
}

[AttributeUsage(AttributeTargets.Method)]
sealed class LongRunFactAttribute : FactAttribute
{
    public LongRunFactAttribute() => Skip = Needs.Missing([.. TinyImage.Takes, Needs.Long]);
}
