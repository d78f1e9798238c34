using Slipway.Cache;
using Tmds.Linux;
using static Slipway.Linux.LibC;

namespace Slipway.Tests.Cache;

/// <summary>The record that an entry was checked holds for that very file, as it was then.</summary>
public sealed class CheckedRecordTests : IDisposable
{
    static readonly string Digest = "sha256:" + new string('c', 64);

    readonly TemporaryDirectory directory = new();

    public CheckedRecordTests() => Directory.CreateDirectory(directory.Path + "/checked");

    public void Dispose() => directory.Dispose();

    bool Holds(string entry) => stat(entry, out statx found, follow: false) == 0 && CheckedRecord.Holds(directory.Path, Digest, found);

    [Fact]
    public void HoldsUntilTheFileIsTouched()
    {
        string entry = directory.Write("entry", new byte[10]);
        Assert.False(Holds(entry));
        CheckedRecord.Write(directory.Path, Digest, entry);
        Assert.True(Holds(entry));
        // the same bytes, size and times: its inode was changed since
        DateTime time = File.GetLastWriteTimeUtc(entry);
        Thread.Sleep(20);
        File.WriteAllBytes(entry, new byte[10]);
        File.SetLastWriteTimeUtc(entry, time);
        Assert.False(Holds(entry));
        CheckedRecord.Write(directory.Path, Digest, entry);
        Assert.True(Holds(entry));
    }

    [Fact]
    public void IsOfOneFile()
    {
        string entry = directory.Write("entry", new byte[10]), other = directory.Write("other", new byte[10]);
        CheckedRecord.Write(directory.Path, Digest, entry);
        Assert.False(Holds(other));
        CheckedRecord.Remove(directory.Path, Digest);
        Assert.False(Holds(entry));
        Assert.Empty(Directory.GetFileSystemEntries(directory.Path + "/checked"));
    }

    [Fact]
    public void WhatCannotBeWrittenLeavesNothing()
    {
        string entry = directory.Write("entry", new byte[10]);
        Assert.Throws<IOException>(() => CheckedRecord.Write(directory.Path, Digest, directory.Path + "/nothing"));
        Directory.CreateDirectory($"{directory.Path}/checked/{Digest["sha256:".Length..]}/x");
        Assert.Throws<IOException>(() => CheckedRecord.Write(directory.Path, Digest, entry));
        Assert.Single(Directory.GetFileSystemEntries(directory.Path + "/checked"));
    }
}
