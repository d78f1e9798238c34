using Slipway.Running;

namespace Slipway.Tests.Running;

public sealed class ImageMountTests
{
    static ImageMount Choose(string path) => ImageMount.Choose(ImageIdentity.Find(path), writable: false, make: false);

    [Fact]
    public void AnUnpackedDirectoryIsTakenAsItIs()
    {
        using TemporaryDirectory directory = new();
        ImageMount mount = Choose(directory.Path);
        Assert.Equal(("directory", directory.Path, directory.Path, null, -1),
            (mount.Rung, mount.Image, mount.Directory, mount.Server, mount.Fd));
        Assert.Equal(["directory: the image is an unpacked directory"], mount.Reasons);
    }

    [Fact]
    public void WhatIsNoImageIsRefused()
    {
        using TemporaryDirectory directory = new();
        Assert.Equal("ImageInvalid", Assert.Throws<SlipwayException>(() => Choose(directory.Write("x.sqfs", new byte[200]))).Id);
    }

    [NeedsFact("mksquashfs", "busybox", "squashfuse_ll")]
    public void TheReasonsEndWithTheRungThatIsChosen()
    {
        ImageMount mount = Choose(TinyImage.File);
        Assert.StartsWith("prolog: no", mount.Reasons[0], StringComparison.Ordinal);
        Assert.StartsWith(mount.Rung + ": ", mount.Reasons[^1], StringComparison.Ordinal);
        Assert.Equal(mount.Server is not null, ImageMount.IsServed(mount.Rung));
        Assert.Equal((-1, -1), (mount.Fd, mount.File));
    }
}
