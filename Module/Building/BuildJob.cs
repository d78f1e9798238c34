namespace Slipway.Building;

/// <summary>What the builder inside the namespace is told (a file in its work directory).</summary>
sealed class BuildJob
{
    public required string DefinitionPath { get; init; }
    public required string DefinitionText { get; init; }

    /// <summary>Values for its variables.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = new Dictionary<string, string>();

    public required string Name { get; init; }
    public required string WorkDirectory { get; init; }

    /// <summary>Where the image is written, beside its destination.</summary>
    public required string PartialPath { get; init; }

    /// <summary>Where packages are kept between builds.</summary>
    public required string PackageCache { get; init; }

    /// <summary>Where dnf keeps what it has read of repositories.</summary>
    public required string MetadataCache { get; init; }

    /// <summary>Where the control fields of deb packages are kept between builds, each under its package's SHA-256.</summary>
    public required string ControlCache { get; init; }

    /// <summary>Where steps that were done are kept between builds.</summary>
    public required string StepCache { get; init; }

    public bool UseStepCache { get; init; } = true;

    /// <summary>
    /// Where this node's cache holds the images that the definition names by digest. In the builder's namespace a user is root, whose cache
    /// is another.
    /// </summary>
    public IReadOnlyDictionary<string, string> CachedImages { get; init; } = new Dictionary<string, string>();

    /// <summary>Where <see cref="PartialPath"/> will go.</summary>
    public required string Destination { get; init; }

    /// <summary>What to build from; null finds out what the repositories have now.</summary>
    public BuildLock? Lock { get; init; }

    /// <summary>The lock file that <see cref="Lock"/> is from, for errors.</summary>
    public string? LockPath { get; init; }

    public required string LogPath { get; init; }
    public required ImageCompression Compression { get; init; }

    /// <summary>SOURCE_DATE_EPOCH; null takes the date of the newest repository state.</summary>
    public long? SourceDateEpoch { get; init; }
}
