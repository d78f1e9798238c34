using Slipway.Building;
using Slipway.Building.Inside;
using Slipway.Linux;

namespace Slipway.Tests.Building;

public sealed class StepCacheTests : IDisposable
{
    readonly BuildSite site = new();
    readonly List<string> log = [];

    public void Dispose() => site.Dispose();

    StepCache Cache(bool use = true) => new(site.In("steps"), use, log.Add);

    (string Path, string Digest) Image(string name = "a.sqfs", string content = "image")
    {
        site.Files.Write(name, content);
        return (site.In(name), Digest.OfText(content));
    }

    static (string, bool)? Take(StepCache cache, string key, string destination, string to) =>
        cache.TakeImage(key, destination, to, CancellationToken.None);

    [Fact]
    public void AnImageIsTakenByTheKeyThatItWasKeptUnder()
    {
        (string image, string digest) = Image();
        Cache().KeepImage("k", image, digest);
        Assert.Equal((digest, false), Take(Cache(), "k", site.In("none"), site.In("to")));
        Assert.Equal("image", File.ReadAllText(site.In("to")));
        Assert.Null(Take(Cache(), "other", site.In("none"), site.In("to2")));
        Assert.False(File.Exists(site.In("to2")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(site.In("steps")));
    }

    [Fact]
    public void WhereTheDestinationHasItAlreadyNothingIsWritten()
    {
        (string image, string digest) = Image();
        Cache().KeepImage("k", image, digest);
        Assert.Equal((digest, true), Take(Cache(), "k", image, site.In("to")));
        Assert.False(File.Exists(site.In("to")));
        site.Files.Write("same-length", "IMAGE");
        Assert.Equal((digest, false), Take(Cache(), "k", site.In("same-length"), site.In("to")));
    }

    [Fact]
    public void AnImageThatHasChangedSinceIsNotTakenAndGoes()
    {
        (string image, string digest) = Image();
        Cache().KeepImage("k", image, digest);
        File.WriteAllText(site.In("steps/k.image"), "imagE");
        Assert.Null(Take(Cache(), "k", site.In("none"), site.In("to")));
        Assert.Contains("has changed since it was kept", Assert.Single(log), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(site.In("steps")));
    }

    [Fact]
    public void WhereNoCacheIsWantedNothingIsKeptOrTaken()
    {
        (string image, string digest) = Image();
        Cache(use: false).KeepImage("k", image, digest);
        Assert.False(Directory.Exists(site.In("steps")));
        Cache().KeepImage("k", image, digest);
        Assert.Null(Take(Cache(use: false), "k", site.In("none"), site.In("to")));
    }

    [NeedsFact("mksquashfs", "unsquashfs")]
    public void ARootIsTakenAsAStepLeftIt()
    {
        site.Files.Write("root/etc/a", "a");
        site.Files.Link("root/b", "etc/a");
        Assert.False(Cache().HasRoot("k"));
        Assert.True(Cache().KeepRoot("k", site.In("root"), TimeSpan.FromHours(1), site.Context, CancellationToken.None));
        Assert.True(Cache().HasRoot("k"));
        Assert.False(Cache(use: false).HasRoot("k"));
        Directory.CreateDirectory(site.In("new"));
        Assert.True(Cache().TakeRoot("k", site.In("new"), site.Context, CancellationToken.None));
        Assert.Equal("a", File.ReadAllText(site.In("new/b")));
        Assert.Equal("etc/a", new FileInfo(site.In("new/b")).LinkTarget);
        Assert.False(Cache().TakeRoot("other", site.In("new"), site.Context, CancellationToken.None));
    }

    /// <summary>What is damaged goes, and what was unpacked of it too.</summary>
    [NeedsFact("unsquashfs")]
    public void ADamagedRootIsMadeAnew()
    {
        site.Files.Write("steps/k.root", "no image");
        site.Files.Write("new/half", "x");
        Assert.False(Cache().TakeRoot("k", site.In("new"), site.Context, CancellationToken.None));
        Assert.False(Cache().HasRoot("k"));
        Assert.Empty(Directory.EnumerateFileSystemEntries(site.In("new")));
    }

    [NeedsFact("mksquashfs")]
    public void AStepThatWasFasterThanKeepingItIsNotKept()
    {
        site.Files.Write("root/a", "a");
        StepCache cache = Cache();
        Assert.True(cache.KeepRoot("slow", site.In("root"), TimeSpan.FromHours(1), site.Context, CancellationToken.None));
        Assert.False(cache.KeepRoot("fast", site.In("root"), TimeSpan.FromTicks(1), site.Context, CancellationToken.None));
        Assert.False(cache.HasRoot("fast"));
    }

    [Fact]
    public void TheKeyOfAnImageIsOfAllThatIsInIt()
    {
        BuildLock locked = new() { Sources = [new LockedSource { From = "empty", Inputs = "1" }] };
        BuildLock other = new() { Sources = [new LockedSource { From = "empty", Inputs = "2" }] };
        string Key(BuildJob job, BuildLock of) => StepCache.ImageKey(site.Definition, job, of);
        string key = Key(site.Job(), locked);
        Assert.Matches("^[0-9a-f]{64}$", key);
        Assert.Equal(key, Key(site.Job(), locked));
        string[] others =
        [
            Key(site.Job(), other), Key(site.Job(name: "b"), locked), Key(site.Job(epoch: 0), locked),
            Key(site.Job(compression: Enum.GetValues<ImageCompression>()[^1]), locked),
        ];
        Assert.Equal(5, others.Append(key).Distinct().Count());
    }
}
