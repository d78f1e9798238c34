using System.Text;
using Slipway.Readers.Elf;

namespace Slipway.Tests.Readers;

public sealed class ElfWindowTests : IDisposable
{
    /// <summary>More than the window keeps of a file's beginning, and than a block behind it.</summary>
    const int Length = 100_003;

    readonly TemporaryDirectory directory = new();
    readonly byte[] bytes = [.. Enumerable.Range(0, Length).Select(i => (byte)(i * 31 + i / 256))];

    public void Dispose() => directory.Dispose();

    IEnumerable<ElfWindow> Both(byte[] content)
    {
        using ElfWindow file = new(directory.Write("file", content), content.Length), memory = new(content, "file");
        yield return file;
        yield return memory;
    }

    [Fact]
    public void APieceIsTheSameFromAFileAndFromMemory()
    {
        foreach (ElfWindow window in Both(bytes))
        {
            Assert.Equal(Length, window.Length);
            // within the beginning, across its end, behind it, before what was read last, and the very end
            foreach ((int at, int length) in new[] { (0, 4), (16380, 4), (16380, 8), (16384, 4096), (90_000, 64), (20_000, 64), (16_383, 1),
                (Length - 4096, 4096), (Length, 0) })
                Assert.Equal(bytes[at..(at + length)], window.Slice((ulong)at, length, "a piece").ToArray());
        }
    }

    [Fact]
    public void AWholePieceMayBeAsLargeAsTheFile()
    {
        foreach (ElfWindow window in Both(bytes))
            foreach ((int at, int length) in new[] { (0, Length), (10, 100), (50_000, Length - 50_000), (3, 16_381), (3, 16_382) })
                Assert.Equal(bytes[at..(at + length)], window.Whole((ulong)at, (ulong)length, "a table").ToArray());
    }

    [Theory]
    [InlineData(Length, 1)]
    [InlineData(Length - 3, 4)]
    [InlineData(ulong.MaxValue, 1)]
    [InlineData(ulong.MaxValue - 3, 8)]
    public void WhatIsBeyondTheEndIsAnErrorThatSaysWhat(ulong at, int length)
    {
        foreach (ElfWindow window in Both(bytes))
        {
            Assert.Contains($"a piece at offset {at} is beyond its end ({Length} bytes)",
                Assert.Throws<ElfFormatException>(() => window.Slice(at, length, "a piece").Length).Message, StringComparison.Ordinal);
            Assert.Throws<ElfFormatException>(() => window.Whole(at, (ulong)length, "a piece").Length);
        }
    }

    [Theory]
    [InlineData(0, 3)]
    [InlineData(16_380, 10)]
    [InlineData(16_300, 255)]
    [InlineData(20_000, 256)]
    [InlineData(30_000, 1000)]
    public void ATextEndsAtItsZero(int at, int length)
    {
        string text = string.Concat(Enumerable.Range(0, length).Select(i => (char)('a' + i % 26)));
        byte[] content = [.. bytes.Select(b => b == 0 ? (byte)1 : b)];
        Encoding.UTF8.GetBytes(text + "\0x").CopyTo(content, at);
        foreach (ElfWindow window in Both(content))
        {
            Assert.Equal(text, window.Text((ulong)at, (ulong)length + 1, "a name"));
            Assert.Contains("a name at offset", Assert.Throws<ElfFormatException>(() => window.Text((ulong)at, (ulong)length, "a name"))
                .Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ATextThatTheFileCutsOffIsAnError()
    {
        foreach (ElfWindow window in Both([1, 2, (byte)'a', (byte)'b']))
        {
            Assert.Throws<ElfFormatException>(() => window.Text(2, 100, "a name"));
            Assert.Throws<ElfFormatException>(() => window.Text(9, 100, "a name"));
        }
    }

    [Fact]
    public void ASecondWindowLeavesTheFirstOnesPlace()
    {
        using ElfWindow window = new(directory.Write("file", bytes), Length);
        using ElfWindow names = window.Another();
        ReadOnlySpan<byte> piece = window.Slice(40_000, 16, "a piece");
        Assert.Equal(bytes[80_000..80_016], names.Slice(80_000, 16, "a piece").ToArray());
        Assert.Equal(bytes[40_000..40_016], piece.ToArray());
    }

    /// <summary>A mapped file would end the process here (SIGBUS).</summary>
    [Fact]
    public void AFileThatIsCutShortMeanwhileIsAnError()
    {
        string path = directory.Write("file", bytes);
        using ElfWindow window = new(path, Length);
        using (FileStream file = File.OpenWrite(path))
            file.SetLength(50_000);
        Assert.Contains("cut short", Assert.Throws<ElfFormatException>(() => window.Slice(60_000, 4, "a piece").Length).Message,
            StringComparison.Ordinal);
        Assert.Contains("cut short", Assert.Throws<ElfFormatException>(() => window.Whole(45_000, 10_000, "a piece").Length).Message,
            StringComparison.Ordinal);
        Assert.Equal(bytes[..4], window.Slice(0, 4, "a piece").ToArray());
    }
}
