using Slipway.Running;

namespace Slipway.Tests.Running;

public sealed class ImageIdentityTests
{
    static string IdOf(Action action) => Assert.Throws<SlipwayException>(action).Id;

    [Fact]
    public void AFileIsToldByWhatItIsNow()
    {
        using TemporaryDirectory directory = new();
        string path = directory.Write("x.sqfs", [1, 2, 3]);
        ImageIdentity first = ImageIdentity.Find(path);
        Assert.Equal((path, false), (first.Given, first.IsDirectory));
        Assert.Equal(first.Stamp, ImageIdentity.Find(directory.Path + "/./x.sqfs").Stamp);
        Thread.Sleep(20);
        File.AppendAllText(path, "4");
        Assert.NotEqual(first.Stamp, ImageIdentity.Find(path).Stamp);
    }

    [Fact]
    public void ADirectoryIsAnImageToo() => Assert.True(ImageIdentity.Find("/usr").IsDirectory);

    [Fact]
    public void ADigestSaysItAll()
    {
        string digest = "sha256:" + new string('a', 64);
        ImageIdentity image = ImageIdentity.Find(digest);
        Assert.Equal((digest, ""), (image.Given, image.Stamp));
        Assert.Equal("ImageNotCached", IdOf(() => image.Locate()));
    }

    [Fact]
    public void WhatIsNoImageIsAnError()
    {
        Assert.Equal("ImageNotFound", IdOf(() => ImageIdentity.Find("/nowhere/x.sqfs")));
        Assert.Equal("ImageInvalid", IdOf(() => ImageIdentity.Find("/dev/null")));
        Assert.Equal("DigestInvalid", IdOf(() => ImageIdentity.Find("sha256:short")));
    }
}
