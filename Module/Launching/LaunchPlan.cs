namespace Slipway;

/// <summary>The launcher's exact command line and environment: can be shown without running.</summary>
public sealed class LaunchPlan
{
    /// <summary>The row of the launcher table, e.g. <c>openmpi</c>.</summary>
    public required string Launcher { get; init; }

    /// <summary>Absolute path of the launcher's program.</summary>
    public required string Program { get; init; }

    public required IReadOnlyList<string> Arguments { get; init; }

    public required int Ranks { get; init; }

    /// <summary>Empty: the launcher decides (this machine, or the allocation).</summary>
    public IReadOnlyList<string> Nodes { get; init; } = [];

    /// <summary>The image as the ranks name it: a digest where it was published, else its path.</summary>
    public required string Image { get; init; }

    public required string WorkingDirectory { get; init; }

    /// <summary>Why the launcher and each part of its command line is as it is.</summary>
    public IReadOnlyList<string> Reasons { get; init; } = [];

    /// <summary>For reading and for a shell.</summary>
    public string CommandLine => string.Join(' ', Arguments.Prepend(Program).Select(Quote));

    public override string ToString() => CommandLine;

    static string Quote(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsAsciiLetterOrDigit(c) || "_-./=:,@%+".Contains(c)) ? argument : "'" + argument.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
