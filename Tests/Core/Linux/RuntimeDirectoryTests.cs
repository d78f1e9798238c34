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
