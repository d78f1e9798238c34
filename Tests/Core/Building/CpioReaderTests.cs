using System.Text;
using Slipway.Building.Archives;
using Slipway.Linux;

namespace Slipway.Tests.Building;

public sealed class CpioReaderTests : IDisposable
{
    readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    string In(string name) => Path.Combine(directory.Path, name);

    /// <summary>An entry by hand: cpio(5), "New ASCII Format". The content of a file with several names stands with the last.</summary>
    static byte[] Entry(string name, uint mode, string content = "", int links = 1, uint inode = 7)
    {
        byte[] text = Encoding.UTF8.GetBytes(content), path = [.. Encoding.UTF8.GetBytes(name), 0];
        uint[] fields = [inode, mode, 1000, 100, (uint)links, 1_000_000_000, (uint)text.Length, 8, 1, 0, 0, (uint)path.Length, 0];
        byte[] Padded(byte[] bytes) => [.. bytes, .. new byte[(4 - bytes.Length % 4) % 4]];
        return [.. Padded([.. Encoding.ASCII.GetBytes("070701" + string.Concat(fields.Select(f => f.ToString("X8", null)))), .. path]),
            .. Padded(text)];
    }

    static readonly byte[] Trailer = Entry("TRAILER!!!", 0);

    /// <summary>Each entry in one line, its content read.</summary>
    static List<string> Read(params byte[] archive) => [.. CpioReader.Read(new MemoryStream(archive)).Select(e =>
        $"{e.Number} {e.Path} {e.Kind} {Convert.ToString(e.Mode, 8)} {e.Owner}:{e.Group} {e.Modified} {e.Size} {Text(e)}".TrimEnd())];

    static string Text(ArchiveEntry entry) => entry.Target ?? (entry.Content is null ? "" : new StreamReader(entry.Content).ReadToEnd());

    [Fact]
    public void EachKindOfEntryIsRead() => Assert.Equal(
    [
        "1 . Directory 755 1000:100 1000000000 0",
        "2 a File 4755 1000:100 1000000000 5 12345",
        "3 ab File 644 1000:100 1000000000 4 1234",
        "4 l SymbolicLink 777 1000:100 1000000000 0 ../ü",
        "5 p Fifo 600 1000:100 1000000000 0",
        "6 dev/null Device 666 1000:100 1000000000 0",
        "7 s Socket 700 1000:100 1000000000 0",
    ], Read([.. Entry(".", 0x41ed), .. Entry("a", 0x89ed, "12345"), .. Entry("ab", 0x81a4, "1234"), .. Entry("l", 0xa1ff, "../ü"),
        .. Entry("p", 0x1180), .. Entry("dev/null", 0x21b6), .. Entry("s", 0xc1c0), .. Trailer]));

    /// <summary>Who asks for the next entry need not have read this one.</summary>
    [Fact]
    public void AContentThatNobodyReadsIsPassedOver()
    {
        byte[] archive = [.. Entry("a", 0x81a4, new string('x', 200_001)), .. Entry("b", 0x81a4, "b"), .. Trailer];
        Assert.Equal(["a", "b"], CpioReader.Read(new MemoryStream(archive)).Select(e => e.Path));
    }

    [Fact]
    public void OnlyFilesWithSeveralNamesAreShared()
    {
        byte[] archive = [.. Entry("a", 0x81a4, "", 2, 9), .. Entry("b", 0x81a4, "x", 2, 9), .. Entry("c", 0x81a4, "x", 2, 10),
            .. Entry("d", 0x41ed, "", 3), .. Entry("e", 0x81a4), .. Trailer];
        string?[] shared = [.. CpioReader.Read(new MemoryStream(archive)).Select(e => e.Shared)];
        Assert.NotNull(shared[0]);
        Assert.Equal(shared[0], shared[1]);
        Assert.NotEqual(shared[0], shared[2]);
        Assert.Equal([null, null], shared[3..]);
    }

    [Fact]
    public void WhatIsDamagedOrCutOffIsRefused()
    {
        byte[] archive = [.. Entry("a", 0x81a4, "12345"), .. Trailer];
        for (int length = 0; length < archive.Length; length++)
            Assert.ThrowsAny<IOException>(() => Read(archive[..length]));
        Assert.Contains("entry 2 does not begin",
            Assert.Throws<InvalidDataException>(() => Read([.. Entry("a", 0x81a4, "1"), .. new byte[110]])).Message,
            StringComparison.Ordinal);
        Assert.Contains("name of 4097 bytes",
            Assert.Throws<InvalidDataException>(() => Read([.. Entry(new string('n', 4096), 0x81a4), .. Trailer])).Message,
            StringComparison.Ordinal);
        Assert.Contains("link of 4097 bytes",
            Assert.Throws<InvalidDataException>(() => Read([.. Entry("l", 0xa1ff, new string('n', 4097)), .. Trailer])).Message,
            StringComparison.Ordinal);
        archive[14] = (byte)'x'; // within the mode
        Assert.Throws<FormatException>(() => Read(archive));
    }

    [Theory]
    [InlineData("070701", true)]
    [InlineData("070702", true)]
    [InlineData("070707", false)]
    [InlineData("07070", false)]
    public void TheFirstBytesTellTheFormat(string head, bool cpio) => Assert.Equal(cpio, CpioReader.IsCpio(Encoding.ASCII.GetBytes(head)));

    [NeedsTheory("cpio")]
    [InlineData("newc")]
    [InlineData("crc")]
    public void WhatCpioWritesIsRead(string format)
    {
        directory.Write("t/a", "content");
        directory.Write("t/d/odd name", "12345");
        directory.Link("t/l", "d/odd name");
        File.SetUnixFileMode(In("t/a"), (UnixFileMode)0x1e8); // 0750
        Assert.Equal(0, HostProgram.Run(
            "/bin/sh", ["-e", "-c", $"cd '{In("t")}'; ln a z; find . | sort | cpio --quiet -o -H {format} >../archive"]));
        List<ArchiveEntry> entries = [];
        Dictionary<string, string> contents = [];
        foreach (ArchiveEntry entry in CpioReader.Read(new MemoryStream(File.ReadAllBytes(In("archive")))))
        {
            entries.Add(entry);
            if (entry.Kind == ArchiveKind.File && entry.Size > 0)
                contents[entry.Path] = new StreamReader(entry.Content!).ReadToEnd();
        }
        Assert.Equal(["a", "d", "d/odd name", "l", "z"], entries.Select(e => e.Path).Where(p => p != ".").Order(StringComparer.Ordinal));
        Assert.Equal("12345", contents["d/odd name"]);
        Assert.Equal("content", Assert.Single(contents, c => c.Key is "a" or "z").Value);
        Assert.Equal("d/odd name", entries.Single(e => e.Path == "l").Target);
        Assert.Equal(0x1e8u, entries.Single(e => e.Path == "a").Mode);
        Assert.Equal(entries.Single(e => e.Path == "a").Shared, entries.Single(e => e.Path == "z").Shared);
    }
}
