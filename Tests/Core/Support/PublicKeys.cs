using Slipway.Linux;

namespace Slipway.Tests;

/// <summary>OpenPGP keys that gpg(1) made, once for all tests: two that are good, and one of each kind that is not.</summary>
static class PublicKeys
{
    static readonly Lazy<string> Made = new(Make);

    /// <summary>
    /// The armoured public key: <c>one</c>, <c>two</c>, <c>expired</c> (on 2 January 2020), <c>revoked</c>, or <c>certifying</c>, which may
    /// not sign.
    /// </summary>
    public static string File(string name) => $"{Made.Value}/{name}.asc";

    public static string Fingerprint(string name) => System.IO.File.ReadAllText($"{Made.Value}/{name}.fpr").Trim();

    static string Make()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("slipway-keys-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => directory.Delete(recursive: true);
        List<string> said = [];
        int exit = HostProgram.Run("/bin/sh", ["-e", "-c", """
            export GNUPGHOME=$PWD/gpg
            mkdir -m 700 gpg
            trap 'gpgconf --kill all' EXIT
            key() { # NAME USAGE EXPIRY [OPTION]...
                name=$1 usage=$2 expiry=$3
                shift 3
                gpg -q "$@" --batch --pinentry-mode loopback --passphrase '' --quick-gen-key "$name@example.org" rsa2048 "$usage" "$expiry"
                gpg -q --with-colons --list-keys "$name@example.org" | sed -n 's/^fpr:*\([0-9A-F]*\):$/\1/p' | head -1 >"$name.fpr"
                [ "$name" != revoked ] || sed 's/^:---/---/' "gpg/openpgp-revocs.d/$(cat revoked.fpr).rev" | gpg -q --batch --import
                gpg -q --armor --export "$name@example.org" >"$name.asc"
            }
            key one sign never
            key two sign never
            key certifying cert never
            key revoked sign never
            key expired sign 1d --faked-system-time 20200101T120000!
            """], _ => { }, said.Add, directory: directory.FullName);
        Assert.True(exit == 0, string.Join('\n', said));
        return directory.FullName;
    }
}
