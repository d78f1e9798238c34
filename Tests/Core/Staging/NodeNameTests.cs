using Slipway.Staging.Controller;

namespace Slipway.Tests.Staging;

public sealed class NodeNameTests
{
    [Theory]
    [InlineData("n1", true)]
    [InlineData("node-7.cluster.example.org", true)]
    [InlineData("10.0.0.1", true)]
    [InlineData("a_b", true)]
    [InlineData("", false)]
    [InlineData("-oProxyCommand=x", false)]
    [InlineData(".n1", false)]
    [InlineData("n1 n2", false)]
    [InlineData("n1\n", false)]
    [InlineData("n1;id", false)]
    [InlineData("$(id)", false)]
    [InlineData("nö", false)]
    public void NoOptionAndNoShellGetsThrough(string name, bool valid) => Assert.Equal(valid, NodeName.IsValid(name));

    [Fact]
    public void NoNameIsLongerThanDnsHasIt() =>
        Assert.Equal((true, false), (NodeName.IsValid(new string('a', 253)), NodeName.IsValid(new string('a', 254))));

    [Fact]
    public void ThisNodeIsKnownByTheFirstPartOfItsName()
    {
        string own = Environment.MachineName.Split('.')[0];
        Assert.True(NodeName.IsThis("localhost"));
        Assert.True(NodeName.IsThis(own.ToUpperInvariant()));
        Assert.True(NodeName.IsThis(own + ".example.org"));
        Assert.False(NodeName.IsThis(own + "x"));
    }
}
