using System.Text.Json;
using Slipway.Linux;
using Slipway.Readers;
using Slipway.Readers.SquashFs;

namespace Slipway.Images;

/// <summary><c>/.slipway/image.json</c> of an image that nobody vouches for: within limits, and with nothing missing that the rest of the product takes for granted.</summary>
static class ManifestReader
{
    public const string Path = ".slipway/image.json";

    /// <summary>In bytes; the largest that we make, of a host with hundreds of thousands of files, are half of it.</summary>
    const long Largest = 32 << 20;

    /// <param name="image">What errors call the image.</param>
    /// <exception cref="SlipwayException">It is no JSON, no manifest, of a later version, or exceeds a limit (<see cref="BoundedJson"/>).</exception>
    public static ImageManifest Read(Stream stream, string image)
    {
        SlipwayException Invalid(string why, Exception? e = null) => new("ManifestInvalid", ErrorKind.InvalidData, $"{image}: /{Path}: {why}", "Build the image anew.", image, e);
        ImageManifest manifest;
        try
        {
            manifest = JsonSerializer.Deserialize(new BoundedJson(new BoundedStream(stream, Largest, TooLarge)), ObjectsJson.Default.ImageManifest) ?? throw Invalid("'null' is no manifest");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NotSupportedException or ArgumentException or FormatException or OverflowException)
        {
            throw Invalid(e.Message, e);
        }
        if (manifest.SchemaVersion > 1)
            throw new SlipwayException("ManifestTooNew", ErrorKind.InvalidData, $"{image}: /{Path} has schema version {manifest.SchemaVersion}, this Slipway knows 1", "Update Slipway.", image);
        return Incomplete(manifest) is { } what ? throw Invalid($"{what} lacks a name, or something else that each of them has") : manifest;
        SlipwayException TooLarge() => ImageFile.TooLarge(image, Path, Largest);
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
