namespace Slipway;

/// <summary>What an image was made from and what it holds: <c>/.slipway/image.json</c>.</summary>
/// <remarks>
/// The same definition gives the same bytes whoever builds: nothing of the builder (user, host, time of day) stands here.
/// </remarks>
public sealed class ImageManifest
{
    /// <summary>Of this file's format; a reader refuses a higher one.</summary>
    public int SchemaVersion { get; set; } = 1;

    /// <summary>The name of the definition's file, without its ending.</summary>
    public string? Name { get; set; }

    /// <summary>Machine as <c>uname -m</c> names it, e.g. <c>x86_64</c>.</summary>
    public string? Architecture { get; set; }

    /// <summary>Null where the image has no os-release(5).</summary>
    public ImageDistribution? Distribution { get; set; }

    /// <summary>The definition's source kind: <c>deb</c>, <c>rpm</c>, <c>oci</c>…</summary>
    public string? From { get; set; }

    /// <summary>The definition's text, as it was.</summary>
    public string? Definition { get; set; }

    /// <summary>Seconds since 1970 that every later file time was cut to (SOURCE_DATE_EPOCH).</summary>
    public long SourceDateEpoch { get; set; }

    /// <summary>What is installed, by the image's own package database.</summary>
    public IReadOnlyList<ImagePackage> Packages { get; set; } = [];

    /// <summary>What each stage was made from: state of the repositories, and every package with its URL and hash.</summary>
    public IReadOnlyList<LockedSource> Sources { get; set; } = [];

    /// <summary>The values of the definition's variables.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; set; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>For an image from programs of a host: why each file is there.</summary>
    public IReadOnlyList<DependencyReason> Dependencies { get; set; } = [];

    /// <summary>Likewise: what could not be found, and what one should know.</summary>
    public IReadOnlyList<DependencyProblem> Problems { get; set; } = [];

    /// <summary>The defaults of a container's variables: the definition's, over those of the image that it was built upon.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; set; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What runs where no command is given; null: a shell.</summary>
    public string? Runscript { get; set; }

    /// <summary>Name to value: likewise.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; set; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What the image has for fabrics, read by ELF when it was built; null where nobody looked.</summary>
    public ImageFabric? Fabric { get; set; }

    /// <summary>For people: <c>lammps, from deb: 212 packages</c>.</summary>
    public override string ToString() => $"{Name}, from {From}: {Packages.Count} packages";
}

/// <summary>From os-release(5).</summary>
/// <param name="Id">E.g. <c>debian</c>.</param>
/// <param name="VersionId">E.g. <c>12</c>; null for a distribution without releases.</param>
/// <param name="PrettyName">E.g. <c>Debian GNU/Linux 12 (bookworm)</c>; null where it gives none.</param>
public sealed record ImageDistribution(string Id, string? VersionId, string? PrettyName)
{
    /// <summary>For people: <c>Debian GNU/Linux 12 (bookworm)</c>.</summary>
    public override string ToString() => PrettyName ?? (VersionId is null ? Id : $"{Id} {VersionId}");
}

/// <summary>One installed package as the image's own package manager names it.</summary>
/// <param name="Version">With its epoch, where that is not 0, and its release.</param>
public sealed record ImagePackage(string Name, string Version, string Architecture)
{
    /// <summary>For people: <c>libc6 2.36-9</c>.</summary>
    public override string ToString() => $"{Name} {Version}";
}
