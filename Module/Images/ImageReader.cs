using Slipway.Linux;
using Slipway.Readers;
using Slipway.Readers.SquashFs;

namespace Slipway.Images;

/// <summary>From a file to a <see cref="ContainerImage"/>: any SquashFS image, ours or not.</summary>
public static class ImageReader
{
    /// <summary>Describes an image.</summary>
    /// <param name="digest">Where it is known already; else the whole file is read.</param>
    /// <param name="copy">Where the same bytes lie nearer (the node cache's entry): then the file itself is not opened.</param>
    /// <param name="manifest">Where who has just written it knows it; else it is read from the image.</param>
    /// <exception cref="SlipwayException">It is not there, or not an image.</exception>
    public static ContainerImage Read(string path, string? digest = null, CancellationToken cancel = default, string? copy = null,
        ImageManifest? manifest = null)
    {
        path = Path.GetFullPath(path);
        string content = copy ?? path;
        SquashFsSuperblock superblock = SquashFsSuperblock.Read(content);
        manifest ??= ImageFile.Read(content, ManifestReader.Path, stream => ManifestReader.Read(stream, path), cancel);
        return new ContainerImage
        {
            Path = path,
            Size = new FileInfo(content).Length,
            Manifest = manifest,
            Compressor = superblock.CompressorName,
            Made = superblock.Made,
            Distribution = manifest?.Distribution ?? DistributionOf(content, path, cancel),
            Digest = digest ?? Digest.OfFile(content, cancel: cancel),
        };
    }

    static ImageDistribution? DistributionOf(string image, string name, CancellationToken cancel) =>
        OsRelease.Find(place => ImageFile.Text(image, name, place[1..], cancel));
}
