namespace Slipway;

/// <summary>Whose launcher starts the ranks.</summary>
public enum MpiMode
{
    /// <summary>The host's, with the MPI library of the image.</summary>
    Host,

    /// <summary>The image's own, in one container on this node: the host needs no MPI.</summary>
    Image,
}

/// <summary>What to start, and how many.</summary>
public sealed record MpiRequest
{
    /// <summary>Started from the node cache where it was published, else from its path.</summary>
    public required ContainerImage Image { get; init; }

    /// <summary>What each rank runs in its container: a program and its arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Null: one, or <see cref="RanksPerNode"/> on each node.</summary>
    public int? Ranks { get; init; }

    /// <summary>Empty: the launcher decides (this node, or the job's).</summary>
    public IReadOnlyList<string> Nodes { get; init; } = [];

    /// <summary>Null: the launcher decides.</summary>
    public int? RanksPerNode { get; init; }

    /// <summary>A row's name or group; null takes the first that fits.</summary>
    public string? Launcher { get; init; }

    /// <summary>Whose launcher starts the ranks; the host's, where nothing is said.</summary>
    public MpiMode Mpi { get; init; }

    /// <summary>
    /// What each rank is bound to: <c>none</c>, <c>hwthread</c>, <c>core</c>, <c>socket</c> or <c>numa</c>, as far as the launcher can;
    /// null: the launcher decides.
    /// </summary>
    public string? BindTo { get; init; }

    /// <summary>Of the host, for the container: each <c>SRC[:DST[:ro]]</c>.</summary>
    public IReadOnlyList<string> Binds { get; init; } = [];

    /// <summary>Variables of the ranks.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary><c>auto</c>, <c>none</c>, or the path of a plan.</summary>
    public string Fabric { get; init; } = "auto";

    /// <summary>
    /// Where the ranks work, on every node; null leaves it to the launcher, which takes <see cref="Location"/> if it can.
    /// </summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>Where the launcher is started; null is where we are.</summary>
    public string? Location { get; init; }

    /// <summary>For the launcher, as they are, after those of Slipway.</summary>
    public IReadOnlyList<string> LauncherArguments { get; init; } = [];

    /// <summary>Have the launcher say of each line whose it is, so that a result can tell the last lines of a rank.</summary>
    public bool Label { get; init; }

    /// <summary>After which the ranks are ended; null: never.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Plan also what is known not to work; the verdict says so. For a preflight, which shows how it fails.</summary>
    internal bool TryMismatch { get; init; }
}
