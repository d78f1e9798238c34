using System.Text;
using Slipway.Staging.Messages;
using Slipway.Staging.Node;

namespace Slipway.Tests.Staging;

/// <summary>What a node is told while it receives.</summary>
public sealed class NodeOrderTests
{
    static readonly NodeOrder[] All =
    [
        new NodeOrder.Begin(new string('t', 64)), new NodeOrder.ReadFrom([new TreeSource(7, "10.0.0.1"), new TreeSource(8)]),
        new NodeOrder.TakeStream(3), new NodeOrder.CopyIsThere(),
    ];

    static List<NodeOrder> Read(byte[] input)
    {
        List<NodeOrder> orders = [];
        using MemoryStream stream = new(input);
        OrderReader.Read(stream, orders.Add);
        return orders;
    }

    [Fact]
    public void EachKindComesAsItWasSent()
    {
        Assert.Equal(Messages.Arms<NodeOrder>(), Messages.Types(All));
        List<NodeOrder> read = Read([.. All.SelectMany(o => o.ToLine())]);
        Assert.Equal(All.Select(o => Encoding.UTF8.GetString(o.ToLine())), read.Select(o => Encoding.UTF8.GetString(o.ToLine())));
        Assert.Equal(Messages.Types(All), Messages.Types(read));
    }

    /// <summary>Then it does not come from our controller, and nothing after it does.</summary>
    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("hello")]
    [InlineData("""{"order":"burn"}""")]
    [InlineData("""{"order":"begin"}""")]
    [InlineData("""{"order":"read-from","sources":null}""")]
    [InlineData("""{"order":"read-from","sources":[{"host":"a"}]}""")]
    public void WhatIsNoOrderEndsTheReading(string line) =>
        Assert.IsType<NodeOrder.TakeStream>(Assert.Single(Read([.. new NodeOrder.TakeStream(3).ToLine(),
            .. Encoding.UTF8.GetBytes(line + "\n"), .. new NodeOrder.CopyIsThere().ToLine()])));

    [Fact]
    public void ALineWithoutEndEndsTheReading() =>
        Assert.Empty(Read([.. Enumerable.Repeat((byte)'x', 3 << 20), (byte)'\n', .. new NodeOrder.CopyIsThere().ToLine()]));

    [Fact]
    public void WhatFollowsAnOrderIsForWhoTookIt()
    {
        using MemoryStream stream =
            new([.. new NodeOrder.TakeStream(0).ToLine(), 1, 2, (byte)'\n', .. new NodeOrder.CopyIsThere().ToLine()]);
        List<NodeOrder> orders = [];
        byte[] bytes = new byte[3];
        OrderReader.Read(stream, order =>
        {
            orders.Add(order);
            if (order is NodeOrder.TakeStream)
                stream.ReadExactly(bytes);
        });
        Assert.Equal(2, orders.Count);
        Assert.Equal([1, 2, (byte)'\n'], bytes);
    }
}
