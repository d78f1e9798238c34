using System.Text.Json;
using Slipway.Linux;

namespace Slipway.Inventory;

/// <summary>What an image has for fabrics: from its manifest; for an image that is not ours read once, and kept by digest.</summary>
static class ImageFacts
{
    /// <exception cref="SlipwayException">The image cannot be read.</exception>
    public static ImageFabric Of(ContainerImage image, CancellationToken cancellation = default) =>
        image.Manifest?.Fabric is { SchemaVersion: ImageFabric.CurrentSchema } known ? known : Cached(image, Directory, cancellation);

    /// <summary><c>/var/cache/slipway/fabric</c> for root, else <c>$XDG_CACHE_HOME/slipway/fabric</c> or <c>~/.cache/slipway/fabric</c>.</summary>
    static string Directory => geteuid() == 0 ? "/var/cache/slipway/fabric"
        : Path.Combine(Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { } set && set.StartsWith('/') ? set
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "slipway/fabric");

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
        && found.stx_uid == geteuid() && (found.stx_mode & GroupOrOthersWrite) == 0;

    /// <summary>Bytes; those of an image with everything in it are a megabyte.</summary>
    const int LargestFacts = 64 << 20;

    const uint GroupOrOthersWrite = 0x12; // 0022

    static ImageFabric? Read(string path)
    {
        try
        {
            return OpenedFile.BytesFound(path, LargestFacts) is { } kept && JsonSerializer.Deserialize(kept, ObjectsJson.Default.ImageFabric) is { SchemaVersion: ImageFabric.CurrentSchema } facts ? facts : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    static void Write(ImageFabric facts, string directory, string path)
    {
        string beside = PartialFile.NameFor(path);
        try
        {
            System.IO.Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            if (!IsOurs(directory))
                return;
            using (FileStream stream = new FileStream(beside, FileMode.CreateNew, FileAccess.Write))
                JsonSerializer.Serialize(stream, facts, ObjectsJson.Default.ImageFabric);
            File.Move(beside, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            unlink(beside); // where its directory is missing too, the first error is the one to tell
        }
    }
}
