namespace Slipway;

/// <summary>Says how an image is made; read from YAML by <see cref="Definitions.DefinitionReader"/>.</summary>
public sealed class Definition
{
    /// <summary>Absolute path of the file; relative paths in a definition are relative to its directory.</summary>
    public required string Path { get; init; }

    /// <summary>The file's text as it was.</summary>
    public required string Text { get; init; }

    /// <summary>The source of the root filesystem.</summary>
    public required DebSource Source { get; init; }

    /// <summary>True for <c>fabric: auto</c>: the distribution's own provider packages are installed too.</summary>
    public bool FabricAuto { get; init; }

    public IReadOnlyList<DefinitionFile> Files { get; init; } = [];

    /// <summary>Shell lines, run in the root filesystem by its <c>/bin/sh -e</c>, in order.</summary>
    public IReadOnlyList<Located> Run { get; init; } = [];

    public IReadOnlyDictionary<string, string> Environment { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What <c>slipway run IMAGE</c> does when no command is given.</summary>
    public string? Runscript { get; init; }

    /// <summary>A shell line that must exit with 0 before the image is accepted.</summary>
    public Located? Test { get; init; }

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);
}

/// <summary>A text and where it stands, so that a later error can point there.</summary>
public sealed record Located(string Value, string Where);

/// <summary><c>from: deb</c>: a Debian-family root filesystem.</summary>
public sealed class DebSource
{
    public required Located Suite { get; init; }

    /// <summary>Empty: the distribution's own.</summary>
    public IReadOnlyList<DebRepository> Repositories { get; init; } = [];

    public IReadOnlyList<Located> Packages { get; init; } = [];
}

/// <summary>One APT repository (sources.list(5), deb822 form).</summary>
public sealed class DebRepository
{
    public required Located Name { get; init; }

    /// <summary>Null: the distribution's own mirrors, as mmdebstrap knows them.</summary>
    public string? Url { get; init; }

    /// <summary>Null: the definition's suite.</summary>
    public string? Suite { get; init; }

    public IReadOnlyList<string> Components { get; init; } = ["main"];

    /// <summary>Absolute path of the OpenPGP keyring (.gpg) or armoured key (.asc).</summary>
    public string? Key { get; init; }

    /// <summary>Accept the repository without a signature.</summary>
    public bool Trusted { get; init; }

    /// <summary>APT pin priority (apt_preferences(5)); null for APT's default of 500.</summary>
    public int? Priority { get; init; }
}

/// <summary>A file or directory that is copied from the host into the image.</summary>
/// <param name="From">Absolute path on the host.</param>
/// <param name="To">Absolute path in the image.</param>
/// <param name="Mode">Octal permission bits; -1 keeps those of the source.</param>
/// <param name="Where">Where the definition says so.</param>
public sealed record DefinitionFile(string From, string To, int Mode, string Where);
