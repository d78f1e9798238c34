using Slipway.Linux;

namespace Slipway.Tests.Building;

/// <summary>What a source is, up to the installation, which takes the builder's namespace (RepositoryBuildTests).</summary>
public sealed class RpmRootTests
{
    static RpmSource Source(string[] packages, params PackageRepository[] repositories) => new()
    {
        From = new Located("rpm", "/site/a.yaml:1:7"), Packages = [.. packages.Select((p, i) => new Located(p, $"/site/a.yaml:9:{i}"))],
        Repositories = repositories,
    };

    static PackageRepository Repository(string name = "site", int? priority = null, params string[] exclude) =>
        new() { Name = new Located(name, "/site/a.yaml:4:5"), Urls = ["https://h/" + name], Trusted = true, Priority = priority,
            Exclude = exclude };

    static PackageRepository Local(string name) => new()
    {
        Name = new Located(name, "/site/a.yaml:4:5"), Urls = [LocalRepositories.Url("rpm/" + name)],
        Key = new RepositoryKey(LocalRepositories.Key(name), null, null, "/site/a.yaml:5:5"),
    };

    static string Inputs(RpmSource source, params Located[] fabric)
    {
        using BuildSite site = new(source, null, fabric);
        return site.Inputs();
    }

    static LockedSource Resolve(RpmSource source)
    {
        using BuildSite site = new(source);
        return site.Lock();
    }

    [Fact]
    public void WhatTheDefinitionSaysMakesTheInputs()
    {
        string inputs = Inputs(Source(["a", "b"], Repository()));
        Assert.Matches("^[0-9a-f]{64}$", inputs);
        Assert.Equal(inputs, Inputs(Source(["a", "b"], Repository())));
        string[] others =
        [
            Inputs(Source(["a"], Repository())),
            Inputs(Source(["a", "b"], Repository("other"))),
            Inputs(Source(["a", "b"], Repository("site", 10))),
            Inputs(Source(["a", "b"], Repository("site", null, "c"))),
            Inputs(Source(["a", "b"], Repository()), new Located("auto", "/site/a.yaml:8:9")),
        ];
        Assert.Equal(6, others.Append(inputs).Distinct().Count());
    }

    [NeedsFact("bash", "gpg", "dpkg-deb", "apt-ftparchive", "rpmbuild", "rpmsign", "createrepo_c", "busybox", "dnf", "rpmkeys")]
    public void DnfChoosesThePackagesAndWhatTheyNeed()
    {
        LockedSource locked = Resolve(Source(["app"], Local("base")));
        Assert.Equal(["app 3-1", "lib 2-1", "rpm 4-1"], locked.Packages.Select(p => $"{p.Name} {p.Version}"));
        LockedPackage app = locked.Packages[0];
        string file = new Uri(Assert.Single(app.Urls)).LocalPath;
        Assert.Equal(HostProgram.Read("sha256sum", file)![..64], app.Sha256);
        Assert.Equal((new FileInfo(file).Length, "base"), (app.Size, app.Repository));
        LockedRepository repository = Assert.Single(locked.Repositories);
        Assert.Equal(("base", LocalRepositories.Url("rpm/base")), (repository.Name, repository.Url));
        Assert.Equal("sha256:" + HostProgram.Read("sha256sum", LocalRepositories.Path + "/rpm/base/repodata/repomd.xml")![..64],
            repository.Digest);
        Assert.Equal((repository.Date, "rpm", ""), (locked.SourceDateEpoch, locked.From, locked.Stage));
        Assert.True(repository.Date > 1_600_000_000);
        Assert.Equal(Inputs(Source(["app"], Local("base"))), locked.Inputs);
    }

    [NeedsTheory("bash", "gpg", "dpkg-deb", "apt-ftparchive", "rpmbuild", "rpmsign", "createrepo_c", "busybox", "dnf", "rpmkeys")]
    [InlineData("nothing", "base", "PackageNotFound", "/site/a.yaml:9:0: no repository has a package 'nothing'")]
    [InlineData("app", "site", "PackagesConflict", "/site/a.yaml:1:7: the packages cannot be installed together")]
    public void WhatCannotBeChosenNamesTheLineOfTheDefinition(string package, string repository, string id, string says)
    {
        SlipwayException error = Assert.Throws<SlipwayException>(() => Resolve(Source([package], Local(repository))));
        Assert.Equal(id, error.Id);
        Assert.StartsWith(says, error.Message, StringComparison.Ordinal);
    }

    [NeedsFact("gpg", "rpmkeys")]
    public void APackageOfAnotherKeyIsNotInstalled()
    {
        PackageRepository signed = new() { Name = new Located("site", "/site/a.yaml:4:5"), Urls = ["https://h/x"],
            Key = new RepositoryKey(PublicKeys.File("one"), null, null, "/site/a.yaml:5:5") };
        using BuildSite site = new(Source(["app"], signed));
        site.Files.Write("packages/app.rpm", "no package");
        LockedPackage package = new() { Name = "app", Version = "1-1", Repository = "site", Urls = ["https://h/app.rpm"],
            Sha256 = Digest.OfText("no package")["sha256:".Length..] };
        string root = Directory.CreateDirectory(site.In("root")).FullName;
        Assert.Equal("PackageNotTrusted", Assert.Throws<SlipwayException>(() =>
            site.Root.Make(root, new LockedSource { Packages = [package] }, CancellationToken.None)).Id);
        Assert.Empty(Directory.EnumerateFileSystemEntries(root));
    }
}
