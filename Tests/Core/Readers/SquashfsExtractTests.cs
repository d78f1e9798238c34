using Slipway.Linux;
using Slipway.Readers.SquashFs;

namespace Slipway.Tests.Readers;

public sealed class SquashfsExtractTests : IDisposable
{
    readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    string Image()
    {
        directory.Write("root/usr/lib/liba.so.1.2", "library");
        directory.Write("root/usr/bin/a program", "program");
        directory.Write("root/etc/empty", "");
        directory.Write("root/etc/text", "text");
        directory.Link("root/usr/lib/liba.so.1", "liba.so.1.2");
        directory.Link("root/etc/out", "/nowhere/else");
        File.SetUnixFileMode(Path.Combine(directory.Path, "root/usr/bin/a program"),
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Assert.Equal(0, HostProgram.Run("mkfifo", [Path.Combine(directory.Path, "root/etc/fifo")]));
        string image = Path.Combine(directory.Path, "a.sqfs");
        TinyImage.Pack(Path.Combine(directory.Path, "root"), image);
        return image;
    }

    static IEnumerable<string> Names(SquashfsExtract extract) =>
        Directory.EnumerateFileSystemEntries(extract.Directory, "*", SearchOption.AllDirectories)
        .Where(p => new FileInfo(p).LinkTarget is not null || !Directory.Exists(p))
            .Select(p => p[extract.Directory.Length..]).Order(StringComparer.Ordinal);

    [NeedsFact("mksquashfs", "unsquashfs")]
    public void LinksAndTheFilesThatAreWantedAreUnpacked()
    {
        using SquashfsExtract extract =
            SquashfsExtract.Extract(Image(), (path, _) => path.StartsWith("/usr/", StringComparison.Ordinal), CancellationToken.None);
        Assert.Equal(["/etc/out", "/usr/bin/a program", "/usr/lib/liba.so.1", "/usr/lib/liba.so.1.2"], Names(extract));
        Assert.Equal("library", File.ReadAllText(extract.Directory + "/usr/lib/liba.so.1"));
        Assert.Equal("/nowhere/else", new FileInfo(extract.Directory + "/etc/out").LinkTarget);
        Assert.True(extract.Complete);
    }

    [NeedsFact("mksquashfs", "unsquashfs")]
    public void EachFileWithContentIsOfferedWithWhetherItIsAProgram()
    {
        SortedDictionary<string, bool> offered = new(StringComparer.Ordinal);
        using SquashfsExtract extract = SquashfsExtract.Extract(Image(), (path, executable) =>
        {
            offered.Add(path, executable);
            return false;
        }, CancellationToken.None);
        Assert.Equal([new("/etc/text", false), new("/usr/bin/a program", true), new("/usr/lib/liba.so.1.2", false)], offered);
        Assert.Equal(["/etc/out", "/usr/lib/liba.so.1"], Names(extract));
    }

    /// <summary>A directory of the image keeps its mode, also one that its owner may not write to.</summary>
    [NeedsFact("mksquashfs", "unsquashfs")]
    public void ItIsGoneAfterwards()
    {
        string image = Image();
        SquashfsExtract extract = SquashfsExtract.Extract(image, (_, _) => true, CancellationToken.None);
        File.SetUnixFileMode(extract.Directory + "/usr/lib", UnixFileMode.UserRead | UnixFileMode.UserExecute);
        string above = Path.GetDirectoryName(extract.Directory)!;
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(above));
        extract.Dispose();
        Assert.False(Directory.Exists(above));
        Assert.True(File.Exists(image));
    }

    [NeedsFact("unsquashfs")]
    public void WhatIsNoImageIsToldOf()
    {
        string text = directory.Write("text.sqfs", new byte[5000]);
        SlipwayException unreadable = Assert.Throws<SlipwayException>(() =>
            SquashfsExtract.Extract(text, (_, _) => true, CancellationToken.None));
        Assert.Equal(("ImageUnreadable", text), (unreadable.Id, unreadable.Target));
        Assert.StartsWith(text + ": ", unreadable.Message, StringComparison.Ordinal);
        Assert.Equal(
            "ImageNotFound", Assert.Throws<SlipwayException>(() =>
                SquashfsExtract.Extract(text + "x", (_, _) => true, CancellationToken.None)).Id);
        Assert.Throws<OperationCanceledException>(() => SquashfsExtract.Extract(text, (_, _) => true, new CancellationToken(true)));
    }
}
