using Slipway.Linux;

namespace Slipway.Tests.Building;

/// <summary>
/// What a source is, and which packages are taken for it; the installation takes the builder's namespace (RepositoryBuildTests).
/// </summary>
public sealed class DebRootTests : IDisposable
{
    readonly BuildSite site = new(Source(["hello"]));

    public void Dispose() => site.Dispose();

    static DebSource Source(string[] packages, string suite = "mini", params PackageRepository[] repositories) => new()
    {
        From = new Located("deb", "/site/a.yaml:1:7"), Suite = new Located(suite, "/site/a.yaml:2:8"), Repositories = repositories,
        Packages = [.. packages.Select((p, i) => new Located(p, $"/site/a.yaml:9:{i}"))],
    };

    static PackageRepository Repository(string name = "site", int? priority = null, params string[] exclude) =>
        new() { Name = new Located(name, "/site/a.yaml:4:5"), Urls = ["https://h/" + name], Trusted = true, Priority = priority,
            Exclude = exclude };

    static string Inputs(DebSource source, params Located[] fabric)
    {
        using BuildSite site = new(source, null, fabric);
        return site.Inputs();
    }

    SlipwayException Refused(LockedPackage package) => Assert.Throws<SlipwayException>(() =>
        site.Root.Make(site.In("root"), new LockedSource { Packages = [package] }, CancellationToken.None));

    /// <summary>A package in the cache, as the lock names it.</summary>
    LockedPackage Package(string name, string version) => new()
    {
        Name = name, Version = version, Architecture = "all", Repository = "site", Urls = ["https://h/hello.deb"],
        Sha256 = Digest.OfFile(site.In("packages/hello.deb"))["sha256:".Length..],
    };

    void MakePackage()
    {
        site.Files.Write("tree/DEBIAN/control",
            "Package: hello\nVersion: 1:2\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n");
        Directory.CreateDirectory(site.In("packages"));
        Assert.Equal(0, HostProgram.Run("dpkg-deb", ["--root-owner-group", "-Zgzip", "-b", site.In("tree"), site.In("packages/hello.deb")],
            _ => { }));
    }

    [Fact]
    public void WhatTheDefinitionSaysMakesTheInputs()
    {
        string inputs = Inputs(Source(["a", "b"], "mini", Repository()));
        Assert.Matches("^[0-9a-f]{64}$", inputs);
        Assert.Equal(inputs, Inputs(Source(["a", "b"], "mini", Repository())));
        string[] others =
        [
            Inputs(Source(["a"], "mini", Repository())),
            Inputs(Source(["a", "b"], "maxi", Repository())),
            Inputs(Source(["a", "b"], "mini", Repository("other"))),
            Inputs(Source(["a", "b"], "mini", Repository("site", 900))),
            Inputs(Source(["a", "b"], "mini", Repository("site", null, "c"))),
            Inputs(Source(["a", "b"], "mini", Repository()), new Located("auto", "/site/a.yaml:8:9")),
        ];
        Assert.Equal(7, others.Append(inputs).Distinct().Count());
    }

    /// <summary>A lock that names one package and gives the hash of another.</summary>
    [NeedsTheory("dpkg-deb")]
    [InlineData("hello", "1:3")]
    [InlineData("other", "1:2")]
    public void APackageThatSaysOfItselfThatItIsAnotherIsNotInstalled(string name, string version)
    {
        MakePackage();
        SlipwayException error = Refused(Package(name, version));
        Assert.Equal(("PackageInvalid", ErrorKind.SecurityError, name), (error.Id, error.Kind, error.Target));
        Assert.StartsWith($"/site/a.yaml:2:8: package '{name}' {version} ", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(site.In("control")));
    }

    [NeedsFact("dpkg-deb")]
    public void WhatIsNoPackageIsNotInstalled()
    {
        site.Files.Write("packages/hello.deb", "no package");
        Assert.Equal(("PackageInvalid", ErrorKind.InvalidData),
            (Refused(Package("hello", "1:2")).Id, Refused(Package("hello", "1:2")).Kind));
    }

    [Fact]
    public void WhatIsNotToBeHadIsToldOfFirst() =>
        Assert.Equal("PackageUnavailable", Refused(new LockedPackage { Name = "hello", Version = "1", Sha256 = new string('0', 64) }).Id);

    [NeedsFact(Needs.Root, "bash", "gpg", "dpkg-deb", "apt-ftparchive", "rpmbuild", "rpmsign", "createrepo_c", "busybox", "mmdebstrap",
        "apt-get")]
    public void AptChoosesThePackagesAndWhatTheyNeed()
    {
        PackageRepository mini = new() { Name = new Located("mini", "/site/a.yaml:4:5"), Urls = [LocalRepositories.Url("deb/mini")],
            Key = new RepositoryKey(LocalRepositories.Key("base"), null, null, "/site/a.yaml:5:5") };
        using BuildSite made = new(Source(["app"], "mini", mini));
        LockedSource locked = made.Lock();
        Assert.Equal(["app 3", "dpkg 1", "lib 2"], locked.Packages.Select(p => $"{p.Name} {p.Version}"));
        Assert.Equal("required", locked.Packages[1].Priority);
        Assert.Null(locked.Packages[0].Priority);
        Assert.All(locked.Packages, p =>
            Assert.Equal(HostProgram.Read("sha256sum", new Uri(Assert.Single(p.Urls)).LocalPath)![..64], p.Sha256));
        LockedRepository repository = Assert.Single(locked.Repositories);
        Assert.Equal(("mini", LocalRepositories.Url("deb/mini"), "mini"), (repository.Name, repository.Url, repository.Suite));
        Assert.Equal("sha256:" + HostProgram.Read("sha256sum", LocalRepositories.Path + "/deb/mini/dists/mini/InRelease")![..64],
            repository.Digest);
    }
}
