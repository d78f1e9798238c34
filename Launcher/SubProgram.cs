namespace Slipway.Launcher;

/// <summary>
/// A program that <c>slipway</c> is, of those that are found at once: the rest is <see cref="Slipway.Launcher.CommandLine"/>.
/// </summary>
/// <param name="Verb">The first word of its command line.</param>
/// <param name="StartedBy">Who starts it.</param>
/// <param name="Run">Takes the words after the verb; null where these are none of the program's.</param>
sealed record SubProgram(string Verb, string StartedBy, Func<string[], int?> Run)
{
    /// <summary>It is for Slipway itself to start.</summary>
    public bool IsInternal { get; init; } = true;

    /// <summary>
    /// It goes on to be a rank's command, or is what ranks wait for: whatever fails before the command is there ends with 125, so that it
    /// is told from the command's own exit code (as podman has it).
    /// </summary>
    public bool IsOnTheWay { get; init; }

    /// <summary>It starts threads, or lets .NET do so.</summary>
    public bool NeedsThreads { get; init; }
}
