namespace Slipway;

/// <summary>The launcher's exact command line and environment: can be shown without running.</summary>
public record LaunchPlan
{
    /// <summary>The row of the launcher table, e.g. <c>openmpi</c>.</summary>
    public required string Launcher { get; init; }

    /// <summary>Of the launcher, as it says itself.</summary>
    public string? LauncherVersion { get; init; }

    /// <summary>Whose launcher it is.</summary>
    public MpiMode Mpi { get; init; }

    /// <summary>Absolute path of the program that is started.</summary>
    public required string Program { get; init; }

    /// <summary>Of <see cref="Program"/>, each as it is handed over: nothing is quoted.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>On all nodes together.</summary>
    public required int Ranks { get; init; }

    /// <summary>Empty: the launcher decides (this machine, or the allocation).</summary>
    public IReadOnlyList<string> Nodes { get; init; } = [];

    /// <summary>Null: the launcher decides.</summary>
    public int? RanksPerNode { get; init; }

    /// <summary>The batch system whose job we are in, e.g. <c>slurm</c>; null outside of any.</summary>
    public string? BatchSystem { get; init; }

    /// <summary>The image as the ranks name it: a digest where it was published, else its path.</summary>
    public required string Image { get; init; }

    /// <summary>What the ranks run.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>Where the launcher is started.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>Whether image and launcher go together.</summary>
    public MpiVerdict? Verdict { get; init; }

    /// <summary>What is set or taken away, for whom, and why.</summary>
    public IReadOnlyList<PlannedVariable> Variables { get; init; } = [];

    /// <summary>What of the host each container shows, and why; as this node has it.</summary>
    public IReadOnlyList<PlannedBind> Binds { get; init; } = [];

    /// <summary>Why the launcher and each part of its command line is as it is.</summary>
    public IReadOnlyList<string> Reasons { get; init; } = [];

    /// <summary>After which the ranks are ended; null: never.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>The launcher marks each line with its rank.</summary>
    public bool Labelled { get; init; }

    /// <summary>For reading and for a shell.</summary>
    public string CommandLine => string.Join(' ', Arguments.Prepend(Program).Select(Quote));

    /// <summary>Which node each rank is on, where that follows from the plan.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    internal IReadOnlyList<string> Placement { get; init; } = [];

    /// <summary>The command line.</summary>
    public override string ToString() => CommandLine;

    /// <summary>All of it in lines: what is run, and why each part is there.</summary>
    public IEnumerable<string> Explain()
    {
        yield return CommandLine;
        if (Verdict is not null)
            yield return $"{Verdict.Fit}: {Verdict.Reason}{(Verdict.Advice is null ? "" : ". " + Verdict.Advice)}";
        foreach (string reason in Reasons)
            yield return reason;
        foreach (PlannedVariable variable in Variables)
            yield return variable.ToString();
        foreach (PlannedBind bind in Binds)
            yield return bind.ToString();
    }

    internal static string Quote(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsAsciiLetterOrDigit(c) || "_-./=:,@%+".Contains(c)) ? argument
        : "'" + argument.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}

/// <summary>A variable that a launch sets or takes away.</summary>
/// <param name="Value">Null: it is taken away.</param>
/// <param name="For"><c>launcher</c>: of the launcher itself; <c>ranks</c>: of each rank in its container.</param>
public sealed record PlannedVariable(string Name, string? Value, string For, string Reason)
{
    /// <summary>For people: <c>NAME=VALUE (ranks): REASON</c>.</summary>
    public override string ToString() => $"{(Value is null ? $"{Name} is taken away" : $"{Name}={Value}")} ({For}): {Reason}";
}

/// <summary>Something of the host that the containers show.</summary>
public sealed record PlannedBind(string Source, string Destination, bool ReadOnly, string Reason)
{
    /// <summary>For people: <c>SOURCE at DESTINATION, read-only: REASON</c>.</summary>
    public override string ToString() =>
        $"{Source}{(Destination == Source ? "" : $" at {Destination}")}{(ReadOnly ? ", read-only" : "")}: {Reason}";
}
