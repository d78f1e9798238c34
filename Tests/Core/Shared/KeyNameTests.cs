using System.Globalization;
using System.Text;
using Slipway.Shared;

namespace Slipway.Tests.Shared;

public sealed class KeyNameTests
{
    /// <summary>By the definition (FNV-1a of 128 bits), with the numbers of its authors (draft-eastlake-fnv).</summary>
    static string Defined(string key)
    {
        UInt128 hash = new(0x6c62272e07bb0142, 0x62b821756295c58d), prime = new(0x0000000001000000, 0x000000000000013b);
        foreach (byte b in Encoding.UTF8.GetBytes(key))
            hash = (hash ^ b) * prime;
        return hash.ToString("x32", CultureInfo.InvariantCulture);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("foobar")]
    [InlineData("slipway-holder 3\njob=é🚢\n/images/x.sqfs")]
    public void ItIsTheHash(string key)
    {
        Assert.Equal(Defined(key), KeyName.Of(key));
        Assert.Equal(KeyName.Length, KeyName.Of(key).Length);
    }

    /// <summary>Published with the algorithm.</summary>
    [Fact]
    public void TheKnownValueIsMade() => Assert.Equal("343e1662793c64bf6f0d3597ba446f18", KeyName.Of("foobar"));

    [Fact]
    public void LongKeysToo() => Assert.All(
        Enumerable.Range(0, 300), n => Assert.Equal(Defined(new string('x', n)), KeyName.Of(new string('x', n))));
}
