using System.Globalization;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Building.Repositories;

/// <summary>
/// The OpenPGP keys of a repository, made ready for APT and dnf: only those that are meant, and of those only what has not expired.
/// </summary>
/// <remarks>
/// Neither dnf nor rpm looks at the expiry of a key that signs packages; keys that have expired are therefore not handed to them.
/// </remarks>
sealed class RepositoryKeys(BuildContext context)
{
    /// <summary>Where a key is looked for that the definition names by its fingerprint alone.</summary>
    static readonly string[] HostKeyrings =
        ["/usr/share/keyrings", "/etc/apt/keyrings", "/etc/apt/trusted.gpg.d", "/etc/pki/rpm-gpg", "/usr/share/distribution-gpg-keys"];

    /// <summary>A file with the usable keys, armoured, and their fingerprints.</summary>
    public sealed record Usable(string File, IReadOnlyList<string> Fingerprints);

    sealed record Key(string Fingerprint, char Validity, DateTimeOffset? Expires, bool HasSigner);

    /// <summary>The usable keys of a repository.</summary>
    /// <returns>Null where it has no key of its own.</returns>
    /// <exception cref="SlipwayException">There is no key in the file, not the one that is meant, or it has expired or is
    /// revoked.</exception>
    public Usable? Prepare(PackageRepository repository, CancellationToken cancel) =>
        repository.Key is { } key ? Read(repository, key, cancel) : null;

    Usable Read(PackageRepository repository, RepositoryKey key, CancellationToken cancel)
    {
        string home = context.Directory("gnupg");
        File.SetUnixFileMode(home, (UnixFileMode)Mode.rwx______);
        string input = key.File ?? WriteInline(repository, key) ?? FindOnHost(key, home, cancel);
        List<Key> keys = Read(input, home, cancel);
        string name = repository.Name.Value, from = key.File ?? "the text";
        if (keys.Count == 0)
            throw RepositoryErrors.NoKey(key, name, from);
        if (key.Fingerprint is not null)
        {
            string[] held = [.. keys.Select(k => k.Fingerprint)];
            keys.RemoveAll(k => k.Fingerprint != key.Fingerprint);
            if (keys.Count == 0)
                throw RepositoryErrors.OtherKey(key, name, from, held);
        }
        List<Key> usable = [.. keys.Where(k => k.Validity is not ('e' or 'r' or 'i') && k.HasSigner)];
        if (usable.Count == 0)
            throw RepositoryErrors.KeyExpired(key, name, keys[0].Fingerprint, Why(keys[0]));

        // two stages may have repositories of one name
        string file = Path.Combine(context.Directory("keys"), $"{name}-{ContentKey.Of([key.Where])[..8]}.asc");
        Gpg(home, ["--import", input], cancel);
        List<string> armoured = [];
        // subkeys that have expired go too
        Gpg(home, ["--armor", "--export-filter", "drop-subkey=expired -t || revoked -t", "--export", .. usable.Select(k => k.Fingerprint)],
            cancel, armoured.Add);
        if (armoured.Count == 0)
            throw RepositoryErrors.KeyUnreadable(key, name, usable[0].Fingerprint);
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
        // two stages may have repositories of one name
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
        throw RepositoryErrors.KeyNotOnHost(key, HostKeyrings);
    }

    /// <summary>
    /// The primary keys of a file, by gpg's machine-readable listing (gnupg: doc/DETAILS, "Format of the colon listings").
    /// </summary>
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
                DateTimeOffset? until = long.TryParse(end, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds)
                    ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
                if (field[0] == "pub")
                    expires = until;
                // lower case: what this very part may do
                signer |= field[11].Contains('s', StringComparison.Ordinal) && !(state.Length > 0 && state[0] is 'e' or 'r' or 'i')
                    && (until is null || until > DateTimeOffset.UtcNow);
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
        HostProgram.Run("gpg", ["--homedir", home, "--batch", "--no-options", "--no-autostart", "--no-auto-check-trustdb", "--quiet",
            .. arguments], output ?? (_ => { }), context.Log,
            new Dictionary<string, string?> { ["LC_ALL"] = "C.UTF-8" }, cancel: cancel);
}
