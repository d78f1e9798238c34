namespace Slipway;

/// <summary>Says how an image is made; read from YAML by <see cref="Definitions.DefinitionReader"/>.</summary>
public sealed class Definition : Stage
{
    /// <summary>Absolute path of the file; relative paths in a definition are relative to its directory.</summary>
    public required string Path { get; init; }

    /// <summary>The file's text as it was.</summary>
    public required string Text { get; init; }

    /// <summary>The values of its <c>variables</c>, after what the caller set.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The named stages that the image copies from, each after those that it copies from itself.</summary>
    public IReadOnlyList<Stage> Stages { get; init; } = [];

    /// <summary>
    /// Providers whose packages of the image's distribution are installed too, by name; <c>auto</c> is all of verbs. Empty for none.
    /// </summary>
    public IReadOnlyList<Located> Fabric { get; init; } = [];

    /// <summary>What <c>slipway run IMAGE</c> does when no command is given.</summary>
    public string? Runscript { get; init; }

    /// <summary>Name to value; they go into the manifest and into <c>/.singularity.d/labels.json</c>.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);
}

/// <summary>A root filesystem that is made from a source: the image itself, or one that it copies from.</summary>
public class Stage
{
    /// <summary>Empty for the image itself.</summary>
    public string Name { get; init; } = "";

    /// <summary>The source of the root filesystem.</summary>
    public required Source Source { get; init; }

    /// <summary>What is copied in before <see cref="Run"/>, in order.</summary>
    public IReadOnlyList<DefinitionFile> Files { get; init; } = [];

    /// <summary>Shell lines, run in the root filesystem by its <c>/bin/sh -e</c>, in order.</summary>
    public IReadOnlyList<Located> Run { get; init; } = [];

    /// <summary>Name to value, while the stage is made; the image's own are the defaults of its containers too.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>A shell line that must exit with 0 before the stage is accepted.</summary>
    public Located? Test { get; init; }
}

/// <summary>A text and where it stands (<c>FILE:LINE:COLUMN</c>), so that a later error can point there.</summary>
public sealed record Located(string Value, string Where);

/// <summary>A file or directory that is copied into the image, from the host or from another stage.</summary>
/// <param name="From">Absolute path on the host, or in <paramref name="Stage"/>.</param>
/// <param name="To">Absolute path in the image.</param>
/// <param name="Mode">Octal permission bits; -1 keeps those of the source.</param>
/// <param name="Where">Where the definition says so.</param>
/// <param name="Stage">The stage that it comes from; null for the host.</param>
public sealed record DefinitionFile(string From, string To, int Mode, string Where, string? Stage = null);
