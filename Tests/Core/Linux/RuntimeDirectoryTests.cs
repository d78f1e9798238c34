using Slipway.Linux;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Linux;

/// <summary>Which place is taken where others have taken some is tried with real users (SquatterTests).</summary>
public sealed class RuntimeDirectoryTests : IDisposable
{
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    string In(string name) => Path.Combine(directory.Path, name);

    [Fact]
    public void OneThatIsMadeIsPrivateAndIsTakenAgain()
    {
        Assert.True(RuntimeDirectory.TryMake(In("a")));
        Assert.Equal(Private, File.GetUnixFileMode(In("a")));
        Assert.True(RuntimeDirectory.TryMake(In("a")));
    }

    [Fact]
    public void OneThatOthersMayEnterIsNotTaken()
    {
        Directory.CreateDirectory(In("open"));
        File.SetUnixFileMode(In("open"), Private | UnixFileMode.GroupExecute);
        Assert.False(RuntimeDirectory.TryMake(In("open")));
        Assert.False(RuntimeDirectory.TryMake(In("nothing/a")));
        directory.Write("file", "");
        Assert.False(RuntimeDirectory.TryMake(In("file")));
    }

    [Fact]
    public void TheOneThatIsOpenedIsPrivate()
    {
        string opened = RuntimeDirectory.Open();
        Assert.True(OwnDirectory.IsPrivate(opened));
        Assert.Equal(opened, RuntimeDirectory.Open());
    }

    /// <summary>Test vectors of draft-eastlake-fnv for FNV-1a with 128 bits: of nothing, "a" and "foobar".</summary>
    [Theory]
    [InlineData("", "6c62272e07bb014262b821756295c58d")]
    [InlineData("a", "d228cb696f1a8caf78912b704e4a8964")]
    [InlineData("foobar", "343e1662793c64bf6f0d3597ba446f18")]
    public void TheNameOfAKeyIsItsHash(string key, string name) => Assert.Equal(name, RuntimeDirectory.NameOf(key));

    [Fact]
    public void OnlyAPlaceThatIsNotTheFirstIsToldOf()
    {
        uint user = geteuid();
        Assert.Equal("", RuntimeDirectory.WarningOf($"/tmp/slipway-{user}"));
        Assert.Equal("", RuntimeDirectory.WarningOf("/run/job/slipway"));
        foreach (string place in new[] { $"/dev/shm/slipway-{user}", $"/run/user/{user}/slipway", $"/var/tmp/slipway-run-{user}",
            $"/tmp/slipway-{user}-0123abcd" })
            Assert.Equal($"slipway: warning: the runtime directory is {place}: /tmp/slipway-{user} is not there, "
                + "or not this user's alone\n",
                RuntimeDirectory.WarningOf(place));
    }
}
