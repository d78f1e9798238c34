namespace Slipway.Building.Repositories;

/// <summary>What can go wrong with a repository, its keys and its packages.</summary>
static class RepositoryErrors
{
    // the repository itself

    /// <param name="known">The repositories of this host.</param>
    public static SlipwayException NotOnHost(Located name, IReadOnlyList<string> known) =>
        new("RepositoryNotFound", ErrorKind.ObjectNotFound,
            $"{name.Where}: repository '{name.Value}' has no URL, and this host has none of that name",
            known.Count == 0 ? "Give its 'url', 'mirrorlist' or 'metalink'."
                : $"Give its URL. This host has: {string.Join(", ", known.Take(20))}.", name.Value);

    public static SlipwayException NoneOnHost(Located from) =>
        new("RepositoryNotFound", ErrorKind.ObjectNotFound,
            $"{from.Where}: the definition names no repository, and this host has none for RPM packages",
            "Add 'repositories', each with name, url and key.", from.Value);

    public static SlipwayException NoMirrors(Located name, string url) =>
        new("RepositoryUnreachable", ErrorKind.ConnectionError,
            $"{name.Where}: the mirror list of repository '{name.Value}', {url}, cannot be read or names no mirror",
            "Check the URL and the network.", name.Value);

    /// <param name="what">Which repository, to stand before "cannot be reached".</param>
    /// <param name="or">What else may be wrong with it, to follow "or".</param>
    /// <param name="check">What to look at.</param>
    public static SlipwayException Unreachable(string where, string what, string or, string said, string check, string? target) =>
        new("RepositoryUnreachable", ErrorKind.ConnectionError, $"{where}: {what} cannot be reached, or {or}: {said}", $"Check {check}.",
            target);

    public static SlipwayException Outdated(string where, string said, string suite) =>
        new("RepositoryOutdated", ErrorKind.SecurityError, $"{where}: {said}",
            "Use a mirror that is kept up to date, or 'check-valid-until: false' if you mean the old state.", suite);

    public static SlipwayException FilesDisagree(string where, string said, string suite) =>
        new("PackageTampered", ErrorKind.SecurityError, $"{where}: the repository's files do not agree with each other: {said}",
            "Ask who keeps the mirror, or use another.", suite);

    // keys and signatures

    public static SlipwayException WithoutKey(Located name) =>
        new("RepositoryWithoutKey", ErrorKind.InvalidData,
            $"{name.Where}: this host's repository '{name.Value}' has no key in a file, so nothing would check what comes from it",
            "Add 'key: FILE.asc', or 'trusted: true' if you mean it.", name.Value);

    public static SlipwayException SuiteNotTrusted(string where, string said, string suite) =>
        new("RepositoryNotTrusted", ErrorKind.SecurityError,
            $"{where}: the repository's signature is not by the key that was given: {said}", "Give the right key.", suite);

    public static SlipwayException MetadataNotTrusted(string where, string? repository, string said) =>
        new("RepositoryNotTrusted", ErrorKind.SecurityError,
            $"{where}: repository '{repository}': its repomd.xml is not signed by the key that was given, or was changed since: {said}",
            "Give the right key.", repository);

    public static SlipwayException MetadataNotSigned(string where, string? repository, string said) =>
        new("RepositoryNotTrusted", ErrorKind.SecurityError,
            $"{where}: repository '{repository}' has no signature of its metadata (repomd.xml.asc): {said}",
            "If its packages are signed and its metadata is not, set 'repo-gpgcheck: false'.", repository);

    /// <param name="source">The file that holds it, or "the text".</param>
    public static SlipwayException NoKey(RepositoryKey key, string repository, string source) =>
        KeyInvalid(key, repository, $"{source} holds no OpenPGP public key",
            "Give the file that the repository publishes as its public key (.asc or .gpg).");

