using Slipway.Linux;
using Slipway.Staging.Controller;
using Slipway.Staging.Messages;

namespace Slipway.Tests.Staging;

/// <summary>What becomes of each node while an image is published.</summary>
public sealed class PublishWorkTests : IDisposable
{
    readonly TemporaryDirectory directory = new();
    readonly List<Placement> placed = [];
    readonly List<StepProgress> steps = [];
    readonly PublishWork work;

    sealed class Steps(List<StepProgress> steps) : IProgress<StepProgress>
    {
        public void Report(StepProgress value) => steps.Add(value);
    }

    public PublishWorkTests()
    {
        string image = directory.Write("image", new byte[1000]);
        work = new PublishWork(image, Placement("here", Digest.OfFile(image), image), null, 0, 4, placed.Add, new Steps(steps));
    }

    public void Dispose() => directory.Dispose();

    static Placement Placement(string node, string digest, string path = "/c/x") =>
        new() { Node = node, Path = path, Digest = digest, Bytes = 1000, Seconds = 0, Transport = Transport.SshTree, Hit = false };

    [Fact]
    public void APlacementOfThisImageIsOne()
    {
        work.Take("n1", new NodeReply.Done(Placement("n1", work.Digest)));
        Assert.Same(Assert.Single(placed), work.PlacementOf("n1"));
        Assert.Null(work.ErrorOf("n1"));
        // its last word counts, whatever its session ends with
        work.Take("n1", new NodeReply.Failed(StagingErrors.Unreachable("gone")));
        Assert.Null(work.ErrorOf("n1"));
        Assert.NotNull(work.PlacementOf("n1"));
    }

    [Fact]
    public void APlacementOfAnotherIsAnError()
    {
        work.Take("n1", new NodeReply.Done(Placement("n1", "sha256:" + new string('0', 64))));
        Assert.Null(work.PlacementOf("n1"));
        Assert.Equal("n1: it answered 'Done', but Slipway did not ask for that", work.ErrorOf("n1")!.Message);
    }

    [Fact]
    public void AnErrorNamesItsNodeUntilTheNodeHasTheImage()
    {
        work.Take("n1", new NodeReply.Failed(new NodeError("CacheUnsafe", ErrorKind.SecurityError, "/c: why", "what to do")));
        SlipwayException error = work.ErrorOf("n1")!;
        Assert.Equal(("CacheUnsafe", ErrorKind.SecurityError, "n1: /c: why", "what to do", "n1"),
            (error.Id, error.Kind, error.Message, error.Recommendation, error.Target));
        Assert.Equal("failed: n1: /c: why", steps[^1].Step);
        work.Take("n1", new NodeReply.Done(Placement("n1", work.Digest)));
        Assert.Null(work.ErrorOf("n1"));
    }

    [Theory]
    [InlineData("n1")]
    [InlineData("n2")]
    public void AnAnswerToAnotherQuestionIsAnError(string node)
    {
        work.Take(node, new NodeReply.Entries([]));
        Assert.Equal(("NodeUnreachable", $"{node}: it answered 'Entries', but Slipway did not ask for that"),
            (work.ErrorOf(node)!.Id, work.ErrorOf(node)!.Message));
    }

    [Fact]
    public void TheTokenIsNew()
    {
        Assert.Equal(Slipway.Staging.Node.TreeServer.TokenLength, work.Token.Length);
        Assert.NotEqual(work.Token, new PublishWork(work.Path, Placement("here", work.Digest, work.Entry), null, 0, 4, null, null).Token);
    }

    [Fact]
    public void APercentageIsOfTheImage()
    {
        work.Report("n1", "receiving", 250);
        Assert.Equal(new StepProgress("Publishing image", "receiving", 25, "n1"), steps[^1]);
    }
}
