using System.Text;
using Slipway.Building.Repositories;
using Slipway.Linux;

namespace Slipway.Tests.Building;

public sealed class PackageCacheTests : IDisposable
{
    static readonly RpmSource Source = new()
    {
        From = new Located("rpm", "/site/a.yaml:1:7"),
        Repositories = [new PackageRepository { Name = new Located("site", "/site/a.yaml:4:5"), Urls = ["https://h/x"], Trusted = true }],
    };

    readonly BuildSite site = new();

    public void Dispose() => site.Dispose();

    static LockedPackage Package(string name, string content, params string[] urls) => new()
    {
        Name = name, Version = "1-1", Repository = "site", Urls = urls, Size = Encoding.UTF8.GetByteCount(content),
        Sha256 = Digest.OfText(content)[Digest.Prefix.Length..],
    };

    /// <summary>Puts a file where a mirror has it, and gives its URL.</summary>
    string Mirror(string path, string content)
    {
        site.Files.Write(path, content);
        return "file://" + site.In(path);
    }

    IReadOnlyList<PackageCache.Held> Fetch(params LockedPackage[] packages) => new PackageCache(site.Context)
        .Fetch(Source, new LockedSource { Packages = packages }, CancellationToken.None);

    void AssertRefused(string id, string says, params LockedPackage[] packages)
    {
        SlipwayException error = Assert.Throws<SlipwayException>(() => Fetch(packages));
        Assert.Equal((id, packages[0].Name), (error.Id, error.Target));
        Assert.StartsWith($"/site/a.yaml:4:5: package '{packages[0].Name}' 1-1 of repository 'site'", error.Message,
            StringComparison.Ordinal);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsThereIsTakenInTheOrderOfTheLock()
    {
        site.Files.Write("packages/b.rpm", "bb");
        site.Files.Write("packages/a.rpm", "aa");
        LockedPackage b = Package("b", "bb", "https://nowhere.invalid/b.rpm"), a = Package("a", "aa", "https://nowhere.invalid/a.rpm");
        Assert.Equal([new(b, site.In("packages/b.rpm")), new(a, site.In("packages/a.rpm"))], Fetch(b, a));
        Assert.Empty(site.Steps);
    }

    [Fact]
    public void WhatIsMissingIsFetchedAndKeptUnderItsName()
    {
        LockedPackage a = Package("a", "aa", Mirror("mirror/a+1%2b.rpm", "").Replace("%2b.rpm", "%252b.rpm", StringComparison.Ordinal));
        site.Files.Write("mirror/a+1%2b.rpm", "aa");
        Assert.Equal(site.In("packages/a+1%2b.rpm"), Assert.Single(Fetch(a)).File);
        Assert.Equal("aa", File.ReadAllText(site.In("packages/a+1%2b.rpm")));
        Directory.Delete(site.In("mirror"), recursive: true);
        Assert.Equal(site.In("packages/a+1%2b.rpm"), Assert.Single(Fetch(a)).File);
        Assert.Equal(["a+1%2b.rpm"], Directory.EnumerateFileSystemEntries(site.In("packages")).Select(Path.GetFileName));
    }

    [Fact]
    public void WhateverIsInTheCacheHasTheRightHashOrIsNotTaken()
    {
        site.Files.Write("packages/a.rpm", "xx");
        LockedPackage a = Package("a", "aa", Mirror("mirror/a.rpm", "aa"));
        string file = Assert.Single(Fetch(a)).File;
        // the name is another's
        Assert.Equal(site.In($"packages/{a.Sha256[..12]}-a.rpm"), file);
        Assert.Equal("aa", File.ReadAllText(file));
        Assert.Equal("xx", File.ReadAllText(site.In("packages/a.rpm")));
        Assert.Equal(file, Assert.Single(Fetch(a)).File);
    }

    [Fact]
    public void EachMirrorIsTriedInTurn()
    {
        string bad = Mirror("one/a.rpm", "changed"), good = Mirror("three/a.rpm", "aa");
        Assert.Equal("aa", File.ReadAllText(Assert.Single(Fetch(Package("a", "aa", bad, "file://" + site.In("two/a.rpm"), good))).File));
    }

    [Fact]
    public void WhatIsNotWhatWasLockedIsRefused()
    {
        AssertRefused("PackageTampered",
            $"what is there has the SHA-256 {Digest.OfText("AA")["sha256:".Length..]}, "
            + $"and {Digest.OfText("aa")["sha256:".Length..]} is expected",
            Package("a", "aa", Mirror("m/a.rpm", "AA")));
        AssertRefused("PackageUnavailable", "it ended after 1 of 2 bytes", Package("b", "bb", Mirror("m/b.rpm", "b")));
        AssertRefused("PackageUnavailable", "there is no such file", Package("c", "cc", "file:///nowhere/c.rpm"));
        AssertRefused("PackageUnavailable", "it has no URL, and 1 more: e", Package("d", "dd"), Package("e", "ee"));
        Assert.Empty(Directory.EnumerateFileSystemEntries(site.In("packages")));
    }

    [NeedsFact("curl")]
    public void OverTheNetworkCurlFetches()
    {
        site.Files.Write("served/pool/a.rpm", "aa");
        using TinyServer server = new(site.In("served"));
        Assert.Equal("aa", File.ReadAllText(Assert.Single(Fetch(Package("a", "aa", server.Url + "pool/a.rpm"))).File));
        AssertRefused("PackageUnavailable", "HTTP 404", Package("b", "bb", server.Url + "pool/b.rpm"));
        Assert.Contains("downloading packages", site.Steps);
    }

    [Fact]
    public void ACacheThatCannotBeMadeIsToldOf()
    {
        site.Files.Write("packages", "a file");
        Assert.Equal("NoCacheDirectory", Assert.Throws<SlipwayException>(() => Fetch(Package("a", "aa"))).Id);
    }
}
