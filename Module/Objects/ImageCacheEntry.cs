namespace Slipway;

/// <summary>One image in one cache of one node, and what keeps it there.</summary>
public sealed class ImageCacheEntry
{
    public required string Node { get; init; }

    public required string Digest { get; init; }

    public required string Path { get; init; }

    /// <summary>Size of the file in bytes.</summary>
    public required long Size { get; init; }

    public required DateTimeOffset Published { get; init; }

    public required DateTimeOffset LastUsed { get; init; }

    /// <summary>Kept until it is unlocked (Lock-ImageCache).</summary>
    public required bool Pinned { get; init; }

    /// <summary>What has it in use: containers, mounts, open files; empty where nothing does.</summary>
    public required IReadOnlyList<string> UsedBy { get; init; }

    /// <summary>False where it is not what was checked when it was published: no container takes it.</summary>
    public required bool Valid { get; init; }

    /// <summary>Paths of the images that were published with this content.</summary>
    public required IReadOnlyList<string> Sources { get; init; }

    public override string ToString() => $"{Node}:{Path}";
}
