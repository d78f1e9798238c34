using Slipway.Building.Repositories;

namespace Slipway.Tests.Building;

public sealed class HostRepositoriesTests : IDisposable
{
    readonly TemporaryDirectory root = new();
    readonly RpmSource source = new() { From = new Located("rpm", "/site/a.yaml:1:7") };

    public void Dispose() => root.Dispose();

    HostRepositories Host()
    {
        root.Write("keys/b.asc", "KEY B\n");
        root.Write("etc/yum.repos.d/b.repo", $"""
            # a comment = of no section
            [base]
            name = Base - $releasever
            baseurl = https://h/base, https://m/base
            gpgkey = file://{root.Path}/keys/b.asc https://h/other.asc
            priority = 10
            proxy = http://proxy:3128
            repo_gpgcheck = 1

            [off]
            mirrorlist=https://h/list?a=b
            metalink=https://h/metalink
            gpgkey=file://{root.Path}/keys/b.asc
            enabled=0
            """);
        root.Write("etc/yum.repos.d/a.repo", $"[first]\nmetalink=https://h/metalink\ngpgkey=file://{root.Path}/keys/b.asc\nenabled=true\n");
        root.Write("usr/share/dnf5/repos.d/c.repo", $"[last]\nbaseurl=https://h/last\ngpgkey=file://{root.Path}/keys/b.asc\n");
        root.Write("etc/yum.repos.d/d.repo.bak", "[no]\nbaseurl=https://h/no\n");
        return new HostRepositories(root.Path);
    }

    static PackageRepository Named(string name, bool trusted = false, int? priority = null, string? proxy = null) =>
        new() { Name = new Located(name, "/site/a.yaml:3:5"), Trusted = trusted, Priority = priority, Proxy = proxy };

    [Fact]
    public void WhatIsEnabledIsTakenInTheOrderOfItsFiles() =>
        Assert.Equal(["first", "base", "last"], Host().Enabled(source).Select(r => r.Name.Value));

    [Fact]
    public void ARepositoryIsAsItsSectionSays()
    {
        PackageRepository found = Host().Find(Named("base"));
        Assert.Equal(["https://h/base", "https://m/base"], found.Urls);
        Assert.Null(found.MirrorList ?? found.Metalink);
        Assert.Equal((10, "http://proxy:3128", true), (found.Priority, found.Proxy, found.CheckMetadata));
        Assert.Equal("KEY B\n", found.Key!.Inline);
        Assert.Equal("/site/a.yaml:3:5", found.Key.Where);
    }

    [Fact]
    public void OneThatIsOffMayBeNamedAndItsMirrorListComesFirst()
    {
        PackageRepository found = Host().Find(Named("off"));
        Assert.Equal("https://h/list?a=b", found.MirrorList);
        Assert.Null(found.Metalink);
        Assert.Empty(found.Urls);
        Assert.False(found.CheckMetadata);
        Assert.Equal("https://h/metalink", Host().Find(Named("first")).Metalink);
    }

    [Fact]
    public void WhatTheDefinitionSaysStandsAboveTheHosts()
    {
        PackageRepository found = Host().Find(Named("base", priority: 5, proxy: "http://other:1"));
        Assert.Equal((5, "http://other:1"), (found.Priority, found.Proxy));
    }

    [Fact]
    public void OneWithoutAKeyIsTakenOnlyWhereItIsTrusted()
    {
        root.Write("etc/yum.repos.d/x.repo", $"[x]\nbaseurl=https://h/x\ngpgkey=https://h/x.asc file://{root.Path}/missing.asc\n");
        SlipwayException error = Assert.Throws<SlipwayException>(() => Host().Find(Named("x")));
        Assert.Equal("RepositoryWithoutKey", error.Id);
        Assert.StartsWith("/site/a.yaml:3:5: ", error.Message, StringComparison.Ordinal);
        Assert.Null(Host().Find(Named("x", trusted: true)).Key);
    }

    [Fact]
    public void WhatTheHostDoesNotHaveIsToldOfWithWhatItHas()
    {
        SlipwayException error = Assert.Throws<SlipwayException>(() => Host().Find(Named("nowhere")));
        Assert.Equal("RepositoryNotFound", error.Id);
        Assert.Contains("first, base, off, last", error.Recommendation, StringComparison.Ordinal);
        using TemporaryDirectory empty = new();
        Assert.Equal("RepositoryNotFound", Assert.Throws<SlipwayException>(() => new HostRepositories(empty.Path).Enabled(source)).Id);
    }
}
