using System.Text;
using System.Text.Json;
using Slipway.Cache;
using Slipway.Staging.Messages;

namespace Slipway.Tests.Staging;

/// <summary>What a node is asked: each kind comes as it was sent, and what is none is refused.</summary>
public sealed class NodeRequestTests
{
    static readonly string Digest = "sha256:" + new string('a', 64);

    internal static SentImage Image { get; } =
        new(Transport.SshTree, Digest, 4096, "/shared/ä b.sqfs", "0123456789abcdef", new SourceStamp(1, 2, 3, 4, 5, 6),
        JsonSerializer.Deserialize(PlanSample.Text(null), ObjectsJson.Default.FabricPlan));

    static readonly NodeRequest[] All =
    [
        new NodeRequest.Probe(Image), new NodeRequest.Receive(Image) { Node = "n1" }, new NodeRequest.AwaitCopy(Image, "partial"),
        new NodeRequest.Pull(Image with { Source = null, Plan = null }) { Report = new ReportAddress("head", 4711, "once") },
        new NodeRequest.Keep(new CacheVerb.List()), new NodeRequest.Keep(new CacheVerb.Remove([Digest])),
        new NodeRequest.Keep(new CacheVerb.Clear(7, TimeSpan.FromDays(2))), new NodeRequest.Keep(new CacheVerb.Clear(null, null)),
        new NodeRequest.Keep(new CacheVerb.Pin([Digest, Digest], true)) { Node = "n2" },
    ];

    [Fact]
    public void EachKindComesAsItWasSent()
    {
        Assert.Equal(Messages.Arms<NodeRequest>(), Messages.Types(All));
        Assert.Equal(Messages.Arms<CacheVerb>(), Messages.Types(All.OfType<NodeRequest.Keep>().Select(k => k.Verb)));
        foreach (NodeRequest request in All)
        {
            NodeRequest read = NodeRequest.Parse(request.ToArgument());
            Assert.Equal(request.GetType(), read.GetType());
            Assert.Equal(request.ToArgument(), read.ToArgument());
            Assert.Equal((request.Node, request.Report), (read.Node, read.Report));
        }
    }

    [Fact]
    public void NoShellSeesAnythingInIt() =>
        Assert.All(All, r => Assert.DoesNotContain(r.ToArgument(), c => !char.IsAsciiLetterOrDigit(c) && c is not ('+' or '/' or '=')));

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"do":"format-the-disk"}""")]
    [InlineData("""{"do":7}""")]
    [InlineData("""{"do":"probe"}""")]
    [InlineData("""{"do":"probe","image":null}""")]
    [InlineData("""{"do":"probe","image":{"transport":"SshTree","digest":"x","size":1,"path":"/x"}}""")]
    [InlineData("""{"do":"probe","image":{"transport":"Pigeon","digest":"x","size":1,"path":"/x","program":"p"}}""")]
    [InlineData("""{"do":"keep","verb":{}}""")]
    [InlineData("""{"do":"keep","verb":{"verb":"burn"}}""")]
    [InlineData("""{"do":"keep","verb":{"verb":"remove","digests":null}}""")]
    public void WhatIsNoRequestIsRefused(string json)
    {
        SlipwayException error =
            Assert.Throws<SlipwayException>(() => NodeRequest.Parse(Convert.ToBase64String(Encoding.UTF8.GetBytes(json))));
        Assert.Equal("StageRequestInvalid", error.Id);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("{}")]
    public void WhatIsNoBase64IsRefused(string argument) =>
        Assert.Equal("StageRequestInvalid", Assert.Throws<SlipwayException>(() => NodeRequest.Parse(argument)).Id);
}
