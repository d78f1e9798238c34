using Slipway.Cache;
using Slipway.Linux;

namespace Slipway.Running;

/// <summary>Which image a rank asks for, and what tells its content from another's without reading it.</summary>
/// <remarks>
/// One stat(2) and nothing else: it is on every rank's path. The ranks of a step ask for the same thing in the same words, so where the
/// node cache has its copy is asked once, by whoever starts the holder (<see cref="Locate"/>).
/// </remarks>
/// <param name="Given">Absolute path of a SquashFS file or of an unpacked directory, or <c>sha256:DIGEST</c>.</param>
/// <param name="Stamp">Device, inode, size and times of last change of the file; empty for a digest, which says it all.</param>
sealed record ImageIdentity(string Given, string Stamp, bool IsDirectory, statx Found)
{
    /// <exception cref="SlipwayException">There is no such image.</exception>
    public static ImageIdentity Find(string image)
    {
        if (image.StartsWith(Digest.Prefix, StringComparison.Ordinal))
            return Digest.IsValid(image) ? new ImageIdentity(image, "", false, default) : throw RunningErrors.DigestInvalid(image);

        string path = Path.GetFullPath(image);
        if (stat(path, out statx found) is not 0 and var error)
            throw RunningErrors.ImageNotFound(path, error);
        if (!found.IsDirectory && !found.IsRegular)
            throw RunningErrors.ImageOfNoKind(path);
        return new ImageIdentity(path, SourceStamp.WithDevice(found), found.IsDirectory, found);
    }

    /// <summary>
    /// What is to be mounted: the node cache's entry where there is one, so that the shared filesystem is asked no more than the stat, else
    /// the file itself.
    /// </summary>
    /// <returns>An absolute path, its digest where the cache knows it, and then a descriptor that keeps the entry: whoever clears the cache
    /// passes it over while that is open.</returns>
    /// <exception cref="SlipwayException">A digest that no cache of this node has.</exception>
    public (string Path, string? Digest, int Held) Locate()
    {
        bool byDigest = Given.StartsWith(Digest.Prefix, StringComparison.Ordinal);
        string? digest = byDigest ? Given : IsDirectory ? null : NodeCache.FindPublished(Given, Found);
        // another cache may have it where it was just cleared from one
        for (int tries = 0; tries < NodeCache.Most && digest is not null && NodeCache.FindEntry(digest) is { } entry; tries++)
            if (NodeCache.Hold(entry) is >= 0 and var held)
                return (entry, digest, held);
        return !byDigest ? (Given, null, -1) : throw RunningErrors.ImageNotCached(Given);
    }
}
