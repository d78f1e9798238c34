using Slipway.Preflight;

namespace Slipway.Tests.Preflight;

/// <summary>What needs no nodes; on real ones: MpiClusterTests.</summary>
public sealed class MpiPreflightTests
{
    static MpiRequest Request(int? ranks = null, int? perNode = null, params string[] nodes) => new()
    {
        Image = new ContainerImage { Path = "/data/app.sqfs", Digest = "sha256:" + new string('a', 64), Size = 1 }, Command = [],
        Ranks = ranks, RanksPerNode = perNode, Nodes = nodes,
    };

    [Fact]
    public void WhatIsOnlyTriedHasARankOnEachNodeAndTwoOnOne()
    {
        Assert.Equal(2, MpiPreflight.Complete(Request()).Ranks);
        Assert.Equal(3, MpiPreflight.Complete(Request(nodes: ["n1", "n2", "n3"])).Ranks);
        Assert.Equal(7, MpiPreflight.Complete(Request(7)).Ranks);
        Assert.Null(MpiPreflight.Complete(Request(perNode: 4)).Ranks);
        Assert.Equal(["true"], MpiPreflight.Complete(Request()).Command);
        Assert.Equal(["app", "-x"], MpiPreflight.Complete(Request() with { Command = ["app", "-x"] }).Command);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3601)]
    public void ATimeOutThatIsNoneIsRefused(int seconds)
    {
        SlipwayException error = Assert.Throws<SlipwayException>(() =>
            MpiPreflight.Check(Request() with { Command = ["true"] }, TimeSpan.FromSeconds(seconds)));
        Assert.Equal("BadTimeout", error.Id);
        Assert.StartsWith($"{seconds} s ", error.Message, StringComparison.Ordinal);
    }
}
