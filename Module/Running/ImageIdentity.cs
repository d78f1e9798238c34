using System.Globalization;
using Slipway.Linux;
using Slipway.Staging;

namespace Slipway.Running;

/// <summary>Which file is to be mounted, and what tells its content from another's without reading it.</summary>
/// <param name="Path">Absolute path of a SquashFS file or of an unpacked directory.</param>
/// <param name="Identity">The digest where the node cache knows it, else device, inode, size and time.</param>
internal sealed record ImageIdentity(string Path, string Identity, bool IsDirectory)
{
    /// <exception cref="SlipwayException">There is no such image (exit code 125).</exception>
    public static ImageIdentity Find(string image)
    {
        if (image.StartsWith(Digest.Prefix, StringComparison.Ordinal))
        {
            if (!Digest.IsValid(image))
                throw new SlipwayException("DigestInvalid", ErrorKind.InvalidArgument, $"'{image}' is not a digest: sha256: and 64 hexadecimal digits are needed", null, image) { ExitCode = 125 };
            return NodeCache.FindEntry(image) is { } entry ? new ImageIdentity(entry, image, false) : throw new SlipwayException("ImageNotCached", ErrorKind.ObjectNotFound,
                $"{image}: no cache of this node has this image", "Stage it: slipway publish IMAGE (Publish-ImageCache).", image)
            { ExitCode = 125 };
        }

        string path = System.IO.Path.GetFullPath(image);
        if (LibC.stat(path, out LibC.statx_t found) is not 0 and var error)
            throw new SlipwayException("ImageNotFound", ErrorKind.ObjectNotFound, $"{path}: there is no such image (errno {error})", "Build it (slipway build, New-ContainerImage), or check the path.", path) { ExitCode = 125 };
        if (found.IsDirectory)
            return new ImageIdentity(path, Stamp(found), true);
        if (!found.IsRegular)
            throw new SlipwayException("ImageInvalid", ErrorKind.InvalidData, $"{path}: is neither a file nor a directory", "Give the path of a SquashFS image or of an unpacked root.", path) { ExitCode = 125 };

        // what was published from this very file is on this node's own disk: the shared filesystem is asked no more than this stat
        return NodeCache.FindPublished(path, found) is { } digest && NodeCache.FindEntry(digest) is { } cached
            ? new ImageIdentity(cached, digest, false)
            : new ImageIdentity(path, Stamp(found), false);
    }

    static string Stamp(LibC.statx_t found) => string.Create(CultureInfo.InvariantCulture,
        $"{found.stx_dev_major}:{found.stx_dev_minor}:{found.stx_ino}:{found.stx_size}:{found.stx_mtime.tv_sec}.{found.stx_mtime.tv_nsec}");
}
