using System.Text.Json;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Inventory;

/// <summary>What an image has for fabrics: from its manifest; for an image that is not ours read once, and kept by digest.</summary>
static class ImageFacts
{
    /// <exception cref="SlipwayException">The image cannot be read.</exception>
    public static ImageFabric Of(ContainerImage image, CancellationToken cancellation = default) =>
        image.Manifest?.Fabric is { SchemaVersion: ImageFabric.CurrentSchema } known ? known : Cached(image, Directory, cancellation);

    /// <summary>
    /// <c>/var/cache/slipway/fabric</c> for root, else <c>$XDG_CACHE_HOME/slipway/fabric</c> or <c>~/.cache/slipway/fabric</c>.
    /// </summary>
    static string Directory => Path.Combine(Places.Cache, "fabric");

    /// <param name="directory">Where the facts are kept. One that cannot be written, or that others can, is done without.</param>
    public static ImageFabric Cached(ContainerImage image, string directory, CancellationToken cancellation = default)
    {
        if (!Digest.IsValid(image.Digest))
            return ImageFabricReader.FromImage(image.Path, cancellation);
        string path = Path.Combine(directory, $"{image.Digest[Digest.Prefix.Length..]}.{ImageFabric.CurrentSchema}.json");
        if (IsOurs(directory) && Read(path) is { } kept)
            return kept;
        ImageFabric facts = ImageFabricReader.FromImage(image.Path, cancellation);
        Write(facts, directory, path);
        return facts;
    }

    /// <summary>Another user who may write there could have an image judged by made-up facts.</summary>
    static bool IsOurs(string directory) => stat(directory, out statx found, follow: false) == 0 && found.IsDirectory
        && found.stx_uid == geteuid() && (found.stx_mode & Mode.GroupOrOthersWrite) == 0;

    /// <summary>Bytes; those of an image with everything in it are a megabyte.</summary>
    const int LargestFacts = 64 << 20;

    static ImageFabric? Read(string path)
    {
        try
        {
            return OpenedFile.BytesFound(path, LargestFacts) is { } kept
                && JsonSerializer.Deserialize(kept, ObjectsJson.Default.ImageFabric) is { SchemaVersion: ImageFabric.CurrentSchema } facts
                ? facts : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    static void Write(ImageFabric facts, string directory, string path)
    {
        try
        {
            System.IO.Directory.CreateDirectory(directory, (UnixFileMode)Mode.rwx______);
            if (!IsOurs(directory))
                return;
            AtomicFile.Write(path, Mode.rw_r__r__, to => JsonSerializer.Serialize(to, facts, ObjectsJson.Default.ImageFabric));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // a convenience: without it the image is looked into again
        }
    }
}
