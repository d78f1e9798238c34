using Slipway.Building.Repositories;

namespace Slipway.Tests.Building;

public sealed class DnfRepositoriesTests : IDisposable
{
    readonly BuildSite site = new();

    public void Dispose() => site.Dispose();

    DnfRepositories Of(params PackageRepository[] repositories) =>
        new(new RpmSource { From = new Located("rpm", "/site/a.yaml:1:7"), Release = new Located("9", "/site/a.yaml:2:8"),
            Repositories = repositories }, site.Context, CancellationToken.None);

    static PackageRepository Signed(string name = "site", string key = "one") =>
        new() { Name = new Located(name, "/site/a.yaml:4:5"), Urls = ["https://h/x"],
            Key = new RepositoryKey(PublicKeys.File(key), null, null, "/site/a.yaml:5:5") };

    [Fact]
    public void ARepositoryIsASection()
    {
        PackageRepository all = new()
        {
            Name = new Located("all", "w"), Urls = ["https://h/$releasever/${basearch}/os", "https://m/$arch"], Architectures = ["ppc64le"],
            Trusted = true, Priority = 10, Proxy = "http://p:1",
            Include = ["a", "lib*"], Exclude = ["b"],
        };
        const string Common = """
            [all]
            name=all
            enabled=1
            skip_if_unavailable=0
            baseurl=https://h/9/ppc64le/os
                    https://m/ppc64le
            gpgcheck=0
            repo_gpgcheck=0
            priority=10

            """;
        Assert.Equal(Common + "proxy=http://p:1\nincludepkgs=a lib*\nexcludepkgs=b\nmetadata_expire=1\n\n",
            Of(all).Sections(inImage: false));
        // the image may be anywhere: its dnf does not have this host's proxy
        Assert.Equal(Common + "includepkgs=a lib*\nexcludepkgs=b\n\n", Of(all).Sections(inImage: true));
    }

    [Fact]
    public void ListsOfMirrorsStandInThePlaceOfUrls()
    {
        string sections =
            Of(new PackageRepository { Name = new Located("m", "w"), Metalink = "https://h/metalink?r=$releasever", Trusted = true },
            new PackageRepository { Name = new Located("l", "w"), MirrorList = "https://h/list?r=$releasever", Trusted = true })
            .Sections(inImage: false);
        Assert.Contains("\nmetalink=https://h/metalink?r=9\n", sections, StringComparison.Ordinal);
        Assert.Contains("\nmirrorlist=https://h/list?r=9\n", sections, StringComparison.Ordinal);
        Assert.DoesNotContain("baseurl", sections, StringComparison.Ordinal);
    }

    [NeedsFact("gpg")]
    public void WithAKeyPackagesAndMetadataAreChecked()
    {
        DnfRepositories repositories = Of(Signed());
        string key = repositories.KeyOf(repositories.All[0])!.File;
        Assert.Contains($"\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey=file://{key}\n", repositories.Sections(inImage: false),
            StringComparison.Ordinal);
        Assert.Contains("\ngpgkey=file:///etc/pki/rpm-gpg/slipway-site.asc\n", repositories.Sections(inImage: true),
            StringComparison.Ordinal);
        PackageRepository unsigned = new() { Name = new Located("site", "w"), Urls = ["https://h/x"], Key = Signed().Key,
            CheckMetadata = false };
        Assert.Contains("\ngpgcheck=1\nrepo_gpgcheck=0\n", Of(unsigned).Sections(inImage: false), StringComparison.Ordinal);
    }

    [Fact]
    public void NothingOfTheHostsConfigurationIsRead()
    {
        string[] main = DnfRepositories.Main("/w").Split('\n');
        Assert.Equal("[main]", main[0]);
        foreach (string line in new[] { "reposdir=/w/none", "varsdir=/w/none", "pluginpath=/w/none", "plugins=0", "gpgcheck=1",
            "repo_gpgcheck=1", "install_weak_deps=0", "persistdir=/w/persist" })
            Assert.Contains(line, main);
        Assert.Equal("", main[^1]);
    }

    [NeedsFact("gpg", "rpmkeys")]
    public void APackageThatIsNoneIsRefused()
    {
        DnfRepositories repositories = Of(Signed());
        LockedPackage package = new() { Name = "app", Version = "1-1", Repository = "site" };
        string file = site.Files.Write("app.rpm", "not a package"u8.ToArray());
        SlipwayException error = Assert.Throws<SlipwayException>(() =>
            repositories.CheckSignatures([new PackageCache.Held(package, file)], CancellationToken.None));
        Assert.Equal(("PackageNotTrusted", ErrorKind.SecurityError, "app"), (error.Id, error.Kind, error.Target));
        Assert.StartsWith("/site/a.yaml:4:5: package 'app' 1-1 of repository 'site' ", error.Message, StringComparison.Ordinal);
        // of another repository, whose business it is
        repositories.CheckSignatures([new PackageCache.Held(new LockedPackage { Name = "app", Repository = "other" }, file)],
            CancellationToken.None);
        Of(new PackageRepository { Name = new Located("site", "w"), Urls = ["https://h/x"], Trusted = true })
            .CheckSignatures([new PackageCache.Held(package, file)], CancellationToken.None);
    }

    /// <summary>dnf would take the key of any repository for the packages of each.</summary>
    [NeedsFact("bash", "gpg", "dpkg-deb", "apt-ftparchive", "rpmbuild", "rpmsign", "createrepo_c", "busybox", "rpmkeys")]
    public void APackageIsSignedByTheKeyOfItsOwnRepository()
    {
        PackageRepository With(string name) =>
            new() { Name = new Located(name, "w"), Urls = [LocalRepositories.Url("rpm/site")],
                Key = new RepositoryKey(LocalRepositories.Key(name), null, null, "w") };
        string file = Directory.EnumerateFiles(LocalRepositories.Path + "/rpm/site", "app-1.rpm", SearchOption.AllDirectories).First();
        DnfRepositories repositories = Of(With("site"), With("wrong"));
        repositories.CheckSignatures([new PackageCache.Held(new LockedPackage { Name = "app", Repository = "site" }, file)],
            CancellationToken.None);
        SlipwayException error = Assert.Throws<SlipwayException>(() =>
            repositories.CheckSignatures([new PackageCache.Held(new LockedPackage { Name = "app", Repository = "wrong" }, file)],
                CancellationToken.None));
        Assert.Equal("PackageNotTrusted", error.Id);
        Assert.Contains("is not signed by the repository's key", error.Message, StringComparison.Ordinal);
    }
}
