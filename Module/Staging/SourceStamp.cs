using System.Globalization;
using Slipway.Linux;

namespace Slipway.Staging;

/// <summary>What tells, by stat(2) alone, that a file is the one that was read: on every node the same, but for the device, which each node numbers for itself.</summary>
internal sealed record SourceStamp(ulong Inode, ulong Size, long Seconds, uint Nanoseconds)
{
    public static SourceStamp Of(statx found) => new(found.stx_ino, found.stx_size, found.stx_mtime.tv_sec, found.stx_mtime.tv_nsec);

    public static string WithDevice(statx found) => string.Create(CultureInfo.InvariantCulture,
        $"{found.stx_dev_major}:{found.stx_dev_minor} {found.stx_ino} {found.stx_size} {found.stx_mtime.tv_sec}.{found.stx_mtime.tv_nsec}");
}
