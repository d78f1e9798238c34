using Slipway.Running;

namespace Slipway.Tests.Running;

public sealed class HolderEntryTests
{
    static HolderEntry Sample => new() { Key = "a\nb\né", Pid = 4711, Runscript = "/run",
        Visible = ["/dev", "/home/a"], Environment = ["A=1", "B=x y\nz"] };

    [Fact]
    public void WhatIsWrittenIsRead()
    {
        using TemporaryDirectory directory = new();
        HolderFiles files = new(directory.Path, "0123");
        Sample.Write(files);
        HolderEntry read = HolderEntry.Read(files.Entry)!;
        Assert.Equal((Sample.Key, Sample.Pid, Sample.Runscript), (read.Key, read.Pid, read.Runscript));
        Assert.Equal(Sample.Visible, read.Visible);
        Assert.Equal(Sample.Environment, read.Environment);
        Assert.Equal([files.Entry], Directory.GetFiles(directory.Path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(files.Entry));
    }

    [Fact]
    public void AnEntryThatWasCutIsNone()
    {
        using TemporaryDirectory directory = new();
        HolderFiles files = new(directory.Path, "0123");
        string whole = Sample.Text();
        for (int length = 0; length < whole.Length; length++)
        {
            directory.Write("0123.entry", whole[..length]);
            Assert.Null(HolderEntry.Read(files.Entry));
        }
        Assert.Null(HolderEntry.Read(directory.Path + "/missing"));
    }

    [Fact]
    public void AnotherVersionIsTold()
    {
        using TemporaryDirectory directory = new();
        directory.Write("old.entry", Sample.Text().Replace(HolderEntry.Version, "slipway-holder 1", StringComparison.Ordinal));
        directory.Write("own.entry", Sample.Text());
        directory.Write("odd.entry", "");
        Assert.True(HolderEntry.IsOfAnotherVersion(directory.Path + "/old.entry"));
        Assert.Null(HolderEntry.Read(directory.Path + "/old.entry"));
        Assert.False(HolderEntry.IsOfAnotherVersion(directory.Path + "/own.entry"));
        Assert.False(HolderEntry.IsOfAnotherVersion(directory.Path + "/odd.entry"));
    }
}
