namespace Slipway;

/// <summary>
/// Exactly what an image was made of: the content of a lock file, and part of the manifest. With it a build takes the same again.
/// </summary>
public sealed class BuildLock
{
    /// <summary>Of the file's format; a reader refuses a higher one.</summary>
    public int SchemaVersion { get; set; } = 1;

    /// <summary>One for each stage that is made, the image's own last.</summary>
    public IReadOnlyList<LockedSource> Sources { get; set; } = [];
}

/// <summary>The source of one stage, as it was.</summary>
public sealed class LockedSource
{
    /// <summary>Empty for the image's own.</summary>
    public string Stage { get; set; } = "";

    /// <summary>The value of <c>from</c>.</summary>
    public string From { get; set; } = "";

    /// <summary>SHA-256 of what the definition says about the source: a lock of something else is out of date.</summary>
    public string Inputs { get; set; } = "";

    /// <summary>Digest of the image or archive; null for packages.</summary>
    public string? Digest { get; set; }

    /// <summary>Seconds since 1970: the newest state of a repository, or of the image; later file times are cut to it.</summary>
    public long SourceDateEpoch { get; set; }

    /// <summary>Empty for a source that is not made of packages.</summary>
    public IReadOnlyList<LockedRepository> Repositories { get; set; } = [];

    /// <summary>All that were installed, by name, version and architecture; empty for a source that is not made of packages.</summary>
    public IReadOnlyList<LockedPackage> Packages { get; set; } = [];

    /// <summary>For people: <c>deb: 212 packages</c>, or <c>image: sha256:…</c>.</summary>
    public override string ToString() => $"{(Stage.Length == 0 ? "" : Stage + ", ")}{From}: {Digest ?? $"{Packages.Count} packages"}";
}

/// <summary>The state of a repository.</summary>
public sealed class LockedRepository
{
    /// <summary>As the definition names it; <c>distribution</c> for the distribution's own.</summary>
    public string Name { get; set; } = "";

    /// <summary>The first of its mirrors, else that of its metalink or list of mirrors.</summary>
    public string Url { get; set; } = "";

    /// <summary>deb only: the suite that was read, e.g. <c>bookworm</c>.</summary>
    public string? Suite { get; set; }

    /// <summary>deb only, e.g. <c>main</c>.</summary>
    public IReadOnlyList<string> Components { get; set; } = [];

    /// <summary>Of its InRelease, Release or repomd.xml.</summary>
    public string Digest { get; set; } = "";

    /// <summary>Seconds since 1970, as the repository itself says.</summary>
    public long Date { get; set; }

    /// <summary>
    /// Fingerprints of the keys that it may be signed with; empty where the tool's own keyring decides, or nothing is checked.
    /// </summary>
    public IReadOnlyList<string> Keys { get; set; } = [];

    /// <summary>For people: <c>NAME (URL)</c>.</summary>
    public override string ToString() => $"{Name} ({Url})";
}

/// <summary>One package, and where it came from.</summary>
public sealed class LockedPackage
{
    /// <summary>As the package manager has it, without version.</summary>
    public string Name { get; set; } = "";

    /// <summary>As the package manager writes it, with epoch and release.</summary>
    public string Version { get; set; } = "";

    /// <summary>As the package manager has it, e.g. <c>amd64</c>, <c>noarch</c>.</summary>
    public string Architecture { get; set; } = "";

    /// <summary>Name of the <see cref="LockedRepository"/> that it came from.</summary>
    public string Repository { get; set; } = "";

    /// <summary>
    /// deb only: the priority that the repository gives it, which may be another than the package's own (Debian policy 2.5).
    /// </summary>
    public string? Priority { get; set; }

    /// <summary>The first is where it was; others are mirrors of it.</summary>
    public IReadOnlyList<string> Urls { get; set; } = [];

    /// <summary>64 hexadecimal digits.</summary>
    public string Sha256 { get; set; } = "";

    /// <summary>In bytes.</summary>
    public long Size { get; set; }

    /// <summary>For people: <c>libc6 2.36-9</c>.</summary>
    public override string ToString() => $"{Name} {Version}";
}
