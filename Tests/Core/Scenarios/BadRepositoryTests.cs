namespace Slipway.Tests.Scenarios;

/// <summary>
/// Repositories that must not be built from: each is refused, the repository's line and the key or package named, and nothing is left.
/// </summary>
public sealed class BadRepositoryTests : BuildTest
{
    [NeedsTheory(Repositories.Deb)]
    [InlineData("site", "wrong", "d.yaml:5:12: the repository's signature is not by the key that was given")]
    [InlineData("site", "expired", "repository 'bad': the key ", "expired on 2020-01-02")]
    [InlineData("expired", "site", "d.yaml:5:12: the repository's signature is not by the key that was given")]
    [InlineData("outdated", "site", "d.yaml:5:12: ", "expired", "check-valid-until: false")]
    [InlineData("tampered", "site", "package 'app' 1 of repository 'bad'", "what is there has the SHA-256")]
    [InlineData("nowhere", "site", "d.yaml:5:12: the repository cannot be reached")]
    public void ABadDebRepositoryIsRefused(string repository, string key, params string[] says) => AssertRefused(Build(Write("d.yaml", $$"""
        from: deb
        suite: mini
        repositories:
          - {name: mini, url: "{{LocalRepositories.Url("deb/mini")}}", key: {{LocalRepositories.Key("base")}}}
          - {name: bad, url: "{{LocalRepositories.Url("deb/" + repository)}}", key: {{LocalRepositories.Key(key)}}, priority: 1001}
        packages: [app]
        """)), [.. says, "The whole log: "]);

    [NeedsTheory(Repositories.Rpm)]
    [InlineData("extra", "wrong", "r.yaml:4:12: repository 'bad': its repomd.xml is not signed by the key that was given")]
    [InlineData("changed", "extra",
        "r.yaml:4:12: repository 'bad': its repomd.xml is not signed by the key that was given, or was changed since")]
    [InlineData("expired", "expired", "repository 'bad': the key ", "expired on 2020-01-02")]
    [InlineData("expired", "site", "repository 'bad': its repomd.xml is not signed by the key that was given")]
    [InlineData("expiredpackages", "site", "r.yaml:4:12: package 'lib' 7-1 of repository 'bad' is not signed by the repository's key ")]
    [InlineData("unsigned", "site", "r.yaml:4:12: package 'lib' 8-1 of repository 'bad' is not signed by the repository's key ")]
    [InlineData("tampered", "extra", "package 'lib' 1.5-1 of repository 'bad'", "what is there has the SHA-256")]
    [InlineData("resigned", "extra", "r.yaml:4:12: package 'lib' 1.5-1 of repository 'bad' ")]
    [InlineData("nowhere", "extra", "r.yaml:4:12: repository 'bad' cannot be reached")]
    public void ABadRpmRepositoryIsRefused(string repository, string key, params string[] says) => AssertRefused(Build(Write("r.yaml", $$"""
        from: rpm
        repositories:
          - {name: base, url: "{{LocalRepositories.Url("rpm/base")}}", key: {{LocalRepositories.Key("base")}}}
          - {name: bad, url: "{{LocalRepositories.Url("rpm/" + repository)}}", key: {{LocalRepositories.Key(key)}}, priority: 1}
        packages: [app]
        """)), [.. says, "The whole log: "]);

    [NeedsFact(Repositories.Rpm)]
    public void AKeyThatSignsTwoPackagesOfAnotherRepositoryIsNotTakenThere()
    {
        // 'extra' is signed by its own key; the key of 'base' is known to the build, and does not do
        string text = RepositoryBuildTests.Rpm()
            .Replace(LocalRepositories.Key("extra"), LocalRepositories.Key("base") + ", repo-gpgcheck: false", StringComparison.Ordinal);
        AssertRefused(Build(Write("r.yaml", text)), "package 'lib' 1.5-1 of repository 'extra' is not signed by the repository's key ");
    }

    [NeedsFact(Repositories.Rpm)]
    public void TheFingerprintDecidesWhichKeyIsTaken()
    {
        string both = Write("both.asc", File.ReadAllText(LocalRepositories.Key("wrong")) + File.ReadAllText(LocalRepositories.Key("base")));
        string text = RepositoryBuildTests.Rpm("packages: [lib]\n")
            .Replace(LocalRepositories.Key("base"), both + ", fingerprint: " + new string('A', 40), StringComparison.Ordinal);
        AssertRefused(Build(Write("r.yaml", text)), "and not the key " + new string('A', 40));
    }

    [NeedsTheory(Repositories.Rpm)]
    [InlineData("deb"), InlineData("rpm")]
    public void AMirrorThatStopsHalfWayIsNamed(string kind)
    {
        using TinyServer server = new(Path.Combine(LocalRepositories.Path, kind, kind == "deb" ? "mini" : "base"), half: true);
        string text = kind == "deb" ? "from: deb\nsuite: mini\n" : "from: rpm\n";
        AssertRefused(
            Build(Write("h.yaml", text + $"repositories:\n  - {{name: half, url: \"{server.Url}\", key: "
                + $"{LocalRepositories.Key("base")}}}\npackages: [app]\n")),
            "h.yaml:", " of repository 'half' cannot be had from " + server.Url);
    }

    [NeedsFact(Repositories.Rpm)]
    public void AMetalinkOfOtherMetadataIsRefused()
    {
        // the checksum that the metalink has decides before any signature is looked at
        string metalink = RepositoryBuildTests.Metalink(
            this, LocalRepositories.Url("rpm/base"), Path.Combine(LocalRepositories.Path, "rpm/site/repodata/repomd.xml"));
        AssertRefused(
            Build(Write("m.yaml", $"from: rpm\nrepositories:\n  - {{name: base, metalink: \"file://{metalink}\", key: "
                + $"{LocalRepositories.Key("base")}}}\npackages: [app]\n")),
            "m.yaml:3:12: repository 'base' cannot be reached, or is not whole");
    }
}
