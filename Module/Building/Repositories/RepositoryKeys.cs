using System.Globalization;
using Slipway.Linux;

namespace Slipway.Building.Repositories;

/// <summary>The OpenPGP keys of a repository, made ready for APT and dnf: only those that are meant, and of those only what has not expired.</summary>
/// <remarks>Neither dnf nor rpm looks at the expiry of a key that signs packages; keys that have expired are therefore not handed to them.</remarks>
sealed class RepositoryKeys(BuildContext context)
{
    /// <summary>Where a key is looked for that the definition names by its fingerprint alone.</summary>
    static readonly string[] HostKeyrings = ["/usr/share/keyrings", "/etc/apt/keyrings", "/etc/apt/trusted.gpg.d", "/etc/pki/rpm-gpg", "/usr/share/distribution-gpg-keys"];

    /// <summary>A file with the usable keys, armoured, and their fingerprints.</summary>
    public sealed record Usable(string File, IReadOnlyList<string> Fingerprints);

    sealed record Key(string Fingerprint, char Validity, DateTimeOffset? Expires, bool HasSigner);

    /// <summary>The usable keys of a repository.</summary>
    /// <returns>Null where it has no key of its own.</returns>
    /// <exception cref="SlipwayException">There is no key in the file, not the one that is meant, or it has expired or is revoked.</exception>
    public Usable? Prepare(PackageRepository repository, CancellationToken cancel)
    {
        if (repository.Key is null)
            return null;
        if (context.Keys.TryGetValue(repository, out Usable? before))
            return before;
        return context.Keys[repository] = Read(repository, repository.Key, cancel);
    }

    Usable Read(PackageRepository repository, RepositoryKey key, CancellationToken cancel)
    {
        string home = context.Directory("gnupg");
        File.SetUnixFileMode(home, (UnixFileMode)Mode.rwx______);
        string input = key.File ?? WriteInline(repository, key) ?? FindOnHost(key, home, cancel);
        List<Key> keys = Read(input, home, cancel);
        string who = $"{key.Where}: repository '{repository.Name.Value}'";
        if (keys.Count == 0)
            throw new SlipwayException("RepositoryKeyInvalid", ErrorKind.SecurityError, $"{who}: {key.File ?? "the text"} holds no OpenPGP public key", "Give the file that the repository publishes as its public key (.asc or .gpg).", repository.Name.Value);
        if (key.Fingerprint is not null)
        {
            string held = string.Join(", ", keys.Select(k => k.Fingerprint));
            keys.RemoveAll(k => k.Fingerprint != key.Fingerprint);
            if (keys.Count == 0)
                throw new SlipwayException("RepositoryKeyInvalid", ErrorKind.SecurityError, $"{who}: {key.File ?? "the text"} holds {held}, and not the key {key.Fingerprint}", "Give the right key, or mend the fingerprint.", repository.Name.Value);
        }
        List<Key> usable = [.. keys.Where(k => k.Validity is not ('e' or 'r' or 'i') && k.HasSigner)];
        if (usable.Count == 0)
            throw new SlipwayException("RepositoryKeyExpired", ErrorKind.SecurityError, $"{who}: the key {keys[0].Fingerprint} {Why(keys[0])}", "Get the repository's new key.", repository.Name.Value);

        string file = Path.Combine(context.Directory("keys"), string.Create(CultureInfo.InvariantCulture, $"{repository.Name.Value}-{context.Keys.Count}.asc"));
        Gpg(home, ["--import", input], cancel);
        List<string> armoured = [];
        // subkeys that have expired go too
        Gpg(home, ["--armor", "--export-filter", "drop-subkey=expired -t || revoked -t", "--export", .. usable.Select(k => k.Fingerprint)], cancel, armoured.Add);
        if (armoured.Count == 0)
            throw new SlipwayException("RepositoryKeyInvalid", ErrorKind.SecurityError, $"{who}: gpg could not read the key {usable[0].Fingerprint}", context.LogHint, repository.Name.Value);
        File.WriteAllText(file, string.Join('\n', armoured) + "\n");
        return new Usable(file, [.. usable.Select(k => k.Fingerprint).Order(StringComparer.Ordinal)]);
    }

    static string Why(Key key) => key switch
    {
        { Validity: 'r' } => "has been revoked",
        { Expires: { } when } when when < DateTimeOffset.UtcNow => $"expired on {when:yyyy-MM-dd}",
        { HasSigner: false } => "has no part that may sign and has not expired",
        _ => "is not valid",
    };

    string? WriteInline(PackageRepository repository, RepositoryKey key)
    {
        if (key.Inline is null)
            return null;
        string file = Path.Combine(context.Directory("keys"), repository.Name.Value + ".inline");
        File.WriteAllText(file, key.Inline);
        return file;
    }

    string FindOnHost(RepositoryKey key, string home, CancellationToken cancel)
    {
        foreach (string directory in HostKeyrings.Where(System.IO.Directory.Exists))
            foreach (string file in System.IO.Directory.EnumerateFiles(directory).Order(StringComparer.Ordinal))
                if (Read(file, home, cancel).Any(k => k.Fingerprint == key.Fingerprint))
                    return file;
        throw new SlipwayException("RepositoryKeyInvalid", ErrorKind.ObjectNotFound, $"{key.Where}: no keyring of this host holds the key {key.Fingerprint} (looked in {string.Join(", ", HostKeyrings)})", "Give the key itself: 'key: FILE.asc'.", key.Fingerprint);
    }

    /// <summary>The primary keys of a file, by gpg's machine-readable listing (gnupg: doc/DETAILS, "Format of the colon listings").</summary>
    List<Key> Read(string file, string home, CancellationToken cancel)
    {
        List<Key> keys = [];
        bool primary = false, signer = false;
        char validity = '-';
        DateTimeOffset? expires = null;
        string? fingerprint = null;
        void Add()
        {
            if (fingerprint is not null)
                keys.Add(new Key(fingerprint, validity, expires, signer));
            fingerprint = null;
        }
        Gpg(home, ["--with-colons", "--fixed-list-mode", "--show-keys", file], cancel, line =>
        {
            string[] field = line.Split(':');
            if (field is ["pub" or "sub", { } state, _, _, _, _, var end, ..] && field.Length > 11)
            {
                if (field[0] == "pub")
                {
                    Add();
                    primary = true;
                    signer = false;
                    validity = state.Length > 0 ? state[0] : '-';
                    expires = null;
                }
                DateTimeOffset? until = long.TryParse(end, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds) ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
                if (field[0] == "pub")
                    expires = until;
                // lower case: what this very part may do
                signer |= field[11].Contains('s', StringComparison.Ordinal) && !(state.Length > 0 && state[0] is 'e' or 'r' or 'i') && (until is null || until > DateTimeOffset.UtcNow);
            }
            else if (field[0] == "fpr" && primary && field.Length > 9)
            {
                fingerprint = field[9];
                primary = false;
            }
        });
        Add();
        return keys;
    }

    int Gpg(string home, IReadOnlyList<string> arguments, CancellationToken cancel, Action<string>? output = null) =>
        HostProgram.Run("gpg", ["--homedir", home, "--batch", "--no-options", "--no-autostart", "--no-auto-check-trustdb", "--quiet", .. arguments], output ?? (_ => { }), context.Log,
            new Dictionary<string, string?> { ["LC_ALL"] = "C.UTF-8" }, cancel: cancel);
}
