using Slipway.Linux;
using Slipway.Running;

namespace Slipway.Tests.Running;

public sealed class RunExplanationTests
{
    static readonly HolderArguments Start = new()
    {
        Files = new HolderFiles("/x", "0123"), Key = "k", Image = "/i.sqfs", Content = "8:1:2",
        Rung = "squashfuse", Reasons = ["prolog: no", "squashfuse: yes"], Options = ["/i.sqfs"],
    };

    static string Told(
        HolderArguments? start = null, FabricPlan? plan = null, string[]? options = null, string[]? leftOut = null,
        HostBind[]? binds = null, IEnumerable<string>? environment = null) =>
        RunExplanation.OfHolder(start ?? Start, RunRequest.Parse([.. options ?? [], "/i.sqfs"]), plan, leftOut ?? [],
            binds ?? [], environment ?? []);

    [Fact]
    public void EachFactHasALine()
    {
        HostBind[] binds = [new("/dev", "/dev", false, true, "always"), new("/a", "/b", true, false, "--bind")];
        Assert.Equal("""
            image      /i.sqfs (not in this node's cache; 8:1:2)
            mount      prolog: no
            mount      squashfuse: yes
            root       read-only
            fabric     no plan; it is another's
            bind       /dev (always)
            bind       /a at /b, read-only (--bind)
            set        A=1 (the image, or the fabric plan)

            """, Told(leftOut: ["it is another's"], binds: binds, environment: ["A=1"]));
    }

    [Fact]
    public void ACachedImageIsNamedByItsDigest()
    {
        string digest = "sha256:" + new string('a', 64);
        Assert.StartsWith($"image      /i.sqfs ({digest})\n", Told(Start with { Content = digest }), StringComparison.Ordinal);
    }

    [Fact]
    public void APlanAndAWritableRootAreTold()
    {
        string told = Told(plan: new FabricPlan { Verdict = FabricRung.Provider, Reason = "it fits" }, options: ["--writable-tmpfs"]);
        Assert.Contains("fabric     Provider: it fits\n", told, StringComparison.Ordinal);
        Assert.Contains("root       changes are kept in memory", told, StringComparison.Ordinal);
    }

    [Fact]
    public void NothingInItMovesACursorOrBeginsALine()
    {
        string told = Told(environment: ["A=\x1b[2J\nmount      by nobody"]);
        Assert.Contains("set        A=\\x1b[2J\\nmount      by nobody (", told, StringComparison.Ordinal);
    }

    [Fact]
    public void ItIsNeverTooLargeToBeRead()
    {
        string told = Told(environment: Enumerable.Repeat("A=" + new string('é', 10_000), 200));
        Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(told), OpenedFile.Small - 30_000, OpenedFile.Small);
        Assert.EndsWith("\n…\n", told, StringComparison.Ordinal);
    }

    static string[] OfRank(HolderFiles files, params string[] options)
    {
        RunRequest request = RunRequest.Parse([.. options, "/i.sqfs", "--", "lmp", "-in", "x"]);
        return [.. RunExplanation.OfRank(files, new HolderEntry { Key = "k", Pid = 4711 },
            started: true, new RankKey("v", "job=k", "--job"), request)];
    }

    [Fact]
    public void ARankAddsWhatItAloneKnows()
    {
        using TemporaryDirectory directory = new();
        HolderFiles files = new(directory.Path, "0123");
        directory.Write("0123.explain", Told());
        string[] lines = OfRank(files, "--env", "A=B");
        Assert.Equal(Told().TrimEnd('\n'), string.Join('\n', lines[..5]));
        Assert.Equal(["step key   job=k (from --job)", "holder     process 4711, started by this rank", "set        A=B (--env)"],
            lines[5..8]);
        Assert.Equal(["directory  /", "command    lmp -in x"], lines[^2..]);
    }

    [Fact]
    public void AFileThatHasGoneIsSaid()
    {
        using TemporaryDirectory directory = new();
        Assert.StartsWith("container  ", OfRank(new HolderFiles(directory.Path, "0123"))[0], StringComparison.Ordinal);
    }
}
