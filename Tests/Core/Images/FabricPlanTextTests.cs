using System.Text;
using Slipway.Images;

namespace Slipway.Tests.Images;

public sealed class FabricPlanTextTests
{
    static FabricPlan Parse(string text) => FabricPlanText.Parse(Encoding.UTF8.GetBytes(text), "/x.json", out _)!;

    static SlipwayException Refused(string text)
    {
        SlipwayException error = Assert.Throws<SlipwayException>(() => Parse(text));
        Assert.Equal(ErrorKind.InvalidData, error.Kind);
        Assert.StartsWith("/x.json:", error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Recommendation);
        return error;
    }

    [Fact]
    public void APlanIsReadByItsNames()
    {
        FabricPlan plan =
            Parse("""
                {
                  "schemaVersion": 2, "node": "n1", "verdict": "Image", "reason": "ok", "environment": {"A": "b"},
                  "binds": [{"source": "/s", "destination": "/d"}]
                }
                """);
        Assert.Equal(("n1", FabricRung.Image, "ok", "b"), (plan.Node, plan.Verdict, plan.Reason, plan.Environment["A"]));
        Assert.Equal(new FabricBind("/s", "/d"), Assert.Single(plan.Binds));
    }

    [Theory]
    [InlineData("""{"schemaVersion": 2, "schemaVersion": 2}""", "/x.json:1: 'schemaVersion' stands twice")]
    [InlineData("{\"schemaVersion\": 2,\n\"binds\": [\n{\"source\": \"/a\", \"destination\": \"/b\", \"source\": \"/c\"}]}",
        "/x.json:3: 'source' stands twice")]
    [InlineData("""{"schemaVersion": 2, "environment": {"A": "1", "\u0041": "2"}}""", "/x.json:1: 'A' stands twice")]
    public void ANameThatStandsTwiceIsRefused(string text, string message) =>
        Assert.StartsWith(message, Refused(text).Message, StringComparison.Ordinal);

    [Fact]
    public void OneNameInTwoObjectsIsNotTwice() =>
        Assert.Equal(
            2, Parse("""{"schemaVersion": 2, "binds": [{"source": "/a", "destination": "/b"}, {"source": "/c", "destination": "/d"}]}""")
            .Binds.Count);

    [Theory]
    [InlineData("""{"schemaVersion": 2, "surprise": 1}""", "surprise")]
    [InlineData("""{"schemaVersion": 2, "verdict": "Maybe"}""", "/x.json:1:")]
    [InlineData("{\"schemaVersion\": 2,\n\n  \"node\": 1}", "/x.json:3:")]
    [InlineData("""{"schemaVersion": 2""", "/x.json:1:")]
    [InlineData("", "/x.json")]
    public void WhatIsNotOfThisFormIsRefusedWithItsPlace(string text, string says)
    {
        SlipwayException error = Refused(text);
        Assert.Equal("FabricPlanRead", error.Id);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("LineNumber", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"schemaVersion": 3}""", "has schemaVersion 3, and this Slipway takes 2")]
    [InlineData("""{"schemaVersion": 1, "unknown": 1}""", "has schemaVersion 1,")]
    [InlineData("""{"devices": [{"schemaVersion": 2}]}""", "has no schemaVersion,")]
    [InlineData("null", "has no schemaVersion,")]
    public void APlanOfAnotherFormatIsToldFromOneThatIsWrong(string text, string says)
    {
        Assert.Null(FabricPlanText.Parse(Encoding.UTF8.GetBytes(text), "/x.json", out string? outdated));
        Assert.StartsWith(says, outdated, StringComparison.Ordinal);
    }

    [Fact]
    public void TextThatIsNoUtf8IsRefused() =>
        Assert.Equal("FabricPlanRead",
            Assert.Throws<SlipwayException>(() =>
                FabricPlanText.Parse([.. "{\"schemaVersion\": 2, \"node\": \""u8, 0xff, .. "\"}"u8], "/x.json", out _)).Id);
}
