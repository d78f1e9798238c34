namespace Slipway;

/// <summary>What a command in a container came to.</summary>
public sealed class ContainerResult
{
    /// <summary>The command's; 128 + N where signal N ended it, 126 and 127 where it could not be started.</summary>
    public required int ExitCode { get; init; }

    /// <summary>Lines of standard output.</summary>
    public required IReadOnlyList<string> Output { get; init; }

    /// <summary>Lines of standard error.</summary>
    public required IReadOnlyList<string> ErrorOutput { get; init; }

    /// <summary>From the launcher's start to the command's end.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Path of the image.</summary>
    public required string Image { get; init; }

    /// <summary>The command with its arguments, separated by blanks; empty where the image's runscript ran.</summary>
    public required string Command { get; init; }
}
