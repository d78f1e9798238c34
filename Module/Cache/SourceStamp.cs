using Slipway.Shared;

namespace Slipway.Cache;

/// <summary>
/// What tells, by stat(2) alone, that a file is the one that was read: on every node the same, but for the device, which each node numbers
/// for itself.
/// </summary>
/// <param name="Seconds">Of the last modification, which its owner can set (utimensat(2)): <c>touch -r</c> and <c>cp -p</c> do.</param>
/// <param name="ChangedSeconds">Of the last change of the inode, which nobody can set, and which is later than every write (inode(7),
/// ctime).</param>
sealed record SourceStamp(ulong Inode, ulong Size, long Seconds, uint Nanoseconds, long ChangedSeconds, uint ChangedNanoseconds)
{
    public static SourceStamp Of(statx found) =>
        new(found.stx_ino, found.stx_size, found.stx_mtime.tv_sec, found.stx_mtime.tv_nsec, found.stx_ctime.tv_sec,
            found.stx_ctime.tv_nsec);

    /// <summary>The same with the device, as one word. It is part of a container's key.</summary>
    public static unsafe string WithDevice(statx found)
    {
        Text stamp = default;
        FileStamp.Add(ref stamp, (Stat.statx_t*)&found);
        return stamp.Take();
    }
}
