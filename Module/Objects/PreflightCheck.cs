namespace Slipway;

/// <summary>How bad it is.</summary>
public enum PreflightStatus
{
    /// <summary>Nothing stands against the job here.</summary>
    Ok,

    /// <summary>The job runs, but not as it could.</summary>
    Warning,

    /// <summary>The job would fail, hang, or compute something else.</summary>
    Failed,
}

/// <summary>What a preflight found in one respect on one node.</summary>
public sealed record PreflightCheck
{
    /// <summary>Empty where it is of the job as a whole.</summary>
    public required string Node { get; init; }

    /// <summary>What was looked at, e.g. <c>memlock</c>; docs/mpi.md lists all.</summary>
    public required string Name { get; init; }

    /// <summary>How bad it is.</summary>
    public required PreflightStatus Status { get; init; }

    /// <summary>What was found, in one sentence.</summary>
    public required string Seen { get; init; }

    /// <summary>What to do about it; null where there is nothing to be done.</summary>
    public string? Advice { get; init; }

    /// <summary>For people: <c>n1: memlock: failed: …</c></summary>
    public override string ToString() =>
        $"{(Node.Length == 0 ? "job" : Node)}: {Name}: {Status.ToString().ToLowerInvariant()}: "
        + $"{Seen}{(Advice is null ? "" : $". {Advice}")}";
}
