using Slipway.Linux;
using Slipway.Shared;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Linux;

/// <summary>A file is there whole, or as it was before.</summary>
public sealed class AtomicFileTests : IDisposable
{
    readonly TemporaryDirectory directory = new();

    string Place => Path.Combine(directory.Path, "file");

    public void Dispose() => directory.Dispose();

    string[] Names() => [.. Directory.GetFileSystemEntries(directory.Path).Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal)];

    [Fact]
    public void TheFileIsThereWithItsContent()
    {
        AtomicFile.Write(Place, Mode.rw_r__r__, "é\n");
        Assert.Equal("é\n"u8.ToArray(), File.ReadAllBytes(Place));
        Assert.Equal(["file"], Names());
    }

    [Theory]
    [InlineData(Mode.rw_______), InlineData(Mode.rw_r__r__), InlineData(Mode.r__r__r__)]
    public void TheFileHasTheMode(uint mode)
    {
        AtomicFile.Write(Place, mode, "text");
        Assert.Equal((UnixFileMode)mode, File.GetUnixFileMode(Place));
    }

    [Fact]
    public void AWriterThatFailsLeavesNothing()
    {
        InvalidDataException thrown = new("no such thing");
        Assert.Same(thrown, Record.Exception(() => AtomicFile.Write(Place, Mode.rw_r__r__, to =>
        {
            to.WriteByte(1);
            throw thrown;
        })));
        Assert.Equal([], Names());
    }

    [Fact]
    public void WhatWasThereStaysUntilTheEnd()
    {
        File.WriteAllText(Place, "before");
        AtomicFile.Write(Place, Mode.rw_r__r__, to =>
        {
            to.Write("after"u8);
            to.Flush(flushToDisk: true);
            Assert.Equal("before", File.ReadAllText(Place));
        });
        Assert.Equal("after", File.ReadAllText(Place));
        Assert.Equal(["file"], Names());
    }

    [Fact]
    public void WhatWasThereOutlivesAWriterThatFails()
    {
        File.WriteAllText(Place, "before");
        Assert.Throws<InvalidDataException>(() => AtomicFile.Write(Place, Mode.rw_r__r__, _ => throw new InvalidDataException()));
        Assert.Equal("before", File.ReadAllText(Place));
        Assert.Equal(["file"], Names());
    }

    [Fact]
    public void ALinkAtTheDestinationIsReplacedAndNotFollowed()
    {
        directory.Write("target", "of another");
        directory.Link("file", "target");
        AtomicFile.Write(Place, Mode.rw_r__r__, "ours");
        Assert.Null(new FileInfo(Place).LinkTarget);
        Assert.Equal("ours", File.ReadAllText(Place));
        Assert.Equal("of another", File.ReadAllText(Path.Combine(directory.Path, "target")));
    }

    [Fact]
    public void ADirectoryAtTheDestinationStays()
    {
        directory.Write("file/in", "x");
        IOException thrown = Assert.Throws<IOException>(() => AtomicFile.Write(Place, Mode.rw_r__r__, "text"));
        Assert.StartsWith($"'{Place}' cannot be written: ", thrown.Message, StringComparison.Ordinal);
        Assert.Equal(["file"], Names());
    }

    /// <summary>The error tells of the destination: the name beside it says nothing to a reader.</summary>
    [Fact]
    public void ADirectoryThatIsMissingIsTold()
    {
        string path = Path.Combine(directory.Path, "none", "file");
        IOException thrown = Assert.Throws<IOException>(() => AtomicFile.Write(path, Mode.rw_r__r__, "text"));
        Assert.Equal((ENOENT, true), (thrown.HResult, thrown.Message.StartsWith($"'{path}' ", StringComparison.Ordinal)));
        Assert.DoesNotContain(".partial", thrown.Message, StringComparison.Ordinal);
    }

    /// <summary>As on a full disk: what .NET says of a stream names no file.</summary>
    [Fact]
    public void AWriteThatFailsIsToldOfTheDestination()
    {
        IOException full = new("No space", ENOSPC);
        IOException thrown = Assert.Throws<IOException>(() => AtomicFile.Write(Place, Mode.rw_r__r__, _ => throw full));
        Assert.Equal((ENOSPC, $"'{Place}' cannot be written: No space left on device"), (thrown.HResult, thrown.Message));
        Assert.Equal([], Names());
    }

    /// <summary>/proc takes no files, whoever asks.</summary>
    [Fact]
    public void AFileSystemThatTakesNoFilesIsTold()
    {
        Exception? thrown = Record.Exception(() => AtomicFile.Write("/proc/file", Mode.rw_r__r__, "text"));
        Assert.True(thrown is IOException or UnauthorizedAccessException);
        Assert.StartsWith("'/proc/file' cannot be written: ", thrown.Message, StringComparison.Ordinal);
    }
}
