namespace Slipway;

/// <summary>Something that files of an image need and the image lacks.</summary>
public sealed class MissingDependency
{
    /// <summary>What <see cref="Name"/> is the name of.</summary>
    public required MissingKind Kind { get; init; }

    /// <summary>The soname, the version of a symbol (<c>GLIBC_2.34</c>), or the interpreter's path or name.</summary>
    public required string Name { get; init; }

    /// <summary>Where it should be: the library that does not define the version; null for what is not there at all.</summary>
    public string? Provider { get; init; }

    /// <summary>The files that need it.</summary>
    public required IReadOnlyList<string> NeededBy { get; init; }

    /// <summary>The programs that do not start for it; none where only libraries need it that no program loads by itself.</summary>
    public required IReadOnlyList<string> Programs { get; init; }

    /// <summary>A file of the image that has the name, but lies where the loader does not look.</summary>
    public string? Elsewhere { get; init; }

    /// <summary>One sentence: what is missing, and who needs it.</summary>
    public string Message => Kind switch
    {
        MissingKind.Version => $"{Name} is not defined by {Provider}; {Users} it",
        MissingKind.Interpreter => $"{Name} is not there; {Users} it as interpreter",
        _ => $"{Name} is not there{(Elsewhere is null ? "" : $" (the loader does not look at {Elsewhere})")}; {Users} it",
    };

    string Users => NeededBy.Count == 1 ? $"{NeededBy[0]} needs" : $"{NeededBy[0]} and {NeededBy.Count - 1} more need";

    /// <summary>The message.</summary>
    public override string ToString() => Message;
}

/// <summary>What an image lacks.</summary>
public enum MissingKind
{
    /// <summary>A library that the loader does not find.</summary>
    Library,

    /// <summary>A version that the library which the loader takes does not define.</summary>
    Version,

    /// <summary>The program that an ELF file or a script is started by.</summary>
    Interpreter,
}

/// <summary>What an image lacks.</summary>
public sealed class ImageComparison
{
    /// <summary>Empty for an image that has all that its programs need.</summary>
    public required IReadOnlyList<MissingDependency> Missing { get; init; }

    /// <summary>Files that could not be read, and what was not looked at.</summary>
    public required IReadOnlyList<DependencyProblem> Problems { get; init; }
}
