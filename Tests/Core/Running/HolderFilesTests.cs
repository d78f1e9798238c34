using Slipway.Running;

namespace Slipway.Tests.Running;

public sealed class HolderFilesTests
{
    [Fact]
    public void TheLockIsTheLastToGo()
    {
        HolderFiles files = new("/x", "0123");
        string[] all = [.. files.Names.Select(n => "/x/" + n)];
        Assert.Equal(files.Lock, all[^1]);
        Assert.Equal([files.Socket, files.Entry, files.PartialEntry, files.Explanation, files.Lock], all);
    }

    [Fact]
    public void AllOfThemGoAndTheDirectoryWithTheLast()
    {
        using TemporaryDirectory directory = new();
        string runtime = directory.Path + "/run";
        HolderFiles files = new(runtime, "0123"), other = new(runtime, "4567");
        foreach (string name in files.Names.Append("4567.lock"))
            directory.Write("run/" + name, "");
        files.Remove();
        Assert.Equal([other.Lock], Directory.GetFiles(runtime));
        other.Remove();
        Assert.False(Directory.Exists(runtime));
    }
}
