using System.Text;
using Slipway.Staging.Messages;

namespace Slipway.Tests.Staging;

/// <summary>What nodes say: each kind comes as it was said; what nobody can read becomes an error of the node that said it.</summary>
public sealed class ReplyLinesTests
{
    static readonly string Digest = "sha256:" + new string('a', 64);

    static readonly Placement Placed = new()
    {
        Node = "n1", Path = "/c/x", Digest = Digest, Bytes = 5, Seconds = 1.5, Transport = Transport.Sbcast, Hit = false,
        Launcher = "/l/slipway",
    };

    static ImageCacheEntry Entry(int number) => new()
    {
        Node = "n1", Digest = Digest, Path = $"/cache/{number}/ünïcode", Size = number, Published = DateTimeOffset.UnixEpoch,
        LastUsed = DateTimeOffset.UnixEpoch,
        Pinned = true, UsedBy = ["holder 7"], Valid = true, Sources = ["/shared/x.sqfs"],
    };

    static readonly NodeReply[] All =
    [
        new NodeReply.Waits(), new NodeReply.Listens("10.0.0.1", 4711), new NodeReply.Holds("/c/.p", "7.0"),
        new NodeReply.Holds("/c/.p", null), new NodeReply.At(7),
        new NodeReply.NeedsStream(9), new NodeReply.LacksProgram(), new NodeReply.LacksImage(), new NodeReply.Done(Placed),
        new NodeReply.Entries([.. Enumerable.Range(0, 50).Select(Entry)]),
        new NodeReply.Failed(new NodeError("CacheUnsafe", ErrorKind.SecurityError, "why", "what to do")),
    ];

    static (string? Node, NodeReply? Reply) Take(ReplyLines lines, string line)
    {
        Assert.True(lines.TryTake(line, out string? node, out NodeReply? reply));
        return (node, reply);
    }

    static string Text(NodeReply reply) => string.Join('\n', ReplyLines.Of(reply, "n"));

    [Fact]
    public void EachKindComesAsItWasSaid()
    {
        Assert.Equal(Messages.Arms<NodeReply>(), Messages.Types(All));
        ReplyLines lines = new(["n1", "n2"]);
        foreach (NodeReply reply in All)
        {
            (string? Node, NodeReply? Reply)[] got = [.. ReplyLines.Of(reply, "n2").Select(l => Take(lines, l))];
            Assert.All(got[..^1], g => Assert.Equal((null, null), g));
            Assert.Equal("n2", got[^1].Node);
            Assert.Equal(reply.GetType(), got[^1].Reply!.GetType());
            Assert.Equal(Text(reply), Text(got[^1].Reply!));
        }
    }

    /// <summary>srun has whole lines of up to 1024 bytes whole.</summary>
    [Fact]
    public void ALongReplyGoesInShortLinesWhateverIsBetween()
    {
        string name = new('n', 253);
        ReplyLines lines = new([name, "other"]);
        string[] long1 = [.. ReplyLines.Of(All.OfType<NodeReply.Entries>().First(), name)],
            long2 = [.. ReplyLines.Of(All.OfType<NodeReply.Entries>().First(), "other")];
        Assert.InRange(long1.Length, 5, 1000);
        Assert.All(long1, l => Assert.InRange(Encoding.UTF8.GetByteCount(l), 1, ReplyLines.LongestLine));
        List<string?> done = [];
        foreach ((string one, string two) in long1.Zip(long2))
        {
            done.Add(Take(lines, one).Node);
            Assert.False(lines.TryTake("a greeting of the node's shell", out _, out _));
            done.Add(Take(lines, two).Node);
        }
        Assert.Equal([name, "other"], done.OfType<string>());
    }

