using Slipway.Building.Inside;
using static Slipway.Linux.LibC;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Building;

/// <summary>
/// Where what is told of a file is what the kernel knows of it, as without fakeroot: nothing is wrong, so nothing may change. What fakeroot
/// does wrong is tried by real builds.
/// </summary>
public sealed class FakerootRecordsTests : IDisposable
{
    readonly TemporaryDirectory directory = new();
    readonly List<string> log = [];

    public void Dispose() => directory.Dispose();

    string In(string name) => Path.Combine(directory.Path, name);

    void Fill()
    {
        directory.Write("a/file", "content");
        directory.Write("a/program", "content");
        directory.Write("a/b/deep", "content");
        directory.Link("a/link", "nowhere");
        File.SetUnixFileMode(In("a/program"), (UnixFileMode)0x9ed); // 04755
        File.SetUnixFileMode(In("a/b"), (UnixFileMode)0x5ff); // 02777
        foreach (string path in All())
            SetModified(path, 1_000_000_000);
    }

    IEnumerable<string> All() => Directory.EnumerateFileSystemEntries(directory.Path, "*", SearchOption.AllDirectories)
        .Order(StringComparer.Ordinal);

    List<string> Facts() => [.. All().Select(path =>
    {
        Assert.Equal(0, stat(path, out Tmds.Linux.statx found, follow: false));
        return $"{path} {found.stx_ino} {found.stx_mode:x} {found.stx_uid} {found.stx_gid} {found.stx_mtime.tv_sec} "
            + $"{(found.stx_mode & 0xf000) switch { 0x8000 => File.ReadAllText(path), 0xa000 => new FileInfo(path).LinkTarget, _ => "" }}";
    })];

    int Held() => Directory.EnumerateFileSystemEntries("/proc/self/fd")
        .Count(fd => new FileInfo(fd).LinkTarget?.StartsWith(directory.Path + "/", StringComparison.Ordinal) == true);

    [Fact]
    public void WhatIsRightStaysAsItIs()
    {
        Fill();
        List<string> before = Facts();
        Assert.Equal(6, before.Count);
        new FakerootRecords(log.Add).Mend(directory.Path);
        Assert.Equal(before, Facts());
        Assert.Empty(log);
    }

    [NeedsFact(Needs.Root)]
    public void OwnersStayAsTheyAre()
    {
        Fill();
        Assert.Equal(0, chown(In("a/b"), 1, 2));
        Assert.Equal(0, lchown(In("a/link"), 3, 0));
        List<string> before = Facts();
        new FakerootRecords(log.Add).Mend(directory.Path);
        Assert.Equal(before, Facts());
        Assert.Empty(log);
    }

    /// <summary>The number of an inode that is held is not given again, so that no other file is taken for it.</summary>
    [NeedsFact(Needs.Root)]
    public void WhatIsNotRootsIsHeldOnce()
    {
        Fill();
        FakerootRecords records = new(log.Add);
        records.Mend(directory.Path);
        Assert.Equal(0, Held());
        Assert.Equal(0, chown(In("a/file"), 1, 0));
        Assert.Equal(0, chown(In("a/b"), 0, 1));
        records.Mend(directory.Path);
        records.Mend(directory.Path);
        Assert.Equal(2, Held());
        GC.KeepAlive(records);
    }

    [Fact]
    public void ARootThatIsNotThereIsLeftAlone()
    {
        new FakerootRecords(log.Add).Mend(In("nothing"));
        Assert.Empty(log);
    }
}
