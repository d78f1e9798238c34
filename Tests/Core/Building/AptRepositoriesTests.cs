using Slipway.Building.Repositories;
using Slipway.Linux;

namespace Slipway.Tests.Building;

public sealed class AptRepositoriesTests : IDisposable
{
    const string Release = """
        -----BEGIN PGP SIGNED MESSAGE-----
        Hash: SHA512

        Origin: site
        Label: site's own
        Suite: bookworm
        Date: Sat, 10 Jun 2023 09:00:00 UTC
        SHA256:
         0a 1 main/binary-amd64/Packages
        -----BEGIN PGP SIGNATURE-----

        iQ
        -----END PGP SIGNATURE-----

        """;

    readonly BuildSite site = new();

    public void Dispose() => site.Dispose();

    static PackageRepository Repository(string name, params string[] urls) =>
        new() { Name = new Located(name, "/site/a.yaml:4:5"), Urls = urls, Trusted = true };

    AptRepositories Of(params PackageRepository[] repositories) => new(new DebSource
    {
        From = new Located("deb", "/site/a.yaml:1:7"), Suite = new Located("bookworm", "/site/a.yaml:2:8"), Repositories = repositories,
    }, site.Context, CancellationToken.None);

    /// <summary>An index as APT names it, with the file that vouches for it.</summary>
    AptRepositories.Index Index(string uri, string release, string component)
    {
        string name = site.In($"{uri.Split("//")[^1].Replace('/', '_')}_dists_{release}");
        File.WriteAllText(name + "_InRelease", Release);
        return new AptRepositories.Index(uri, release, component, $"{name}_{component}_binary-amd64_Packages");
    }

    [Fact]
    public void EachRepositoryIsAStanza()
    {
        PackageRepository all = new()
        {
            Name = new Located("all", "w"), Urls = ["file:///mirror/deb"], Components = ["main", "contrib"], Trusted = true,
            Architectures = ["amd64", "arm64"], CheckValidUntil = false,
        };
        PackageRepository flat = new() { Name = new Located("flat", "w"), Urls = ["https://h/flat"], Suite = "./" };
        Assert.Equal("""
            Types: deb
            URIs: copy:/mirror/deb
            Suites: bookworm
            Components: main contrib
            Trusted: yes
            Architectures: amd64 arm64
            Check-Valid-Until: no

            Types: deb
            URIs: https://h/flat
            Suites: ./


            """, Of(all, Repository("own"), flat).Sources(CancellationToken.None));
    }

    [NeedsFact("gpg")]
    public void AKeyIsNamedByItsFile()
    {
        PackageRepository signed = new() { Name = new Located("site", "w"), Urls = ["https://h/x"],
            Key = new RepositoryKey(PublicKeys.File("one"), null, null, "w") };
        AptRepositories repositories = Of(signed);
        RepositoryKeys.Usable key = repositories.KeyOf(signed)!;
        Assert.Equal([PublicKeys.Fingerprint("one")], key.Fingerprints);
        string sources = repositories.Sources(CancellationToken.None);
        Assert.Contains($"\nSigned-By: {key.File}\n", sources, StringComparison.Ordinal);
        Assert.DoesNotContain("Trusted", sources, StringComparison.Ordinal);
    }

    [Fact]
    public void MirrorsAreAListInAFile()
    {
        site.Files.Write("list", "# mirrors\nhttps://m1/x\tpriority:1\nhttps://m2/x\n");
        PackageRepository several = Repository("several", "https://a/x", "file:///b/x");
        PackageRepository listed = new() { Name = new Located("listed", "w"), MirrorList = "file://" + site.In("list"), Trusted = true };
        AptRepositories repositories = Of(several, listed);
        repositories.Sources(CancellationToken.None);
        Assert.Equal(["https://a/x", "copy:/b/x"], File.ReadAllLines(repositories.UriOf(several)["mirror+file:".Length..]));
        Assert.Equal(["https://a/x", "file:///b/x"], repositories.MirrorsOf(several));
        Assert.Equal(["https://m1/x", "https://m2/x"], repositories.MirrorsOf(listed));
        Assert.StartsWith("mirror+file:/", repositories.UriOf(listed), StringComparison.Ordinal);
    }

    /// <summary>APT itself reads the stanzas for what they mean.</summary>
    [NeedsFact("apt-get")]
    public void AptReadsTheStanzas()
    {
        site.Files.Write(
            "a.sources", Of(Repository("one", "https://h/one"),
                new PackageRepository { Name = new Located("two", "w"), Urls = ["file:///m/two"], Suite = "trixie", Components = ["a", "b"],
                    Trusted = true }).Sources(CancellationToken.None));
        string said = HostProgram.Read("apt-get", "-o", "Dir::Etc::sourcelist=" + site.In("a.sources"), "-o",
            "Dir::Etc::sourceparts=/dev/null", "-o", "Dir::State::lists=" + site.In("lists"),
            "indextargets", "--no-release-info", "--format", "$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT)")!;
        Assert.Equal(["Packages copy:/m/two/ trixie a", "Packages copy:/m/two/ trixie b", "Packages https://h/one/ bookworm main"],
            said.Split('\n').Where(l => l.StartsWith("Packages ", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void TheDistributionsOwnAreReplacedWhereNoneIsNamed()
    {
        Assert.False(Of().Replaces);
        Assert.True(Of(Repository("a", "https://h/x")).Replaces);
        Assert.False(Of(Repository("a", "https://h/x"), Repository("own")).Replaces);
        Assert.Equal(["Acquire::http::Proxy::h \"http://p:1\""], Of(Repository("x", "http://y/x"),
            new PackageRepository { Name = new Located("a", "w"), Urls = ["http://h/x", "file:///x"], Proxy = "http://p:1",
                Trusted = true }).ProxyOptions());
    }

    [Fact]
    public void AnIndexIsOfTheRepositoryWithItsUriSuiteAndComponent()
    {
        PackageRepository one = Repository("one", "https://h/x/");
        PackageRepository other = new()
        {
            Name = new Located("other", "w"), Urls = ["https://h/x"], Suite = "trixie", Components = ["extra"],
            Trusted = true,
        };
        PackageRepository own = Repository("own");
        AptRepositories repositories = Of(one, other, own);
        Assert.Same(one, repositories.RepositoryOf(new("https://h/x", "bookworm", "main", "/f")));
        Assert.Same(other, repositories.RepositoryOf(new("https://h/x/", "trixie", "extra", "/f")));
        Assert.Same(own, repositories.RepositoryOf(new("https://mirror.example.org/debian", "bookworm", "main", "/f")));
        Assert.Null(repositories.RepositoryOf(new("https://h/x/", "trixie", "contrib", "/f")));
    }

    [Fact]
    public void StatesAreWhatTheReleaseFilesSay()
    {
        AptRepositories.Index main = Index("https://h/x", "bookworm", "main"), contrib = Index("https://h/x", "bookworm", "contrib");
        LockedRepository state = Assert.Single(
            Of(new PackageRepository { Name = new Located("site", "w"), Urls = ["https://h/x"], Components = ["main", "contrib"],
                Trusted = true }).States([main, contrib]));
        // date -d '2023-06-10 09:00 UTC' +%s
        Assert.Equal(("site", "https://h/x", "bookworm", 1686387600L), (state.Name, state.Url, state.Suite, state.Date));
        Assert.Equal(["main", "contrib"], state.Components);
        Assert.Equal(HostProgram.Read("sha256sum", site.In("h_x_dists_bookworm_InRelease"))![..64], state.Digest["sha256:".Length..]);
        Assert.Equal("distribution", Assert.Single(Of().States([main])).Name);
    }

    /// <summary>apt_preferences(5): the first stanza that fits a version counts.</summary>
    [Fact]
    public void PrioritiesAreOfALabelThatTheReleaseFileGets()
    {
        PackageRepository site = new() { Name = new Located("site", "w"), Urls = ["https://h/x"], Priority = 900, Include = ["a", "lib*"],
            Exclude = ["b"], Trusted = true };
        PackageRepository low = new() { Name = new Located("low", "w"), Urls = ["https://h/low"], Priority = 100, Trusted = true };
        AptRepositories.Index one = Index("https://h/x", "bookworm", "main"), two = Index("https://h/low", "bookworm", "main"),
        plain = Index("https://h/plain", "bookworm", "main");
        Assert.Equal("""
            Package: b
            Pin: release l=slipway-0,c=main
            Pin-Priority: -1

            Package: a lib*
            Pin: release l=slipway-0,c=main
            Pin-Priority: 900

            Package: *
            Pin: release l=slipway-0,c=main
            Pin-Priority: -1

            Package: *
            Pin: release l=slipway-1,c=main
            Pin-Priority: 100


            """, Of(site, low, Repository("plain", "https://h/plain")).Relabel([one, two, plain]));
        Assert.Equal("Label: slipway-0\nOrigin: site\nSuite: bookworm\nDate: Sat, 10 Jun 2023 09:00:00 UTC\n"
            + "SHA256:\n 0a 1 main/binary-amd64/Packages\n",
            File.ReadAllText(one.ReleaseFile!));
        Assert.Equal(Release, File.ReadAllText(plain.ReleaseFile!));
    }
}
