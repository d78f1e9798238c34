using System.Text.Json;
using Slipway.Linux;
using Slipway.Readers;

namespace Slipway.Images;

/// <summary>
/// <c>/.slipway/image.json</c> of an image that nobody vouches for: within limits, and with nothing missing that the rest of the product
/// takes for granted.
/// </summary>
static class ManifestReader
{
    public const string Path = ".slipway/image.json";

    /// <summary>In bytes; the largest that we make, of a host with hundreds of thousands of files, are half of it.</summary>
    const long Largest = 32 << 20;

    /// <param name="image">What errors call the image.</param>
    /// <exception cref="SlipwayException">It is no JSON, no manifest, of a later version, or exceeds a limit
    /// (<see cref="BoundedJson"/>).</exception>
    public static ImageManifest Read(Stream stream, string image) => TryRead(stream, image, out SlipwayException? invalid)
        ?? throw invalid!;

    /// <param name="image">What errors call the image.</param>
    /// <param name="invalid">What is wrong with it; null where nothing is.</param>
    /// <returns>Null where it is no JSON, or no manifest.</returns>
    /// <exception cref="SlipwayException">It is of a later version, or exceeds a limit.</exception>
    public static ImageManifest? TryRead(Stream stream, string image, out SlipwayException? invalid)
    {
        ImageManifest? manifest = null;
        invalid = null;
        try
        {
            manifest = JsonSerializer.Deserialize(
                new BoundedJson(new BoundedStream(stream, Largest, TooLarge)), ObjectsJson.Default.ImageManifest);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NotSupportedException or ArgumentException
            or FormatException
            or OverflowException)
        {
            invalid = ImageErrors.ManifestInvalid(image, e.Message, e);
            return null;
        }
        if (manifest?.SchemaVersion > 1)
            throw ImageErrors.ManifestTooNew(image, manifest.SchemaVersion);
        string? why = manifest is null ? "'null' is no manifest"
            : Incomplete(manifest) is { } what ? $"{what} lacks a name, or something else that each of them has" : null;
        invalid = why is null ? null : ImageErrors.ManifestInvalid(image, why);
        return why is null ? manifest : null;
        SlipwayException TooLarge() => ReaderErrors.ImageFileTooLarge(image, Path, Largest);
    }

    /// <summary>What JSON may leave out of a list's items, and no manifest of ours does.</summary>
    static string? Incomplete(ImageManifest manifest) =>
        manifest.Packages.Any(p => p.Name is null || p.Version is null || p.Architecture is null) ? "a package"
        : manifest.Dependencies.Any(d => d.Rule is null || d.Why is null || d.Files is null) ? "a dependency"
        : manifest.Problems.Any(p => p.Path is null || p.Rule is null || p.Message is null) ? "a problem"
        : manifest.Distribution is { Id: null } || manifest.Fabric?.Distribution is { Id: null } ? "the distribution"
        : HasNull(manifest.Variables) || HasNull(manifest.Environment) || HasNull(manifest.Labels) ? "a variable or label"
        : manifest.Fabric is { } fabric ? Incomplete(fabric) : null;

    static string? Incomplete(ImageFabric fabric) =>
        fabric.Verbs is { Path: null } ? "the verbs library"
        : fabric.Providers.Any(p => p.Name is null || p.Path is null || HasNull(p.VersionsNeeded)) ? "a provider"
        : fabric.Mpi.Any(m => m.Soname is null || m.Path is null) ? "an MPI library"
        : fabric.Libraries.Any(l => l.Soname is null || l.Path is null) ? "a library"
        : HasNull(fabric.Imports) || fabric.Imports.Values.Any(HasNull) ? "an import" : null;

    static bool HasNull<T>(IReadOnlyDictionary<string, T> pairs) where T : class => pairs.Values.Any(v => v is null);
}
