namespace Slipway;

/// <summary>How an image is packed. The figures are in docs/benchmarks.md.</summary>
public enum ImageCompression
{
    /// <summary>zstd, level 3: packs in seconds, and a few percent larger than <see cref="Small"/>.</summary>
    Fast,

    /// <summary>zstd, level 19.</summary>
    Small,

    /// <summary>Not compressed.</summary>
    None,
}
