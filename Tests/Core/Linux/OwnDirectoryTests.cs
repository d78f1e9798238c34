using Slipway.Linux;
using Tmds.Linux;
using static Slipway.Linux.LibC;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Linux;

public sealed class OwnDirectoryTests : IDisposable
{
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    string In(string name) => Path.Combine(directory.Path, name);

    string Make(string name, UnixFileMode mode = Private)
    {
        Directory.CreateDirectory(In(name));
        File.SetUnixFileMode(In(name), mode); // whatever the umask is
        return In(name);
    }

    [Theory]
    [InlineData(Private, true)]
    [InlineData(UnixFileMode.UserRead, true)]
    [InlineData(Private | UnixFileMode.GroupRead, false)]
    [InlineData(Private | UnixFileMode.OtherExecute, false)]
    [InlineData(Private | UnixFileMode.OtherWrite | UnixFileMode.StickyBit, false)]
    public void IsPrivateWhereNobodyElseMayDoAnything(UnixFileMode mode, bool expected)
    {
        Assert.Equal(expected, OwnDirectory.IsPrivate(Make("a", mode)));
        Assert.False(OwnDirectory.IsTaken(In("a")));
    }

    [Fact]
    public void ALinkOrAFileIsTaken()
    {
        directory.Link("link", Make("a"));
        directory.Write("file", "");
        foreach (string name in new[] { "link", "file" })
        {
            Assert.False(OwnDirectory.IsPrivate(In(name)));
            Assert.True(OwnDirectory.IsTaken(In(name)));
        }
        Assert.False(OwnDirectory.IsPrivate(In("nothing")));
        Assert.False(OwnDirectory.IsTaken(In("nothing")));
    }

    [NeedsFact(Needs.Root)]
    public void SomebodyElsesDirectoryIsTaken()
    {
        Assert.Equal(0, chown(Make("a"), 1, 1));
        Assert.False(OwnDirectory.IsPrivate(In("a")));
        Assert.True(OwnDirectory.IsTaken(In("a")));
    }

    [Fact]
    public void WhereTheNameIsTakenTheFirstOfOurOwnBesideItIsFound()
    {
        Assert.Equal(In("a"), OwnDirectory.Find(In("a")));
        directory.Write("a", "");
        Assert.Null(OwnDirectory.Find(In("a")));
        Make("ab");
        Make("a-1", Private | UnixFileMode.OtherRead);
        Assert.Null(OwnDirectory.Find(In("a")));
        Make("a-3");
        Make("a-2");
        Assert.Equal(In("a-2"), OwnDirectory.Find(In("a")));
    }

    [Fact]
    public void OneIsMadeOnceAndFoundAfterwards()
    {
        directory.Write("a", "");
        Assert.Equal(0, OwnDirectory.Make(In("a"), out string made));
        Assert.Matches("/a-[0-9a-f]{8}$", made);
        Assert.True(OwnDirectory.IsPrivate(made));
        Assert.Equal(0, OwnDirectory.Make(In("a"), out string again));
        Assert.Equal(made, again);
        Assert.Equal(0, OwnDirectory.Make(In("free"), out string free));
        Assert.Equal(In("free"), free);
    }

    [Fact]
    public void OpenMakesADirectoryAndChangesNoneThatIsThere()
    {
        int parent = open(directory.Path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
        try
        {
            int fd = OwnDirectory.Open(parent, "new", 0x1ff, out statx found);
            Assert.True(fd >= 0 && found.IsDirectory);
            close(fd);
            Assert.Equal((UnixFileMode)0x1ff, File.GetUnixFileMode(In("new")));
            Make("old");
            fd = OwnDirectory.Open(parent, "old", 0x1ff, out found);
            Assert.True(fd >= 0 && found.IsDirectory);
            close(fd);
            Assert.Equal(Private, File.GetUnixFileMode(In("old")));
            directory.Link("link", In("old"));
            directory.Write("file", "");
            Assert.True(OwnDirectory.Open(parent, "link", 0x1ff, out _) < 0);
            Assert.True(OwnDirectory.Open(parent, "file", 0x1ff, out _) < 0);
            Assert.True(OwnDirectory.Open(parent, "nothing/new", 0x1ff, out _) < 0);
        }
        finally
        {
            close(parent);
        }
    }
}
