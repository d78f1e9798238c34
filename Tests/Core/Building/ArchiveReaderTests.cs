using System.Formats.Tar;
using Slipway.Building.Archives;
using Slipway.Linux;

namespace Slipway.Tests.Building;

/// <summary>From a file of any format to its entries; what an entry may be is for <see cref="ArchiveExtractorTests"/>.</summary>
public sealed class ArchiveReaderTests : IDisposable
{
    readonly TemporaryDirectory directory = new();
    readonly List<int> percents = [];

    public void Dispose() => directory.Dispose();

    string In(string name) => Path.Combine(directory.Path, name);

    /// <summary>Makes an archive with the real programs.</summary>
    string Make(string name, string command)
    {
        directory.Write("tree/a/file", string.Concat(Enumerable.Range(0, 50_000)));
        directory.Write("tree/b", "b");
        directory.Link("tree/link", "a/file");
        Assert.Equal(0, HostProgram.Run("/bin/sh", ["-e", "-c", $"cd '{In("tree")}'; {command} >'{In(name)}'"], _ => { }));
        return In(name);
    }

    void Read(string file)
    {
        Directory.CreateDirectory(In("root"));
        using FileStream stream = new(file, FileMode.Open, FileAccess.Read);
        using ArchiveExtractor extractor = new(In("root"), 1 << 20, _ => { }, _ => { });
        ArchiveReader.Read(stream, extractor, percents.Add, CancellationToken.None);
    }

    SlipwayException Refused(string file)
    {
        SlipwayException error = Assert.Throws<SlipwayException>(() => Read(file));
        Assert.Equal("ArchiveInvalid", error.Id);
        return error;
    }

    void AssertUnpacked()
    {
        Assert.Equal(string.Concat(Enumerable.Range(0, 50_000)), File.ReadAllText(In("root/a/file")));
        Assert.Equal("b", File.ReadAllText(In("root/b")));
        Assert.Equal("a/file", new FileInfo(In("root/link")).LinkTarget);
    }

    [NeedsTheory("tar", "gzip", "zstd", "xz", "bzip2", "lz4")]
    [InlineData("cat")]
    [InlineData("gzip")]
    [InlineData("zstd -q")]
    [InlineData("zstd -q --ultra --long=31")]
    [InlineData("xz")]
    [InlineData("xz --format=lzma")]
    [InlineData("bzip2")]
    [InlineData("lz4 -q")]
    public void TheFirstBytesTellTheCompression(string compress)
    {
        Read(Make("archive", $"tar -cf - * | {compress}"));
        AssertUnpacked();
    }

    [NeedsTheory("tar")]
    [InlineData("v7")]
    [InlineData("ustar")]
    [InlineData("gnu")]
    [InlineData("pax")]
    public void EachFormatOfTarIsRead(string format)
    {
        Read(Make("archive", $"tar -cf - --format={format} *"));
        AssertUnpacked();
    }

    [NeedsTheory("cpio", "gzip", "xz")]
    [InlineData("cat")]
    [InlineData("gzip")]
    [InlineData("xz")]
    public void CpioIsReadToo(string compress)
    {
        Read(Make("archive", $"find . | cpio --quiet -o -H newc | {compress}"));
        AssertUnpacked();
    }

    [NeedsTheory("tar", "gzip", "zstd", "xz", "bzip2")]
    [InlineData("gzip")]
    [InlineData("zstd -q")]
    [InlineData("xz")]
    [InlineData("bzip2")]
    public void WhatIsCutOffIsRefused(string compress)
    {
        byte[] whole = File.ReadAllBytes(Make("archive", $"tar -cf - * | {compress}"));
        Refused(directory.Write("cut", whole[..(whole.Length / 2)]));
    }

    [Fact]
    public void WhatIsNoArchiveIsRefused()
    {
        Refused(directory.Write("text", "no archive at all"u8.ToArray()));
        Refused(directory.Write("empty", []));
        Assert.Contains("has no entry", Refused(directory.Write("zeros", new byte[10240])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ASparseEntryIsRefusedByItsName()
    {
        using (FileStream file = File.Create(In("archive")))
        using (TarWriter writer = new(file, TarEntryFormat.Gnu))
            writer.WriteEntry(new GnuTarEntry(TarEntryType.RegularFile, "a") { DataStream = new MemoryStream([1]) });
        byte[] bytes = File.ReadAllBytes(In("archive"));
        // the type's byte, and the checksum: the sum of all bytes with eight blanks in its own place
        bytes[156] = (byte)'S';
        bytes.AsSpan(148, 8).Fill((byte)' ');
        System.Text.Encoding.ASCII.GetBytes($"{Convert.ToString(bytes.Take(512).Sum(b => b), 8).PadLeft(6, '0')}\0 ").CopyTo(bytes, 148);
        Assert.Contains("SparseFile", Refused(directory.Write("sparse", bytes)).Message, StringComparison.Ordinal);
    }

    [NeedsFact("tar")]
    public void ItTellsHowFarItIs()
    {
        for (int i = 0; i < 300; i++)
            directory.Write($"tree/many/{i}", new string('x', 1000));
        Read(Make("archive", "tar -cf - *"));
        Assert.Equal(percents.Distinct().Order(), percents);
        Assert.All(percents, p => Assert.InRange(p, 1, 100));
        Assert.True(percents.Count >= 2, string.Join(' ', percents));
    }
}