    [Fact]
    public void ANodeSpeaksForItselfAlone()
    {
        string line = ReplyLines.Of(new NodeReply.LacksImage(), "stranger").Single();
        Assert.False(new ReplyLines(["n1", "n2"]).TryTake(line, out _, out _));
        // by whatever name it goes itself
        Assert.Equal("n1", Take(new ReplyLines(["n1"]), line).Node);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("7")]
    [InlineData("{\"kind\":\"do")]
    [InlineData("""{"kind":"pwned"}""")]
    [InlineData("""{"kind":null}""")]
    [InlineData("""{"kind":"failed"}""")]
    [InlineData("""{"kind":"failed","error":null}""")]
    [InlineData("""{"kind":"failed","error":{"id":"X","kind":"NoKind","message":"m"}}""")]
    [InlineData("""{"kind":"failed","error":{"id":"X","kind":"ReadError","message":null}}""")]
    [InlineData("""{"kind":"done","placement":{"node":"n1"}}""")]
    [InlineData("""{"kind":"entries","all":null}""")]
    [InlineData("""{"kind":"entries","all":[null]}""")]
    [InlineData("""{"kind":"listens","address":null,"port":1}""")]
    [InlineData("""{"kind":"listens","address":"a","port":"many"}""")]
    public void WhatNobodyCanReadIsAnErrorOfItsNode(string json)
    {
        (string? node, NodeReply? reply) = Take(new ReplyLines(["n1", "n2"]), $"{ReplyLines.Mark}n2 ={json}");
        Assert.Equal("n2", node);
        NodeError error = Assert.IsType<NodeReply.Failed>(reply).Error;
        Assert.Equal(("NodeUnreachable", ErrorKind.ConnectionError), (error.Id, error.Kind));
        Assert.Equal($"n2: its answer cannot be read: {json}", StagingErrors.OfNode("n2", error).Message);
    }

    [Theory]
    [InlineData("hello")]
    [InlineData("slipway-stage")]
    [InlineData("slipway-stage n1")]
    [InlineData("slipway-stage n1 ")]
    [InlineData("slipway-stage n1 ?{}")]
    [InlineData(" slipway-stage n1 ={}")]
    public void OtherLinesAreNone(string line) => Assert.False(new ReplyLines(["n1"]).TryTake(line, out _, out _));

    [Fact]
    public void OfALongLineTheBeginningIsRead()
    {
        using StringReader from = new($"short\r\n\n{new string('x', 5_000_000)}\nafter\nlast");
        Assert.Equal(["short", "", new string('x', ReplyLines.LongestLine), "after", "last", null],
            Enumerable.Range(0, 6).Select(_ => ReplyLines.ReadLine(from)));
    }

    /// <summary>A gigabyte without an end, and then one.</summary>
    sealed class Endless : TextReader
    {
        long left = 1L << 30;

        public override int Read() => left-- > 0 ? 'x' : left == -1 ? '\n' : -1;
    }

    [Fact]
    public void ALineOfAnyLengthTakesNoMemory()
    {
        using Endless from = new();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(ReplyLines.LongestLine, ReplyLines.ReadLine(from)!.Length);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        Assert.Null(ReplyLines.ReadLine(from));
    }

    /// <summary>The script that starts our program writes two kinds by itself.</summary>
    [Fact]
    public void WhatTheScriptSaysIsAReply()
    {
        string script = Slipway.Staging.Controller.ProgramBundle.ScriptText;
        Assert.Contains("={\\\"kind\\\":\\\"$1\\\"$2}", script, StringComparison.Ordinal);
        (_, NodeReply? lacks) = Take(new ReplyLines(["n1"]), """slipway-stage - ={"kind":"lacks-program"}""");
        Assert.IsType<NodeReply.LacksProgram>(lacks);
        string name = Guid.NewGuid().ToString("n");
        Cli.Result result = Cli.Start(Environment.UserName, ["sh", "-c", script, "slipway", name, "-", "-", "request"]).Wait();
        Assert.Equal(97, result.ExitCode);
        (_, NodeReply? reply) = Take(new ReplyLines(["n1"]), result.Output.TrimEnd('\n'));
        Assert.IsType<NodeReply.LacksProgram>(reply);
        // it gets nothing of the file that it is to read
        result = Cli.Start(Environment.UserName,
            ["sh", "-c", $"sh -c \"$@\" </dev/null", "sh", script, "slipway", name, "-", "-", "request", "slipway", "10",
            new string('0', 64)]).Wait();
        (_, reply) = Take(new ReplyLines(["n1"]), result.Output.TrimEnd('\n'));
        Assert.Equal(new NodeError("LauncherNotBrought", ErrorKind.WriteError, "slipway did not arrive whole"),
            Assert.IsType<NodeReply.Failed>(reply).Error);
    }
}
