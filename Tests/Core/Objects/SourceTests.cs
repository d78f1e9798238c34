namespace Slipway.Tests.Objects;

public sealed class SourceTests
{
    static readonly Located From = new("deb", "/x.yaml:1:7");

    static PackageRepository Repository(string? url = null, string? mirrors = null, string? metalink = null) =>
        new() { Name = new Located("site", "/x.yaml:3:9"), Urls = url is null ? [] : [url], MirrorList = mirrors, Metalink = metalink };

    [Theory]
    [InlineData(null, null, null, true)]
    [InlineData("https://h/x", null, null, false)]
    [InlineData(null, "https://h/list", null, false)]
    [InlineData(null, null, "https://h/metalink", false)]
    public void ARepositoryWithoutAPlaceIsTheDistributionsOwn(string? url, string? mirrors, string? metalink, bool own) =>
        Assert.Equal(own, Repository(url, mirrors, metalink).IsOwn);

    /// <summary>What the tools do without being told, and that everything is checked.</summary>
    [Fact]
    public void ARepositoryIsCheckedUnlessSomebodySaysOtherwise()
    {
        PackageRepository repository = Repository();
        Assert.True(repository.CheckMetadata);
        Assert.True(repository.CheckValidUntil);
        Assert.False(repository.Trusted);
        Assert.Null(repository.Key);
        Assert.Null(repository.Priority);
        Assert.Equal(["main"], repository.Components);
        Assert.Equal(0, repository.Include.Count + repository.Exclude.Count + repository.Architectures.Count);
    }

    [Fact]
    public void SourcesBeginEmpty()
    {
        DebSource deb = new() { From = From, Suite = new Located("bookworm", "/x.yaml:2:8") };
        RpmSource rpm = new() { From = From };
        HostSource host = new() { From = From };
        ArchiveSource archive = new() { From = From, Archive = new Located("/a.tar", "/x.yaml:2:10") };
        Assert.Equal(0, deb.Packages.Count + deb.Repositories.Count + rpm.Packages.Count + rpm.Repositories.Count);
        Assert.Equal(0, host.Programs.Count + host.Packages.Count + host.Files.Count + host.Exclude.Count);
        Assert.Null(rpm.Release);
        Assert.Null(archive.Sha256);
        Assert.Null(archive.SizeLimit);
        Assert.All<Source>([deb, rpm, host, archive, new EmptySource { From = From }], s => Assert.Equal("/x.yaml:1:7", s.From.Where));
    }

    /// <summary>Only these have repositories and packages, which the lock names.</summary>
    [Fact]
    public void DebAndRpmAreMadeOfPackages()
    {
        Type[] packaged = [.. typeof(Source).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(PackageSource)))];
        Assert.Equal([nameof(DebSource), nameof(RpmSource)], packaged.Select(t => t.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void TwoKeysAreOneWhereAllOfThemIsTheSame()
    {
        RepositoryKey key = new("/k.asc", null, "AB", "/x.yaml:4:2");
        Assert.Equal(key, new RepositoryKey("/k.asc", null, "AB", "/x.yaml:4:2"));
        Assert.NotEqual(key, key with { Fingerprint = "CD" });
    }
}
