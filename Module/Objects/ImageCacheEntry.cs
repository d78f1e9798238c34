namespace Slipway;

/// <summary>One image in one cache of one node, and what keeps it there.</summary>
public sealed class ImageCacheEntry
{
    /// <summary>Host name of the node that the cache is on.</summary>
    public required string Node { get; init; }

    /// <summary><c>sha256:</c> and 64 hexadecimal digits.</summary>
    public required string Digest { get; init; }

    /// <summary>Absolute path of the entry on that node.</summary>
    public required string Path { get; init; }

    /// <summary>Size of the file in bytes.</summary>
    public required long Size { get; init; }

    /// <summary>When the entry was put there.</summary>
    public required DateTimeOffset Published { get; init; }

    /// <summary>When a container last began with it; <see cref="Published"/> where none has.</summary>
    public required DateTimeOffset LastUsed { get; init; }

    /// <summary>Kept until it is unlocked (Lock-ImageCache).</summary>
    public required bool Pinned { get; init; }

    /// <summary>What has it in use: containers, mounts, open files; empty where nothing does.</summary>
    public required IReadOnlyList<string> UsedBy { get; init; }

    /// <summary>False where it is not what was checked when it was published: no container takes it.</summary>
    public required bool Valid { get; init; }

    /// <summary>Paths of the images that were published with this content.</summary>
    public required IReadOnlyList<string> Sources { get; init; }

    /// <summary><c>NODE:PATH</c>.</summary>
    public override string ToString() => $"{Node}:{Path}";
}
