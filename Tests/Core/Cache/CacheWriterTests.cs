using Slipway.Cache;
using Slipway.Linux;

namespace Slipway.Tests.Cache;

/// <summary>How an entry is made, in the real cache of this user.</summary>
public sealed class CacheWriterTests : IDisposable
{
    readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    string Write(byte[] bytes) => directory.Write("x.sqfs", bytes);

    static SlipwayException Error(string path, string? digest = null) =>
        Assert.Throws<SlipwayException>(() => CacheWriter.Publish(path, digest, _ => null, "here", Transport.Local));

    static string Partials => NodeCache.Own + "/sha256";

    [NeedsFact("mksquashfs", "busybox")]
    public void CopiesOnceAndThenFindsIt()
    {
        string image = TinyImage.Make(directory.Path + "/x.sqfs", root => File.WriteAllText(root + "/unique", Guid.NewGuid().ToString()));
        Placement first = CacheWriter.Publish(image, null, _ => null, "here", Transport.Local);
        Placement second = CacheWriter.Publish(image, null, _ => null, "here", Transport.Local);
        try
        {
            Assert.Equal((false, true), (first.Hit, second.Hit));
            Assert.Equal((new FileInfo(image).Length, 0L), (first.Bytes, second.Bytes));
            Assert.Equal((first.Path, first.Digest), (second.Path, second.Digest));
            Assert.Equal(Digest.OfFile(image), Digest.OfFile(first.Path));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead, File.GetUnixFileMode(first.Path));
            string wanted = "sha256:" + new string('0', 64);
            SlipwayException error = Error(image, wanted);
            Assert.Equal(("DigestMismatch", $"{image}: the copy on this node has the digest {first.Digest}, not {wanted}"),
                (error.Id, error.Message));
        }
        finally
        {
            new CacheVerb.Remove([first.Digest]).Do("here");
        }
    }

    [Fact]
    public void WhatIsNoImageIsNoEntry()
    {
        string path = Write([.. Enumerable.Repeat((byte)7, 200)]);
        SlipwayException error = Error(path);
        Assert.Equal(("ImageInvalid", path), (error.Id, error.Target));
        Assert.StartsWith(path + ": is not a SquashFS image", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(NodeCache.EntryPath(NodeCache.Own, Digest.OfFile(path))));
        path = directory.Path + "/none";
        Assert.Equal(("ImageNotFound", $"{path}: there is no such image"), (Error(path).Id, Error(path).Message));
    }

    [NeedsFact("mksquashfs", "busybox")]
    public void ACopyThatSomethingElseMadeIsChecked()
    {
        string cache = NodeCache.Prepare(), partial = $"{Partials}/.{new string('a', 64)}.{Guid.NewGuid():n}.partial", digest = "sha256:"
            + new string('a', 64);
        File.WriteAllBytes(partial, new byte[10]);
        try
        {
            SlipwayException error = Assert.Throws<SlipwayException>(() => CacheWriter.Adopt(cache, partial, digest, 11));
            Assert.Equal(("CopyIncomplete", $"{partial}: the copy is incomplete: 10 of 11 bytes arrived"), (error.Id, error.Message));
            error = Assert.Throws<SlipwayException>(() => CacheWriter.Adopt(cache, partial, digest, 10));
            Assert.Equal(("DigestMismatch", $"what arrived has the digest {Digest.OfFile(partial)}, not {digest}"),
                (error.Id, error.Message));
            Assert.Equal("CopyIncomplete", Assert.Throws<SlipwayException>(() => CacheWriter.Adopt(cache, partial + "x", digest, 10)).Id);
            Assert.False(File.Exists(NodeCache.EntryPath(cache, digest)));
        }
        finally
        {
            File.Delete(partial);
        }
    }
}
