namespace Slipway;

/// <summary>What a job came to.</summary>
public sealed class MpiResult
{
    /// <summary>The launcher's; 0 where all ranks succeeded.</summary>
    public required int ExitCode { get; init; }

    public required int Ranks { get; init; }

    public required IReadOnlyList<string> Nodes { get; init; }

    public required string Launcher { get; init; }

    /// <summary>From the launcher's start to its end.</summary>
    public required TimeSpan Elapsed { get; init; }

    public required string CommandLine { get; init; }
}
