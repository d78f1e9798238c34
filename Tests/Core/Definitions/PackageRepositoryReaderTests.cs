using Slipway.Definitions;
using Slipway.Readers.Yaml;

namespace Slipway.Tests.Definitions;

public sealed class PackageRepositoryReaderTests : IDisposable
{
    const string Fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567";

    readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    IReadOnlyList<PackageRepository> Read(string items, bool deb = true)
    {
        string text = "repositories:\n" + items;
        YamlMap map = YamlMap.Of("/site/a.yaml", YamlForm.Definition, YamlText.Parse(text, "/site/a.yaml", YamlForm.Definition),
            "a definition", YamlVariables.None, ["repositories"]);
        return PackageRepositoryReader.ReadAll(
            map, directory.Path, deb ? PackageRepositoryReader.DebKeys : PackageRepositoryReader.RpmKeys);
    }

    PackageRepository One(string item, bool deb = true) => Assert.Single(Read("- " + item, deb));

    void AssertRefused(string id, string says, string items, bool deb = true)
    {
        SlipwayException error = Assert.Throws<SlipwayException>(() => Read(items, deb));
        Assert.Equal(id, error.Id);
        Assert.StartsWith("/site/a.yaml:2:", error.Message, StringComparison.Ordinal);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Recommendation);
    }

    [Fact]
    public void EverythingThatADebRepositoryCanSayIsRead()
    {
        directory.Write("site.asc", "key");
        PackageRepository all = One($$"""
            {name: site, url: ["https://h/deb", "file:///mirror"], suite: bookworm/updates, components: [main, contrib],
             key: site.asc, fingerprint: {{Fingerprint}}, priority: 900, proxy: "http://proxy:3128", include: [a, "lib*"], exclude: b,
             architecture: arm64, check-valid-until: false, enabled: true}
            """);
        Assert.Equal("site", all.Name.Value);
        Assert.Equal(["https://h/deb", "file:///mirror"], all.Urls);
        Assert.Equal(("bookworm/updates", 900, "http://proxy:3128"), (all.Suite, all.Priority, all.Proxy));
        Assert.Equal(["main", "contrib"], all.Components);
        Assert.Equal((directory.Path + "/site.asc", null, Fingerprint), (all.Key!.File, all.Key.Inline, all.Key.Fingerprint));
        Assert.Equal(["a", "lib*"], all.Include);
        Assert.Equal(["b"], all.Exclude);
        Assert.Equal(["arm64"], all.Architectures);
        Assert.False(all.CheckValidUntil);
        Assert.False(all.Trusted);
        Assert.True(all.CheckMetadata);
    }

    [Fact]
    public void AnRpmRepositoryMayHaveAMetalinkAndUnsignedMetadata()
    {
        PackageRepository read = One("{name: site, metalink: \"https://h/metalink?repo=$releasever\", repo-gpgcheck: false, trusted: true}",
            deb: false);
        Assert.Equal("https://h/metalink?repo=$releasever", read.Metalink);
        Assert.False(read.CheckMetadata);
        Assert.True(read.Trusted && read.CheckValidUntil);
        Assert.Equal("https://h/list", One("{name: site, mirrorlist: \"https://h/list\", trusted: true}", deb: false).MirrorList);
        AssertRefused("DefinitionUnknownKey", "'metalink'", "- {name: site, metalink: \"https://h/m\", trusted: true}");
        AssertRefused("DefinitionUnknownKey", "'suite'", "- {name: site, suite: a, trusted: true}", deb: false);
    }

    [Fact]
    public void OfOneThatOnlyHasANameTheDistributionKnowsTheRest()
    {
        PackageRepository own = One("{name: base}");
        Assert.True(own.IsOwn);
        Assert.Null(own.Key);
        Assert.Equal(["main"], own.Components);
        Assert.True(own.CheckValidUntil && own.CheckMetadata);
    }

    [Fact]
    public void WhatIsNotEnabledIsNotThereButKeepsItsName()
    {
        Assert.Equal(["a"], Read("- {name: a}\n- {name: b, enabled: false}").Select(r => r.Name.Value));
        Assert.Equal("DefinitionBadName", Assert.Throws<SlipwayException>(() => Read("- {name: a}\n- {name: a, enabled: false}")).Id);
    }

    [Theory]
    [InlineData("key: " + Fingerprint)]
    [InlineData("fingerprint: " + Fingerprint)]
    [InlineData("key: \"0x0123 4567 89ab cdef 0123  4567 89ab cdef 0123 4567\"")]
    [InlineData("key: " + Fingerprint + ", fingerprint: " + Fingerprint)]
    public void AKeyMayBeNamedByItsFingerprint(string key)
    {
        RepositoryKey read = One($"{{name: a, url: \"https://h/x\", {key}}}").Key!;
        Assert.Equal((null, null, Fingerprint), (read.File, read.Inline, read.Fingerprint));
    }

    [Fact]
    public void AKeyMayStandInTheDefinition()
    {
        RepositoryKey read = One("{name: a, url: \"https://h/x\", key: \"-----BEGIN PGP PUBLIC KEY BLOCK-----\\nx\"}").Key!;
        Assert.Equal((null, "-----BEGIN PGP PUBLIC KEY BLOCK-----\nx", null), (read.File, read.Inline, read.Fingerprint));
    }

    [Theory]
    [InlineData("{name: a b}", "DefinitionBadName", "'a b'")]
    [InlineData("{url: \"https://h/x\"}", "DefinitionMissingKey", "'name'")]
    [InlineData("{name: a, url: \"https://h/x\"}", "RepositoryWithoutKey", "'a'")]
    [InlineData("{name: a, url: \"https://h/x\", trusted: false}", "RepositoryWithoutKey", "'a'")]
    [InlineData("{name: a, url: \"https://h/x\", mirrorlist: \"https://h/l\", trusted: true}", "DefinitionConflict", "'a'")]
    [InlineData("{name: a, url: \"https://me:secret@h/x\", trusted: true}", "DefinitionBadUrl", "password")]
    [InlineData("{name: a, url: \"ftp://h/x\", trusted: true}", "DefinitionBadUrl", "'ftp://h/x'")]
    [InlineData("{name: a, url: \"https://h/x y\", trusted: true}", "DefinitionBadUrl", "'https://h/x y'")]
    [InlineData("{name: a, proxy: \"file:///x\"}", "DefinitionBadUrl", "a proxy")]
    [InlineData("{name: a, include: [\"-x\"]}", "DefinitionBadName", "'-x'")]
    [InlineData("{name: a, architecture: AMD}", "DefinitionBadName", "'AMD'")]
    [InlineData("{name: a, suite: \"a b\"}", "DefinitionBadName", "'a'")]
    [InlineData("{name: a, key: 0123456789ABCDEF0123456789ABCDEF01234567, fingerprint: 1123456789ABCDEF0123456789ABCDEF01234567}",
        "DefinitionConflict", "two different")]
    [InlineData("{name: a, fingerprint: 0123}", "DefinitionWrongType", "'0123'")]
    [InlineData("{name: a, key: nowhere.asc}", "DefinitionFileNotFound", "nowhere.asc")]
    public void WhatIsWrongIsRefusedWithItsPlace(string item, string id, string says) => AssertRefused(id, says, "- " + item);
}
