namespace Slipway;

/// <summary>Where a root filesystem comes from: one class for each value of <c>from</c>.</summary>
public abstract class Source
{
    /// <summary>The value of <c>from</c>, and where it stands.</summary>
    public required Located From { get; init; }
}

/// <summary>A source that is made of packages, from any number of repositories.</summary>
public abstract class PackageSource : Source
{
    /// <summary>Empty: the distribution's own. What is not enabled is not here.</summary>
    public IReadOnlyList<PackageRepository> Repositories { get; init; } = [];

    /// <summary>What is installed, with all that it depends on: names, versions and groups as the package manager takes them.</summary>
    public IReadOnlyList<Located> Packages { get; init; } = [];
}

/// <summary><c>from: deb</c>: a Debian-family root filesystem.</summary>
public sealed class DebSource : PackageSource
{
    /// <summary>E.g. <c>bookworm</c>.</summary>
    public required Located Suite { get; init; }
}

/// <summary><c>from: rpm</c>: an RPM-family root filesystem.</summary>
public sealed class RpmSource : PackageSource
{
    /// <summary>What <c>$releasever</c> stands for in URLs (dnf.conf(5)); null where no URL has it.</summary>
    public Located? Release { get; init; }
}

/// <summary><c>from: image</c>: what another image holds.</summary>
public sealed class ImageSource : Source
{
    /// <summary>Absolute path of a SquashFS file, or <c>sha256:…</c> in the node cache.</summary>
    public required Located Image { get; init; }
}

/// <summary><c>from: archive</c>: a tar or cpio archive, compressed in any way that the host has the program for.</summary>
public sealed class ArchiveSource : Source
{
    /// <summary>Absolute path.</summary>
    public required Located Archive { get; init; }

    /// <summary>SHA-256 (64 hexadecimal digits) that the file must have; null takes what is there.</summary>
    public string? Sha256 { get; init; }

    /// <summary>How many bytes it may unpack to; null: 1 GiB, or a hundred times its size where that is more.</summary>
    public long? SizeLimit { get; init; }
}

/// <summary><c>from: host</c>: programs, packages and files of this host, with everything that they need.</summary>
public sealed class HostSource : Source
{
    /// <summary>Names on the PATH, or absolute paths.</summary>
    public IReadOnlyList<Located> Programs { get; init; } = [];

    /// <summary>Installed packages.</summary>
    public IReadOnlyList<Located> Packages { get; init; } = [];

    /// <summary>Absolute paths of files and directories, with wildcards.</summary>
    public IReadOnlyList<Located> Files { get; init; } = [];

    /// <summary>Patterns of paths that stay out.</summary>
    public IReadOnlyList<Located> Exclude { get; init; } = [];
}

/// <summary><c>from: empty</c>: nothing but what <c>files</c> brings.</summary>
public sealed class EmptySource : Source;

/// <summary>One repository of packages: sources.list(5) in deb822 form, or dnf.conf(5).</summary>
public sealed class PackageRepository
{
    /// <summary>Letters, digits, dot, underscore and hyphen; no two of a source have the same.</summary>
    public required Located Name { get; init; }

    /// <summary>Mirrors of one content; empty with neither list of mirrors: the distribution's own, as the tool knows it.</summary>
    public IReadOnlyList<string> Urls { get; init; } = [];

    /// <summary>A text with one URL of a mirror a line.</summary>
    public string? MirrorList { get; init; }

    /// <summary>RPM only: metalink(5) of repomd.xml.</summary>
    public string? Metalink { get; init; }

    /// <summary>deb only. Null: the definition's suite.</summary>
    public string? Suite { get; init; }

    /// <summary>deb only.</summary>
    public IReadOnlyList<string> Components { get; init; } = ["main"];

    /// <summary>Null: no key of its own.</summary>
    public RepositoryKey? Key { get; init; }

    /// <summary>Accept the repository without a signature.</summary>
    public bool Trusted { get; init; }

    /// <summary>deb: APT's pin priority, higher wins, 500 by default (apt_preferences(5)). rpm: dnf's, lower wins, 99 by default.</summary>
    public int? Priority { get; init; }

    /// <summary>URL of the proxy for this repository.</summary>
    public string? Proxy { get; init; }

    /// <summary>Names of packages, with <c>*</c>: nothing else is taken from here.</summary>
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>Names of packages, with <c>*</c>, that are not taken from here.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>As the packages name it (<c>amd64</c>, <c>x86_64</c>); empty: that of the machine.</summary>
    public IReadOnlyList<string> Architectures { get; init; } = [];

    /// <summary>deb only. False accepts metadata whose <c>Valid-Until</c> has passed.</summary>
    public bool CheckValidUntil { get; init; } = true;

    /// <summary>
    /// rpm only. False takes metadata that is not signed, as many distributions leave theirs; packages are checked all the same.
    /// </summary>
    public bool CheckMetadata { get; init; } = true;

    /// <summary>True where the definition leaves it to the distribution where the repository is.</summary>
    public bool IsOwn => Urls.Count == 0 && MirrorList is null && Metalink is null;
}

/// <summary>The OpenPGP key that signs a repository.</summary>
/// <param name="File">Absolute path of an armoured (.asc) or binary (.gpg) key or keyring; null where the key stands in the
/// definition.</param>
/// <param name="Inline">The armoured key itself.</param>
/// <param name="Fingerprint">40 (or 64) hexadecimal digits: the one key that is taken, from the file, the text, or the host's
/// keyrings.</param>
/// <param name="Where">Where the definition says so.</param>
public sealed record RepositoryKey(string? File, string? Inline, string? Fingerprint, string Where);
