using System.Collections.Concurrent;
using Slipway.Linux;
using Slipway.Staging.Controller;
using Slipway.Staging.Messages;

namespace Slipway.Tests.Staging;

/// <summary>What a program says that should have started ours on a node: a script of the test in its place.</summary>
public sealed class NodeSessionTests : IDisposable
{
    readonly TemporaryDirectory directory = new();

    public NodeSessionTests() => SlipwayProgram.Path = Cli.Program;

    public void Dispose() => directory.Dispose();

    NodeStarter Starter(string script, bool grouped = false, bool silent = false)
    {
        // a test that asks twice writes it anew, which not only root may do
        string program = directory.Write("starter", System.Text.Encoding.UTF8.GetBytes("#!/bin/sh\n" + script), executable: true);
        return new NodeStarter("starter", program, false, grouped, silent, ["{node}"]);
    }

    static NodeReply.Answer Ask(NodeStarter starter, string node = "n1") =>
        NodeCall.Ask(starter, [node], new NodeRequest.Probe(NodeRequestTests.Image), 4)[node];

    static string Says(NodeReply reply, string node = "n1") => $"echo '{ReplyLines.Of(reply, node).Single()}'\n";

    [NeedsFact(Needs.Launcher)]
    public void TheFirstAnswerCounts()
    {
        string script = "echo welcome\n" + Says(new NodeReply.Waits()) + Says(new NodeReply.At(1)) + Says(new NodeReply.LacksImage())
            + Says(new NodeReply.LacksProgram());
        Assert.IsType<NodeReply.LacksImage>(Ask(Starter(script)));
    }

    /// <summary>On standard output or standard error; that it takes no memory, ReplyLinesTests tell.</summary>
    [NeedsTheory(Needs.Launcher), InlineData(1), InlineData(2)]
    public void ALineOfAnyLengthIsNoAnswerAndHoldsUpNone(int stream)
    {
        string script = $"head -c 100M /dev/zero | tr '\\0' x >&{stream}; echo >&{stream}\n";
        Assert.IsType<NodeReply.LacksImage>(Ask(Starter(script + Says(new NodeReply.LacksImage()))));
        NodeReply.Failed failed = Assert.IsType<NodeReply.Failed>(Ask(Starter(script)));
        Assert.InRange(failed.Error.Message.Length, 1000, 1100);
    }

    [NeedsTheory(Needs.Launcher)]
    [InlineData("""{"kind":"unheard-of"}""")]
    [InlineData("""{"kind":"done","placement":null}""")]
    [InlineData("no JSON")]
    public void ABrokenAnswerIsAnErrorThatNamesTheNode(string json)
    {
        NodeReply.Failed failed = Assert.IsType<NodeReply.Failed>(Ask(Starter($"echo '{ReplyLines.Mark}n1 ={json}'; sleep 30")));
        SlipwayException error = StagingErrors.OfNode("n1", failed.Error);
        Assert.Equal(("NodeUnreachable", $"n1: its answer cannot be read: {json}", "n1"), (error.Id, error.Message, error.Target));
    }

    [NeedsFact(Needs.Launcher)]
    public void AnAnswerLineThatIsTooLongIsBroken()
    {
        string script = $"printf '%s' '{ReplyLines.Mark}n1 ={{'; head -c 3000 /dev/zero | tr '\\0' x; echo '}}'; sleep 30";
        NodeReply.Failed failed = Assert.IsType<NodeReply.Failed>(Ask(Starter(script)));
        Assert.StartsWith("its answer cannot be read: {xxx", failed.Error.Message, StringComparison.Ordinal);
        Assert.InRange(failed.Error.Message.Length, 1, 300);
    }

    [NeedsFact(Needs.Launcher)]
    public void WhyItEndedIsSaid()
    {
        Assert.Equal("starter: no route; really",
            Assert.IsType<NodeReply.Failed>(Ask(Starter("echo no route >&2; echo really >&2; exit 9"))).Error.Message);
        Assert.Equal("starter ended with exit code 9 and said nothing", Assert.IsType<NodeReply.Failed>(Ask(Starter("exit 9")))
            .Error.Message);
    }

    /// <summary>A group that ends without a word is asked again in halves, so that one node does not fail the others.</summary>
    [NeedsFact(Needs.Launcher)]
    public void OneDeadNodeFailsAlone()
    {
        string[] nodes = ["n1", "n2", "dead", "n4"];
        string script =
            "case $1 in *dead*) exit 3;; esac\n" +
            $"for n in $(echo $1 | tr , ' '); do echo \"{ReplyLines.Mark}$n ={{\\\"kind\\\":\\\"lacks-image\\\"}}\"; done";
        ConcurrentBag<string> answered = [];
        NodeRequest probe = new NodeRequest.Probe(NodeRequestTests.Image);
        Dictionary<string, NodeReply.Answer> answers = NodeCall.Ask(Starter(script, grouped: true), nodes, probe, 4,
            answered: (node, _) => answered.Add(node));
        Assert.Equal(nodes.Order(), answered.Order());
        Assert.All(nodes.Where(n => n != "dead"), n => Assert.IsType<NodeReply.LacksImage>(answers[n]));
        Assert.Equal("NodeUnreachable", Assert.IsType<NodeReply.Failed>(answers["dead"]).Error.Id);
    }

    [NeedsFact(Needs.Launcher)]
    public void AStarterWithoutInputBringsNothing()
    {
        NodeRequest probe = new NodeRequest.Probe(NodeRequestTests.Image);
        Dictionary<string, NodeReply.Answer> answers = NodeCall.Ask(Starter("", silent: true), ["n1"], probe, 4, bring: true);
        Assert.Equal("LauncherNotBrought", Assert.IsType<NodeReply.Failed>(answers["n1"]).Error.Id);
    }

    [NeedsFact(Needs.Launcher)]
    public void OrdersComeThroughItsInput()
    {
        using SemaphoreSlim ended = new(0);
        using NodeSession session =
            new(Starter($"cat >'{directory.Path}/orders'; {Says(new NodeReply.LacksImage())}"), ["n1"],
            new NodeRequest.Probe(NodeRequestTests.Image), (_, _) => ended.Release());
        session.Send(new NodeOrder.Begin("t"));
        session.Send(new NodeOrder.CopyIsThere());
        session.Close();
        Assert.True(ended.Wait(10_000));
        Assert.Equal((byte[])[.. new NodeOrder.Begin("t").ToLine(), .. new NodeOrder.CopyIsThere().ToLine()],
            File.ReadAllBytes(directory.Path + "/orders"));
    }
}
