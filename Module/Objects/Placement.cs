namespace Slipway;

/// <summary>One image in the cache of one node.</summary>
public sealed class Placement
{
    /// <summary>Host name, as it was given for publishing.</summary>
    public required string Node { get; init; }

    /// <summary>Path of the cache entry on that node.</summary>
    public required string Path { get; init; }

    /// <summary><c>sha256:</c> and 64 hexadecimal digits.</summary>
    public required string Digest { get; init; }

    /// <summary>Bytes that were copied to the node; 0 for a hit.</summary>
    public required long Bytes { get; init; }

    /// <summary>From the first byte that was sent to the entry that is checked and in its place.</summary>
    public required double Seconds { get; init; }

    /// <summary>How it got there; <see cref="Slipway.Transport.Local"/> on the node that published it.</summary>
    public required Transport Transport { get; init; }

    /// <summary>Path of <c>slipway</c> on that node: where the node lacked it, that of the copy that was brought along.</summary>
    public string? Launcher { get; init; }

    /// <summary>True where the node had the image already.</summary>
    public required bool Hit { get; init; }

    /// <summary><c>NODE:PATH</c>.</summary>
    public override string ToString() => $"{Node}:{Path}";
}
