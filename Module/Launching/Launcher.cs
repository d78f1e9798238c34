using System.Text.RegularExpressions;

namespace Slipway.Launching;

/// <summary>One row of <c>launchers.yaml</c>: how a program starts ranks. docs/mpi.md describes every key.</summary>
sealed record Launcher
{
    public required string Name { get; init; }

    /// <summary>Rows of one program; either name chooses.</summary>
    public required string Group { get; init; }

    /// <summary>For people.</summary>
    public required string Title { get; init; }

    /// <summary>File, line and column of the row.</summary>
    public required string Where { get; init; }

    /// <summary>Names of its program, the likeliest first.</summary>
    public required IReadOnlyList<string> Programs { get; init; }

    /// <summary>What the program says of itself; the group <c>version</c> is its version.</summary>
    public required Question Recognise { get; init; }

    /// <summary>What it must say for this row to be possible; null where the program is enough.</summary>
    public Question? Offers { get; init; }

    /// <summary>Variables that must all be set.</summary>
    public IReadOnlyList<string> Inside { get; init; } = [];

    /// <summary>The MPI that it comes with; null for one that is no MPI's own.</summary>
    public string? Family { get; init; }

    /// <summary>Of <c>pmi1</c>, <c>pmi2</c>, <c>pmix</c> and <c>cray</c>, what its ranks can speak to it.</summary>
    public IReadOnlyList<string> Gives { get; init; } = [];

    public IReadOnlyList<string> Always { get; init; } = [];
    public IReadOnlyList<string> Ranks { get; init; } = [];
    public IReadOnlyList<string> Nodes { get; init; } = [];
    public IReadOnlyList<string> RanksPerNode { get; init; } = [];

    /// <summary>The flags for ranks per node stand instead of those for ranks.</summary>
    public bool InsteadOfRanks { get; init; }

    public IReadOnlyList<string> OnePerNode { get; init; } = [];

    /// <summary>
    /// Flags by which one rank that fails ends the others. A preflight does without: each of its ranks has something to say.
    /// </summary>
    public IReadOnlyList<string> Together { get; init; } = [];

    /// <summary>One node in the list of hosts.</summary>
    public string Host { get; init; } = "{node}";

    public string Separator { get; init; } = ",";
    public IReadOnlyList<string> Hosts { get; init; } = [];
    public IReadOnlyDictionary<string, IReadOnlyList<string>> BindTo { get; init; } = new Dictionary<string, IReadOnlyList<string>>();
    public IReadOnlyList<string> Directory { get; init; } = [];

    /// <summary>Once for each variable.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    public Tagging? Tag { get; init; }

    /// <summary>Where we are root.</summary>
    public IReadOnlyList<string> Root { get; init; } = [];

    public RankVariableNames Variables { get; init; } = new(null, null, null, []);

    /// <summary>How its messages name a rank that failed: the groups rank, node, exit, signal, why.</summary>
    public IReadOnlyList<Regex> Failed { get; init; } = [];

    /// <summary>How a rank's own MPI library says that it gives up: the group exit.</summary>
    public IReadOnlyList<Regex> Aborted { get; init; } = [];

    /// <summary>What makes it list the states of all ranks, and how: the group codes.</summary>
    public Question? Codes { get; init; }

    /// <summary>The signals that end it and all its ranks, one after the other.</summary>
    public IReadOnlyList<int> Stop { get; init; } = [];

    public bool Answers(string name) => Name == name || Group == name;
}

/// <summary>A program's answer to some arguments, and what must be in it.</summary>
sealed record Question(IReadOnlyList<string> Arguments, Regex Pattern);

/// <summary>How a launcher says which rank a line is of: the groups rank and node.</summary>
/// <param name="Anywhere">The mark stands before each piece of output, also within a line.</param>
/// <param name="Hides">Lines of ranks that are there because of these flags.</param>
sealed record Tagging(IReadOnlyList<string> Arguments, Regex Pattern, bool Anywhere, Regex? Hides);

/// <summary>Variables that each rank has from its launcher.</summary>
/// <param name="Rank">Its number among all.</param>
/// <param name="Size">How many there are.</param>
/// <param name="LocalRank">Its number on its node.</param>
/// <param name="Pmi">By which the MPI library finds the process manager.</param>
sealed record RankVariableNames(string? Rank, string? Size, string? LocalRank, IReadOnlyList<string> Pmi);

/// <summary>One row of the batch systems: how a job of it is recognised.</summary>
/// <param name="Inside">Variables that are all set in a job.</param>
/// <param name="Nodes">The variable that names the nodes, or a file of them; null where none does.</param>
/// <param name="Form"><c>slurm</c> or <c>file</c>.</param>
/// <param name="Slots">With <c>slurm</c>, the variable that tells how many tasks each node may have.</param>
/// <param name="Prefixes">Of all its variables.</param>
sealed record BatchSystem(string Name, IReadOnlyList<string> Inside, string? Nodes, string? Form, string? Slots,
    IReadOnlyList<string> Prefixes);
