#pragma warning disable CS0649 // what the kernel fills in
#if FRONT
using static Slipway.Front.LibC;
#endif

namespace Slipway.Shared;

/// <summary>sys/stat.h, as far as front and full launcher ask the same of a file. statx(2) has one layout on every machine.</summary>
static unsafe class Stat
{
    public struct statx_timestamp { public long tv_sec; public uint tv_nsec; public int __reserved; }

    public struct statx_t
    {
        public uint stx_mask, stx_blksize;
        public ulong stx_attributes;
        public uint stx_nlink, stx_uid, stx_gid;
        public ushort stx_mode, __spare0;
        public ulong stx_ino, stx_size, stx_blocks, stx_attributes_mask;
        public statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;
        public uint stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
        public fixed ulong __spare2[14];

        public readonly bool IsDirectory => (stx_mode & 0xf000 /* S_IFMT */) == 0x4000 /* S_IFDIR */;
        public readonly bool IsRegular => (stx_mode & 0xf000 /* S_IFMT */) == 0x8000 /* S_IFREG */;
    }

    /// <summary>What lies at a path; no link at its end is followed.</summary>
    public static bool TryLink(byte* path, statx_t* found) => Try(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, found);

    /// <summary>What a link at the end of a path leads to.</summary>
    public static bool TryPath(byte* path, statx_t* found) => Try(AT_FDCWD, path, 0, found);

    /// <summary>What is open.</summary>
    public static bool TryOpened(int fd, statx_t* found)
    {
        byte empty = 0;
        return Try(fd, &empty, AT_EMPTY_PATH, found);
    }

    static bool Try(int directory, byte* path, int flags, statx_t* found) =>
#if FRONT
        statx(directory, path, flags, STATX_BASIC_STATS, found) == 0;
#else
        statx(directory, path, flags, STATX_BASIC_STATS, (statx*)found) == 0;
#endif
}
