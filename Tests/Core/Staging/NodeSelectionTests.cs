using Slipway.Staging.Controller;

namespace Slipway.Tests.Staging;

public sealed class NodeSelectionTests
{
    static string Error(NodeSelection nodes) => Assert.Throws<SlipwayException>(nodes.Resolve).Id;

    [Fact]
    public void EachNodeOnceAndBadOnesAmongThem()
    {
        Assert.True(new NodeSelection().IsHere);
        Assert.False(new NodeSelection { Nodes = ["n1"] }.IsHere);
        Assert.Equal(["n1", "a b", "n2"], new NodeSelection { Nodes = [" n1", "a b", "n2 ", "n1", ""] }.Resolve());
    }

    [Fact]
    public void WhatSlurmIsNotAskedIsRefusedBefore()
    {
        Assert.Equal("BadThrottleLimit", Error(new NodeSelection { ThrottleLimit = 0 }));
        Assert.Equal("BadPartition", Error(new NodeSelection { Partition = "--help" }));
        Assert.Equal("BadJobId", Error(new NodeSelection { JobId = "7;id" }));
        Assert.Equal("BadJobId", Error(new NodeSelection { JobId = "" }));
    }
}
