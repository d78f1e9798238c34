using System.Globalization;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Cache;

/// <summary>
/// Says that an entry's bytes were checked against its digest, and what the entry's inode was like then: <c>CACHE/checked/DIGEST</c>. An
/// entry without it, or one that was changed since, is none; it is checked again by whoever publishes it again. So a reader sees by two
/// small files what a hash would tell.
/// </summary>
static class CheckedRecord
{
    static string PathOf(string cache, string digest) => $"{cache}/checked/{digest[Digest.Prefix.Length..]}";

    // ctime cannot be set, and changes with every write; devices are numbered anew at each boot
    static string Stamp(statx found) => string.Create(CultureInfo.InvariantCulture,
        $"{found.stx_ino} {found.stx_size} {found.stx_mtime.tv_sec}.{found.stx_mtime.tv_nsec} "
        + $"{found.stx_ctime.tv_sec}.{found.stx_ctime.tv_nsec}\n");

    public static bool Holds(string cache, string digest, statx found) => OpenedFile.TryTextFound(PathOf(cache, digest)) == Stamp(found);

    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Nor may it be.</exception>
    public static void Write(string cache, string digest, string entry)
    {
        if (stat(entry, out statx found, follow: false) is not 0 and var error)
            throw new IOException(string.Create(CultureInfo.InvariantCulture, $"{entry}: errno {error}"));
        AtomicFile.Write(PathOf(cache, digest), Mode.rw_r__r__, Stamp(found));
    }

    public static void Remove(string cache, string digest) => unlink(PathOf(cache, digest));
}
