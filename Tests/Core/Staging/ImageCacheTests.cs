using Slipway.Cache;
using Slipway.Linux;
using Slipway.Staging.Controller;

namespace Slipway.Tests.Staging;

public sealed class ImageCacheTests : IDisposable
{
    readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public void AnImageIsMeantByItsDigestOrItsFile()
    {
        string digest = "sha256:" + new string('d', 64), file = directory.Write("x.sqfs", new byte[9]);
        Assert.Equal(digest, ImageCache.DigestOf(digest));
        Assert.Equal(Digest.OfFile(file), ImageCache.DigestOf(file));
        Assert.Equal("DigestInvalid", Assert.Throws<SlipwayException>(() => ImageCache.DigestOf("sha256:../x")).Id);
        SlipwayException error = Assert.Throws<SlipwayException>(() => ImageCache.DigestOf(directory.Path + "/none"));
        Assert.Equal(("ImageNotFound", $"{directory.Path}/none: there is no such image"), (error.Id, error.Message));
    }

    /// <summary>Each node has an error or its entries, whatever becomes of the others.</summary>
    [Fact]
    public void NodesThatFailAreToldAndTheOthersGoOn()
    {
        List<SlipwayException> failed = [];
        NodeSelection nodes = new() { Nodes = ["-oProxyCommand=x", "localhost", "a b"] };
        Assert.All(ImageCache.Do(new CacheVerb.List(), nodes, failed.Add), e => Assert.Equal("localhost", e.Node));
        Assert.Equal([("BadNodeName", (object?)"-oProxyCommand=x"), ("BadNodeName", "a b")], failed.Select(f => (f.Id, f.Target)));
    }
}
