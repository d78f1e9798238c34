using System.Text.Json;
using Slipway.Linux;

namespace Slipway.Images;

/// <summary>From a file to a <see cref="ContainerImage"/>: any SquashFS image, ours or not.</summary>
public static class ImageReader
{
    const string ManifestPath = ".slipway/image.json";

    /// <summary>Describes an image.</summary>
    /// <param name="digest">Where it is known already; else the whole file is read.</param>
    /// <param name="copy">Where the same bytes lie nearer (the node cache's entry): then the file itself is not opened.</param>
    /// <exception cref="SlipwayException">It is not there, or not an image.</exception>
    public static ContainerImage Read(string path, string? digest = null, CancellationToken cancel = default, string? copy = null)
    {
        path = Path.GetFullPath(path);
        string content = copy ?? path;
        SquashFsSuperblock superblock = SquashFsSuperblock.Read(content);
        ImageManifest? manifest = ReadManifest(content);
        return new ContainerImage
        {
            Path = path,
            Size = new FileInfo(content).Length,
            Manifest = manifest,
            Compressor = superblock.CompressorName,
            Made = superblock.Made,
            // the file that /etc/os-release leads to, where it is a link
            Distribution = manifest?.Distribution ?? OsRelease.Parse(HostProgram.Read("unsquashfs", "-cat", content, "usr/lib/os-release") ?? HostProgram.Read("unsquashfs", "-cat", content, "etc/os-release") ?? ""),
            Digest = digest ?? Digest.OfFile(content, cancel: cancel),
        };
    }

    static ImageManifest? ReadManifest(string path)
    {
        if (HostProgram.Read("unsquashfs", "-cat", path, ManifestPath) is not { } text)
            return null;
        try
        {
            ImageManifest? manifest = JsonSerializer.Deserialize(text, SlipwayJson.Default.ImageManifest);
            return manifest is { SchemaVersion: <= 1 } ? manifest : throw new SlipwayException("ManifestTooNew", ErrorKind.InvalidData,
                $"{path}: /{ManifestPath} has schema version {manifest?.SchemaVersion}, this Slipway knows 1", "Update Slipway.", path);
        }
        catch (JsonException e)
        {
            throw new SlipwayException("ManifestInvalid", ErrorKind.InvalidData, $"{path}: /{ManifestPath}: {e.Message}", "Build the image anew.", path, e);
        }
    }
}
