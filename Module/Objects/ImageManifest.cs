namespace Slipway;

/// <summary>What an image was made from and what it holds: <c>/.slipway/image.json</c>.</summary>
/// <remarks>The same definition gives the same bytes whoever builds: nothing of the builder (user, host, time of day) stands here.</remarks>
public sealed class ImageManifest
{
    /// <summary>Of this file's format; a reader refuses a higher one.</summary>
    public int SchemaVersion { get; set; } = 1;

    public string? Name { get; set; }

    /// <summary>Machine as <c>uname -m</c> names it, e.g. <c>x86_64</c>.</summary>
    public string? Architecture { get; set; }

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

    public IReadOnlyDictionary<string, string> Environment { get; set; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    public string? Runscript { get; set; }

    public IReadOnlyDictionary<string, string> Labels { get; set; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What the image has for fabrics, read by ELF when it was built; null where nobody looked.</summary>
    public ImageFabric? Fabric { get; set; }
}

/// <summary>From os-release(5).</summary>
public sealed record ImageDistribution(string Id, string? VersionId, string? PrettyName);

/// <summary>One installed package as the image's own package manager names it.</summary>
public sealed record ImagePackage(string Name, string Version, string Architecture);
