namespace Slipway.Building;

/// <summary>What the builder inside the namespace is told (a file in its work directory).</summary>
internal sealed class BuildJob
{
    public required string DefinitionPath { get; init; }
    public required string DefinitionText { get; init; }
    public required string Name { get; init; }
    public required string WorkDirectory { get; init; }

    /// <summary>Where the image is written, beside its destination.</summary>
    public required string PartialPath { get; init; }

    public required string PackageCache { get; init; }
    public required string LogPath { get; init; }
    public required ImageCompression Compression { get; init; }

    /// <summary>SOURCE_DATE_EPOCH; null takes the date of the newest repository state.</summary>
    public long? SourceDateEpoch { get; init; }
}

/// <summary>What the builder inside the namespace says: one a line on its standard output.</summary>
internal sealed class BuildMessage
{
    public string? Step { get; init; }
    public int Percent { get; init; } = -1;
    public BuildFailure? Failure { get; init; }
    public string? Digest { get; init; }
}

/// <summary>A <see cref="SlipwayException"/> on its way out of the namespace.</summary>
internal sealed record BuildFailure(string Id, ErrorKind Kind, string Message, string? Recommendation, string? Target);