    public static SlipwayException OtherKey(RepositoryKey key, string repository, string source, IEnumerable<string> held) =>
        KeyInvalid(key, repository, $"{source} holds {string.Join(", ", held)}, and not the key {key.Fingerprint}",
            "Give the right key, or mend the fingerprint.");

    public static SlipwayException KeyUnreadable(RepositoryKey key, string repository, string fingerprint) =>
        KeyInvalid(key, repository, $"gpg could not read the key {fingerprint}", null);

    static SlipwayException KeyInvalid(RepositoryKey key, string repository, string why, string? advice) =>
        new("RepositoryKeyInvalid", ErrorKind.SecurityError, $"{key.Where}: repository '{repository}': {why}", advice, repository);

    public static SlipwayException KeyRefused(RepositoryKey key, string repository, string? said) =>
        new("RepositoryKeyInvalid", ErrorKind.SecurityError, $"{key.Where}: rpm does not take the key of repository '{repository}': {said}",
            null, repository);

    public static SlipwayException KeyNotOnHost(RepositoryKey key, IEnumerable<string> keyrings) =>
        new("RepositoryKeyInvalid", ErrorKind.ObjectNotFound,
            $"{key.Where}: no keyring of this host holds the key {key.Fingerprint} (looked in {string.Join(", ", keyrings)})",
            "Give the key itself: 'key: FILE.asc'.", key.Fingerprint);

    public static SlipwayException KeyExpired(RepositoryKey key, string repository, string fingerprint, string why) =>
        new("RepositoryKeyExpired", ErrorKind.SecurityError, $"{key.Where}: repository '{repository}': the key {fingerprint} {why}",
            "Get the repository's new key.", repository);

    // packages

    /// <param name="what">What is wrong with the package, to follow its name.</param>
    public static SlipwayException PackageNotTrusted(Located repository, LockedPackage package, string what) =>
        new("PackageNotTrusted", ErrorKind.SecurityError,
            $"{repository.Where}: package '{package.Name}' {package.Version} of repository '{repository.Value}' {what}",
            "Give the key that signs the packages, or ask who keeps the repository.", package.Name);

    public static SlipwayException PackageNotFound(string where, string what, string? package) =>
        new("PackageNotFound", ErrorKind.ObjectNotFound, $"{where}: {what}", "Check the name, or add the repository that has it.", package);

    public static SlipwayException PackagesConflict(Located source, string said) =>
        new("PackagesConflict", ErrorKind.InvalidOperation, $"{source.Where}: the packages cannot be installed together: {said}",
            "Look at priorities, and at which repository each package comes from.", source.Value);

    /// <param name="others">Packages that cannot be had either.</param>
    public static SlipwayException PackageTampered(string where, LockedPackage package, string why, IReadOnlyList<LockedPackage> others) =>
        new("PackageTampered", ErrorKind.SecurityError,
            $"{where}: package '{package.Name}' {package.Version} of repository '{package.Repository}', "
            + $"{Url(package)}: {why}{More(others)}",
            "Ask who keeps the mirror; a copy with the right hash can come from -PackageCache DIR.", package.Name);

    public static SlipwayException PackageUnavailable(string where, LockedPackage package, string why,
        IReadOnlyList<LockedPackage> others) =>
        new("PackageUnavailable", ErrorKind.ConnectionError,
            $"{where}: package '{package.Name}' {package.Version} of repository '{package.Repository}' "
            + $"cannot be had from {Url(package)}: {why}{More(others)}",
            "Check the network. If the mirror has dropped the package: "
            + "give a directory that holds the file (-PackageCache DIR, --package-cache DIR), "
                + "or lock what the mirror has now (-UpdateLock).", package.Name);

    static string Url(LockedPackage package) => package.Urls.FirstOrDefault() ?? "";

    static string More(IReadOnlyList<LockedPackage> others) =>
        others.Count > 0 ? $", and {others.Count} more: {string.Join(", ", others.Take(10).Select(p => p.Name))}" : "";
}
