using System.Text;
using System.Text.Json;
using Slipway.Readers;

namespace Slipway.Tests.Readers;

public sealed class BoundedJsonTests
{
    static string Read(string text)
    {
        using BoundedJson json = new(new MemoryStream(Encoding.UTF8.GetBytes(text)));
        using StreamReader reader = new(json);
        return reader.ReadToEnd();
    }

    static void AssertRefused(string text, string says) =>
        Assert.Contains(says, Assert.Throws<JsonException>(() => Read(text)).Message, StringComparison.Ordinal);

    static string Many(string item, int count, string between = ",") => string.Join(between, Enumerable.Repeat(item, count));

    [Theory]
    [InlineData("")]
    [InlineData("""{"a": [1, 2, {"b": null}], "c": "x"}""")]
    [InlineData("""["[[[[", "a\"{", "\\", ",,,"]""")]
    [InlineData("""{"list": ["n", "null", "\\\"n"]}""")]
    public void WhatIsWithinTheLimitsPassesUnchanged(string text) => Assert.Equal(text, Read(text));

    [Theory]
    [InlineData("[null]")]
    [InlineData("[1, null]")]
    [InlineData("""{"a": ["x", null]}""")]
    [InlineData("""[{"a": 1}, null]""")]
    [InlineData("[[], null]")]
    public void AListMayNotHoldNull(string text) => AssertRefused(text, "a list in it holds null");

    [Theory]
    [InlineData("""{"a": null, "b": [1]}""")]
    [InlineData("""[{"a": null}]""")]
    [InlineData("""[[{"a": [], "b": null}]]""")]
    [InlineData("null")]
    public void AnObjectMayHoldNull(string text) => Assert.Equal(text, Read(text));

    /// <summary>The deserializer's own limit (JsonReaderOptions.MaxDepth).</summary>
    [Theory]
    [InlineData('[', ']')]
    [InlineData('{', '}')]
    public void SixtyFourLevelsAreTheMost(char open, char close)
    {
        string deepest = new string(open, 64) + new string(close, 64);
        Assert.Equal(deepest + deepest, Read(deepest + deepest));
        AssertRefused(new string(open, 65), "nested more than 64 deep");
    }

    [Theory]
    [InlineData("{}", 100_000, "100000 objects")]
    [InlineData("[]", 200_000, "200000 lists")]
    public void ObjectsAndListsAreCounted(string item, int most, string says)
    {
        Assert.Equal(most * 2, Read(Many(item, most, "")).Length);
        AssertRefused(Many(item, most + 1, ""), says);
    }

    [Fact]
    public void ValuesAreCountedByTheirCommas()
    {
        Assert.Equal(2_000_001, Read(Many("1", 1_000_001)).Length);
        AssertRefused(Many("1", 1_000_002), "1000000 values");
        // in a text they are no values
        string text = "\"" + new string(',', 1_000_002) + "\"";
        Assert.Equal(text, Read(text));
    }

    [Fact]
    public void OneTextMayHaveFourMebibytes()
    {
        string text = "\"" + new string('x', (4 << 20) - 1) + "\"";
        Assert.Equal(2 * text.Length, Read(text + text).Length);
        AssertRefused("\"x" + text[1..], "a text in it has more than 4194304 bytes");
    }
}
