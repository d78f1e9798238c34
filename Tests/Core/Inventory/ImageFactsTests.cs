using Slipway.Inventory;
using static Slipway.Tests.FabricSample;

namespace Slipway.Tests.Inventory;

/// <summary>Facts of an image, read once.</summary>
public sealed class ImageFactsTests
{
    [NeedsFact("mksquashfs", "unsquashfs")]
    public void WhatAnImageThatIsNotOursHasIsReadOnce()
    {
        using ImageTree tree = new ImageTree("debian", "12", "2.36");
        tree.Verbs(34, "44.0").Provider("rxe", 34);
        using TemporaryDirectory directory = new TemporaryDirectory();
        string file = Path.Combine(directory.Path, "foreign.sqfs");
        TinyImage.Pack(tree.Root, file);
        ContainerImage image = new ContainerImage { Path = file, Size = 1, Digest = "sha256:" + new string('1', 64) };
        string cache = Path.Combine(directory.Path, "cache");
        Assert.Equal(34, ImageFacts.Cached(image, cache).Verbs?.PrivateAbi);
        Assert.Single(Directory.GetFiles(cache));
        File.Delete(file);
        Assert.Equal(34, ImageFacts.Cached(image, cache).Verbs?.PrivateAbi);

        // what others may have written is not read, nor is what is damaged
        File.SetUnixFileMode(cache, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupWrite);
        Assert.Throws<SlipwayException>(() => ImageFacts.Cached(image, cache));
        File.SetUnixFileMode(cache, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.WriteAllText(Directory.GetFiles(cache)[0], "{");
        Assert.Throws<SlipwayException>(() => ImageFacts.Cached(image, cache));
    }

    [Fact]
    public void TheManifestsFactsAreTakenAndThoseOfAnotherSchemaAreNot()
    {
        using ImageTree tree = Image(has => has.Verbs(34, "44.0"));
        // its file is nowhere: whoever looks there fails
        ContainerImage image = tree.Image();
        Assert.Same(image.Manifest!.Fabric, ImageFacts.Of(image));
        image.Manifest.Fabric!.SchemaVersion = ImageFabric.CurrentSchema - 1;
        Assert.Throws<SlipwayException>(() => ImageFacts.Of(image));
    }

    [NeedsFact("mksquashfs", "unsquashfs")]
    public void AnImageWithoutADigestIsReadEachTime()
    {
        using ImageTree tree = Image(has => has.Verbs(34, "44.0"));
        using TemporaryDirectory directory = new();
        string file = Path.Combine(directory.Path, "foreign.sqfs"), cache = Path.Combine(directory.Path, "cache");
        TinyImage.Pack(tree.Root, file);
        Assert.Equal(34, ImageFacts.Cached(new ContainerImage { Path = file, Size = 1, Digest = "" }, cache).Verbs?.PrivateAbi);
        Assert.False(Directory.Exists(cache));
    }
}
