using System.Text.RegularExpressions;
using Slipway.Images;

namespace Slipway.Building;

/// <summary>
/// What holds when an image, or a command of a stage, runs: what the definition says, and below that what the image says that it is built
/// upon.
/// </summary>
/// <param name="KeepsScripts">The image below was not made by Slipway: what its own files say, which are a shell's, stays, and the
/// definition's comes after it.</param>
sealed partial record ImageRuntime(IReadOnlyDictionary<string, string> Environment, string? Runscript,
    IReadOnlyDictionary<string, string> Labels, bool KeepsScripts = false)
{
    /// <summary>Of a stage whose source has been made in <paramref name="root"/>.</summary>
    public static ImageRuntime Of(Stage stage, BuildRoot root)
    {
        Definition? definition = stage as Definition;
        ImageRuntime own = new(stage.Environment, definition?.Runscript, definition?.Labels
            ?? new SortedDictionary<string, string>(StringComparer.Ordinal));
        if (stage.Source is not ImageSource)
            return own;
        using Stream? manifest = root.Open(ManifestReader.Path);
        if (manifest is null)
            return own with { KeepsScripts = true };
        ImageManifest below = ManifestReader.Read(manifest, $"{stage.Source.From.Where}: the image that is built upon");
        if (below.Environment.FirstOrDefault(v => !Name().IsMatch(v.Key) || v.Value.Contains('\0', StringComparison.Ordinal))
            .Key is { } bad)
            throw BuildErrors.VariableInvalid(stage.Source.From, ManifestReader.Path, bad);
        return new ImageRuntime(Over(below.Environment, own.Environment), own.Runscript ?? below.Runscript, Over(below.Labels, own.Labels));
    }

    static SortedDictionary<string, string> Over(IReadOnlyDictionary<string, string> below, IReadOnlyDictionary<string, string> own)
    {
        SortedDictionary<string, string> all = new(StringComparer.Ordinal);
        foreach ((string name, string value) in below.Concat(own))
            all[name] = value;
        return all;
    }

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]*$", RegexOptions.NonBacktracking)] private static partial Regex Name();
}
