using Slipway.Building;
using static Slipway.Linux.LibC;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Building;

/// <summary>Where builds really make theirs: no test changes TMPDIR, which all tests share.</summary>
public sealed class WorkDirectoryTests : IDisposable
{
    readonly List<string> made = [];

    static string Parent => Environment.GetEnvironmentVariable("TMPDIR") is { Length: > 0 } set ? Path.GetFullPath(set) : "/var/tmp";

    public void Dispose()
    {
        foreach (string path in made.Where(Directory.Exists))
            Directory.Delete(path, recursive: true);
    }

    /// <summary>As a builder that was killed leaves it.</summary>
    string Left(string prefix = "slipway-build-", bool withLock = true)
    {
        string path = Directory.CreateDirectory(Path.Combine(Parent, $"{prefix}{geteuid()}-{Guid.NewGuid().ToString("n")[..12]}")).FullName;
        File.WriteAllText(Path.Combine(path, "file"), "x");
        if (withLock)
            File.WriteAllText(Path.Combine(path, "lock"), "");
        made.Add(path);
        return path;
    }

    [Fact]
    public void ItIsThisUsersAloneAndGoesWithItsBuild()
    {
        string path;
        using (WorkDirectory work = WorkDirectory.Create())
        {
            path = work.Path;
            Assert.Equal(Parent, Path.GetDirectoryName(path));
            Assert.StartsWith($"slipway-build-{geteuid()}-", Path.GetFileName(path), StringComparison.Ordinal);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(path));
            Directory.CreateDirectory(Path.Combine(path, "a/b"));
        }
        Assert.False(Directory.Exists(path));
    }

    [Fact]
    public void OneThatWasLeftIsRemovedByTheNextBuild()
    {
        string left = Left();
        WorkDirectory.Create().Dispose();
        Assert.False(Directory.Exists(left));
    }

    [Fact]
    public void OneThatIsInUseIsNot()
    {
        string used = Left();
        using WorkDirectory other = WorkDirectory.Create();
        using (new FileStream(Path.Combine(Left(), "lock"), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            WorkDirectory.Create().Dispose();
            Assert.True(Directory.Exists(made[^1]));
        }
        Assert.True(Directory.Exists(other.Path));
        Assert.False(Directory.Exists(used));
    }

    /// <summary>Its maker is just about to take the lock.</summary>
    [Fact]
    public void OneThatIsNewAndHasNoLockYetIsNot()
    {
        string visible = Left(withLock: false), hidden = Left(".slipway-build-");
        WorkDirectory.Create().Dispose();
        Assert.True(Directory.Exists(visible));
        Assert.True(Directory.Exists(hidden));
    }

    [NeedsFact(Needs.Root)]
    public void SomebodyElsesIsNot()
    {
        string path = Left();
        Assert.Equal(0, chown(path, 1, 1));
        WorkDirectory.Create().Dispose();
        Assert.True(Directory.Exists(path));
    }

    [Fact]
    public void TheBuilderRemovesATreeOfItsOwn()
    {
        string path = Left();
        Directory.CreateDirectory(Path.Combine(path, "a/b"));
        WorkDirectory.Remove(path);
        Assert.False(Directory.Exists(path));
    }
}
