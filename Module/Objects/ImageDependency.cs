namespace Slipway;

/// <summary>A file that an image needs, and why.</summary>
public sealed class ImageDependency
{
    /// <summary>Absolute; its directory has no link in it.</summary>
    public required string Path { get; init; }

    /// <summary>What stands at the path; what a link leads to is a dependency of its own.</summary>
    public required DependencyKind Kind { get; init; }

    /// <summary>What a link leads to, as it is written there.</summary>
    public string? Target { get; init; }

    /// <summary>Size in bytes; 0 for a link or a directory.</summary>
    public long Size { get; init; }

    /// <summary>The rule that asked first, e.g. <c>loader</c>, <c>openmpi</c>.</summary>
    public required string Rule { get; init; }

    /// <summary>The file that asked; null where it was you.</summary>
    public string? AskedBy { get; init; }

    /// <summary>In words.</summary>
    public required string Why { get; init; }

    /// <summary>The installed package that has the file; null where none has.</summary>
    public string? Package { get; set; }

    /// <summary>st_mode's permission bits; those that would make it run as somebody else are gone.</summary>
    internal ushort Mode { get; init; }

    /// <summary>Seconds since 1970.</summary>
    internal long Modified { get; init; }

    /// <summary>The path.</summary>
    public override string ToString() => Path;
}

/// <summary>What stands at the path.</summary>
public enum DependencyKind
{
    /// <summary>A regular file.</summary>
    File,

    /// <summary>A symbolic link.</summary>
    Link,

    /// <summary>A directory itself; what is in it has entries of its own.</summary>
    Directory,
}

/// <summary>Something that discovery could not find or use, or that you should know of.</summary>
/// <param name="Path">The file that it is about.</param>
/// <param name="Rule">The rule that came upon it.</param>
public sealed record DependencyProblem(DependencySeverity Severity, string Path, string Rule, string Message)
{
    /// <summary>What to do about it.</summary>
    public string? Recommendation { get; init; }

    /// <summary>The message.</summary>
    public override string ToString() => Message;
}

/// <summary>How bad it is.</summary>
public enum DependencySeverity
{
    /// <summary>Worth knowing: the image works without.</summary>
    Note,

    /// <summary>Something of the image may not work.</summary>
    Warning,

    /// <summary>A program that was named, or a file that one of them needs, will not work.</summary>
    Error,
}

/// <summary>All that some programs, packages and files need.</summary>
public sealed class DependencySet
{
    /// <summary>By path.</summary>
    public required IReadOnlyList<ImageDependency> Files { get; init; }

    /// <summary>What could not be found or used, and what is worth knowing.</summary>
    public required IReadOnlyList<DependencyProblem> Problems { get; init; }

    /// <summary>The packages that the files are of.</summary>
    public required IReadOnlyList<ImagePackage> Packages { get; init; }
}

/// <summary>For a manifest: files that are in an image for one reason.</summary>
/// <param name="AskedBy">The file that asked; null where the definition did.</param>
public sealed record DependencyReason(string Rule, string? AskedBy, string Why, IReadOnlyList<string> Files)
{
    /// <summary>For people: <c>loader: needs libz.so.1 (3 files)</c>.</summary>
    public override string ToString() => $"{Rule}: {Why} ({Files.Count} {(Files.Count == 1 ? "file" : "files")})";
}
