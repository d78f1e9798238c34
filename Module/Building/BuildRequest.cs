namespace Slipway.Building;

/// <summary>What to build, and where to put it.</summary>
public sealed class BuildRequest
{
    /// <summary>Absolute or relative path of the definition.</summary>
    public required string DefinitionPath { get; init; }

    /// <summary>
    /// The definition itself, where it is no file; relative paths in it and messages are those of <see cref="DefinitionPath"/>.
    /// </summary>
    public string? DefinitionText { get; init; }

    /// <summary>Absolute path of the image; one that exists is replaced when the new one is whole.</summary>
    public required string Destination { get; set; }

    public ImageCompression Compression { get; init; }

    /// <summary>Values for the variables that the definition declares.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = new Dictionary<string, string>();

    /// <summary>Path of the lock file: obeyed where it is there, written where it is not; null for none.</summary>
    public string? LockFile { get; set; }

    /// <summary>Takes what the repositories have now, and writes the lock file anew.</summary>
    public bool UpdateLock { get; init; }

    /// <summary>Directory for downloaded packages; null for the builder's own.</summary>
    public string? PackageCache { get; init; }

    /// <summary>Takes over what earlier builds have made of the same inputs, and keeps this one's for later ones.</summary>
    public bool UseStepCache { get; init; } = true;

    /// <summary>
    /// Where the image of a definition goes: <paramref name="destination"/>, or in it where it is a directory; without one, beside the
    /// prompt.
    /// </summary>
    public static string DestinationFor(string definition, string? destination)
    {
        string name = Path.GetFileNameWithoutExtension(definition) + ".sqfs", path = Path.GetFullPath(destination ?? name);
        return Directory.Exists(path) ? Path.Combine(path, name) : path;
    }

    /// <summary>One request for each definition.</summary>
    /// <param name="lockFile">For one definition the file; for several a directory, which gets one for each.</param>
    /// <param name="make">All but destination and lock file.</param>
    /// <exception cref="SlipwayException">Several definitions would have one destination or one lock file.</exception>
    public static IReadOnlyList<BuildRequest> ForEach(IReadOnlyList<string> definitions, string? destination, string? lockFile,
        Func<string, BuildRequest> make)
    {
        BuildRequest[] all = [.. definitions.Select(path =>
        {
            BuildRequest one = make(path);
            one.Destination = DestinationFor(path, destination);
            one.LockFile = lockFile is null ? null : Directory.Exists(lockFile)
                ? Path.Combine(lockFile, Path.GetFileNameWithoutExtension(path) + ".lock.json") : lockFile;
            return one;
        })];
        if (all.GroupBy(r => r.Destination).FirstOrDefault(g => g.Count() > 1) is { } same)
            throw BuildErrors.OneDestination(same.Key, same.Select(r => r.DefinitionPath));
        if (all.Where(r => r.LockFile is not null).GroupBy(r => r.LockFile).FirstOrDefault(g => g.Count() > 1) is { } shared)
            throw BuildErrors.OneLockFile(shared.Key!, shared.Count());
        return all;
    }
}
