namespace Slipway;

/// <summary>An image, and what later steps of the pipeline found out about it.</summary>
public sealed class ContainerImage
{
    /// <summary>Absolute path of the SquashFS file.</summary>
    public required string Path { get; init; }

    /// <summary><c>sha256:</c> and 64 hexadecimal digits: of the file's bytes.</summary>
    public required string Digest { get; init; }

    /// <summary>Size of the file in bytes.</summary>
    public required long Size { get; init; }

    /// <summary>Null for an image that was not made by Slipway.</summary>
    public ImageManifest? Manifest { get; init; }

    /// <summary>How the file is compressed: <c>zstd</c>, <c>gzip</c>, <c>xz</c>, <c>lz4</c>, <c>lzo</c> or <c>lzma</c>.</summary>
    public string? Compressor { get; init; }

    /// <summary>When the file was made, as its superblock says; our images tell the time of their newest package.</summary>
    public DateTimeOffset? Made { get; init; }

    /// <summary>What its os-release(5) says; null where it has none.</summary>
    public ImageDistribution? Distribution { get; init; }

    /// <summary>As the manifest has it, else the file's name without its ending.</summary>
    public string Name => Manifest?.Name ?? System.IO.Path.GetFileNameWithoutExtension(Path);

    /// <summary>Filled by Add-FabricDriver.</summary>
    public FabricPlan? FabricPlan { get; set; }

    /// <summary>Filled by Publish-ImageCache: where the image lies on which node.</summary>
    public IReadOnlyList<Placement> Placements { get; set; } = [];

    /// <summary>
    /// What it was built from, where this process has built it. What an image says of that itself is a claim, and nothing is built from it.
    /// </summary>
    internal ImageOrigin? BuiltFrom { get; set; }

    /// <summary>The path.</summary>
    public override string ToString() => Path;
}

/// <summary>A definition and the values of its variables, as a person gave them.</summary>
/// <param name="Path">Relative paths in the text are taken from its directory.</param>
sealed record ImageOrigin(string Path, string Text, IReadOnlyDictionary<string, string> Variables);
