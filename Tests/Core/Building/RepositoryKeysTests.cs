using Slipway.Building.Repositories;

namespace Slipway.Tests.Building;

public sealed class RepositoryKeysTests : IDisposable
{
    const string Where = "/site/a.yaml:4:5";

    readonly BuildSite site = new();

    public void Dispose() => site.Dispose();

    static PackageRepository Of(string? file, string? inline = null, string? fingerprint = null) =>
        new() { Name = new Located("site", "/site/a.yaml:3:9"), Key = new RepositoryKey(file, inline, fingerprint, Where) };

    RepositoryKeys.Usable? Prepare(PackageRepository repository) =>
        new RepositoryKeys(site.Context).Prepare(repository, CancellationToken.None);

    void AssertRefused(string id, string says, PackageRepository repository)
    {
        SlipwayException error = Assert.Throws<SlipwayException>(() => Prepare(repository));
        Assert.Equal(id, error.Id);
        Assert.StartsWith(Where + ": ", error.Message, StringComparison.Ordinal);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    string Both()
    {
        string file = site.In("both.asc");
        File.WriteAllText(file, File.ReadAllText(PublicKeys.File("two")) + File.ReadAllText(PublicKeys.File("one")));
        return file;
    }

    /// <summary>The primary keys of a file, as gpg says.</summary>
    static IEnumerable<string> Held(string file) =>
        Slipway.Linux.HostProgram.Read("gpg", "--batch", "--with-colons", "--show-keys", file)!.Split('\n')
        .Where(l => l.StartsWith("fpr:", StringComparison.Ordinal)).Select(l => l.Split(':')[9]);

    [NeedsFact("gpg")]
    public void AGoodKeyIsWrittenAloneIntoAFile()
    {
        RepositoryKeys.Usable usable = Prepare(Of(PublicKeys.File("one")))!;
        Assert.Equal([PublicKeys.Fingerprint("one")], usable.Fingerprints);
        Assert.Equal(usable.Fingerprints, Held(usable.File));
        Assert.StartsWith("-----BEGIN PGP PUBLIC KEY BLOCK-----", File.ReadAllText(usable.File), StringComparison.Ordinal);
        Assert.Null(Prepare(new PackageRepository { Name = new Located("site", Where) }));
    }

    [NeedsFact("gpg")]
    public void OfSeveralKeysAllAreUsableOrTheOneThatIsMeant()
    {
        string one = PublicKeys.Fingerprint("one"), two = PublicKeys.Fingerprint("two");
        Assert.Equal(new[] { one, two }.Order(StringComparer.Ordinal), Prepare(Of(Both()))!.Fingerprints);
        RepositoryKeys.Usable meant = Prepare(Of(Both(), null, one))!;
        Assert.Equal([one], meant.Fingerprints);
        Assert.Equal([one], Held(meant.File));
        AssertRefused("RepositoryKeyInvalid", $"holds {two}, and not the key {one}", Of(PublicKeys.File("two"), null, one));
    }

    [NeedsFact("gpg")]
    public void AKeyMayStandInTheDefinition() =>
        Assert.Equal([PublicKeys.Fingerprint("two")], Prepare(Of(null, File.ReadAllText(PublicKeys.File("two"))))!.Fingerprints);

    [NeedsTheory("gpg")]
    [InlineData("expired", "expired on 2020-01-02")]
    [InlineData("revoked", "has been revoked")]
    [InlineData("certifying", "has no part that may sign")]
    public void AKeyThatMayNotSignAnyMoreIsRefused(string key, string says)
    {
        AssertRefused("RepositoryKeyExpired", $"the key {PublicKeys.Fingerprint(key)} {says}", Of(PublicKeys.File(key)));
        File.WriteAllText(site.In("two.asc"), File.ReadAllText(PublicKeys.File(key)) + File.ReadAllText(PublicKeys.File("one")));
        Assert.Equal([PublicKeys.Fingerprint("one")], Prepare(Of(site.In("two.asc")))!.Fingerprints);
    }

    [NeedsFact("gpg")]
    public void WhatIsNoKeyIsRefused()
    {
        AssertRefused("RepositoryKeyInvalid", "holds no OpenPGP public key", Of(site.Files.Write("text.asc", "no key"u8.ToArray())));
        AssertRefused("RepositoryKeyInvalid", "the text holds no OpenPGP public key", Of(null, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"));
        AssertRefused("RepositoryKeyInvalid", "no keyring of this host holds the key " + new string('0', 40),
            Of(null, null, new string('0', 40)));
    }
}
