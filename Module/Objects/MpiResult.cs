namespace Slipway;

/// <summary>What a job came to.</summary>
public sealed class MpiResult
{
    /// <summary>The launcher's; 0 where all ranks succeeded, 124 after a time-out.</summary>
    public required int ExitCode { get; init; }

    /// <summary>How many were asked for, on all nodes together.</summary>
    public required int Ranks { get; init; }

    /// <summary>Those that the ranks were on, as far as the plan tells; else this one.</summary>
    public required IReadOnlyList<string> Nodes { get; init; }

    /// <summary>The row of the launcher table, e.g. <c>openmpi</c>.</summary>
    public required string Launcher { get; init; }

    /// <summary>The image as it was given.</summary>
    public string? Image { get; init; }

    /// <summary>What the ranks ran.</summary>
    public string? Command { get; init; }

    /// <summary>The rank that failed first, as far as the launcher tells; null where all succeeded.</summary>
    public RankFailure? Failure { get; init; }

    /// <summary>The job was ended after <see cref="MpiRequest.Timeout"/>.</summary>
    public bool TimedOut { get; init; }

    /// <summary>From the launcher's start to its end.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>What was run, quoted for a shell.</summary>
    public required string CommandLine { get; init; }
}

/// <summary>Which rank failed, where, and what it said last.</summary>
/// <param name="Rank">Null where the launcher does not tell.</param>
/// <param name="Node">Likewise.</param>
/// <param name="ExitCode">Of the rank; null where a signal ended it.</param>
/// <param name="LastLines">Of the rank where its lines can be told from others', else of all and of the launcher.</param>
public sealed record RankFailure(int? Rank, string? Node, int? ExitCode, int? Signal, string Reason, IReadOnlyList<string> LastLines)
{
    /// <summary>For people: <c>rank 3 on n1: REASON</c>.</summary>
    public override string ToString() => Rank is null && Node is null ? Reason
        : $"{(Rank is null ? "a rank" : $"rank {Rank}")}{(Node is null ? "" : $" on {Node}")}: {Reason}";
}

/// <summary>A line that a rank, or the launcher, wrote.</summary>
/// <param name="Rank">Null where it is not known, and for the launcher's own.</param>
/// <param name="IsError">It came on standard error.</param>
public sealed record RankLine(int? Rank, string? Node, bool IsError, string Text)
{
    /// <summary>With its rank before it.</summary>
    public string Tagged => Rank is null ? Text : $"[{Rank}] {Text}";
}
