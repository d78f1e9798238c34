using Slipway.Preflight;

namespace Slipway.Tests.Preflight;

public sealed class PreflightLineTests
{
    [Theory]
    [InlineData("slipway-preflight n1 begin", "n1", "begin", false)]
    [InlineData("[1,0]<stdout>:slipway-preflight n1 begin", "n1", "begin", false)]
    [InlineData("slipway-preflight-rank n1 rank 0 2 Open MPI", "n1", "rank 0 2 Open MPI", true)]
    [InlineData("1: slipway-preflight-rank n1 end 1", "n1", "end 1", true)]
    public void WordsAreOfANodeOrOfARankThere(string line, string node, string words, bool isRank)
    {
        (PreflightCheck? check, string? of, string[] said, bool rank) = PreflightLine.Read(line);
        Assert.Null(check);
        Assert.Equal((node, words, isRank), (of, string.Join(' ', said), rank));
    }

    [Fact]
    public void ACheckIsReadWithAllThatItHas()
    {
        PreflightCheck? check = PreflightLine.Read(
            """n1: slipway-preflight {"node":"n1","name":"shm","status":"Failed","seen":"there is no /dev/shm","advice":"Mount it."}""")
            .Check;
        Assert.Equal(("n1", "shm", PreflightStatus.Failed, "there is no /dev/shm", "Mount it."),
            (check!.Node, check.Name, check.Status, check.Seen, check.Advice));
    }

    [Theory]
    [InlineData("")]
    [InlineData("rank 0 of 2")]
    [InlineData("slipway-preflight")]
    [InlineData("slipway-preflight n1")]
    [InlineData("slipway-preflight {\"node\":")]
    public void AnyOtherLineIsNothing(string line)
    {
        (PreflightCheck? check, string? node, _, _) = PreflightLine.Read(line);
        Assert.Null(check);
        Assert.Null(node);
    }
}
