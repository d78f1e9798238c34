using System.Runtime.InteropServices;

namespace Slipway.Linux;

// sys/stat.h. statx(2) has one layout on every machine; stat(2) has not.
public static unsafe partial class LibC
{
    public const uint STATX_BASIC_STATS = 0x7ff;
    public const ushort S_IFMT = 0xf000, S_IFIFO = 0x1000, S_IFCHR = 0x2000, S_IFDIR = 0x4000, S_IFBLK = 0x6000, S_IFREG = 0x8000, S_IFLNK = 0xa000, S_IFSOCK = 0xc000;

    [StructLayout(LayoutKind.Sequential)]
    public struct statx_timestamp { public long tv_sec; public uint tv_nsec; public int reserved; }

    [StructLayout(LayoutKind.Sequential)]
    public struct statx_t
    {
        public uint stx_mask, stx_blksize;
        public ulong stx_attributes;
        public uint stx_nlink, stx_uid, stx_gid;
        public ushort stx_mode, spare0;
        public ulong stx_ino, stx_size, stx_blocks, stx_attributes_mask;
        public statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;
        public uint stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
        public fixed ulong spare2[14];

        /// <summary>The root of a mount (STATX_ATTR_MOUNT_ROOT, kernel 5.8).</summary>
        public readonly bool IsMountRoot => (stx_attributes & 0x2000) != 0;

        public readonly bool IsDirectory => (stx_mode & S_IFMT) == S_IFDIR;
        public readonly bool IsRegular => (stx_mode & S_IFMT) == S_IFREG;
        public readonly bool IsLink => (stx_mode & S_IFMT) == S_IFLNK;
    }

    [LibraryImport(libc)] public static partial int statx(int dirfd, byte* pathname, int flags, uint mask, statx_t* statxbuf);
    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)] public static partial int mkdir(string pathname, uint mode);
    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)] public static partial int chmod(string pathname, uint mode);
    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)] public static partial int mkfifo(string pathname, uint mode);

    /// <summary>stat(2), or lstat(2) where <paramref name="follow"/> is false; 0 or the errno.</summary>
    public static int stat(string pathname, out statx_t result, bool follow = true)
    {
        fixed (byte* path = CString(pathname))
        fixed (statx_t* to = &result)
            return statx(AT_FDCWD, path, follow ? 0 : AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, to) == 0 ? 0 : errno;
    }

    /// <summary>As <see cref="stat"/>, past any library that was loaded before libc, such as fakeroot's.</summary>
    public static int kernel_stat(string pathname, out statx_t result, bool follow = true)
    {
        nint number = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 291 : 332;
        fixed (byte* path = CString(pathname))
        fixed (statx_t* to = &result)
            return syscall(number, AT_FDCWD, (nint)path, follow ? 0 : AT_SYMLINK_NOFOLLOW, (nint)STATX_BASIC_STATS, (nint)to) == 0 ? 0 : errno;
    }

    const int UTIME_OMIT = (1 << 30) - 2;

    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)] private static partial int utimensat(int dirfd, string pathname, long* times, int flags);

    /// <summary>Sets the modification time of a file, directory or link (never of what a link leads to), in seconds since 1970.</summary>
    public static bool SetModified(string pathname, long seconds)
    {
        long* times = stackalloc long[] { 0, UTIME_OMIT, seconds, 0 };
        return utimensat(AT_FDCWD, pathname, times, AT_SYMLINK_NOFOLLOW) == 0;
    }

    /// <summary>fstat(2); 0 or the errno.</summary>
    public static int fstat(int fd, out statx_t result)
    {
        byte empty = 0;
        fixed (statx_t* to = &result)
            return statx(fd, &empty, AT_EMPTY_PATH, STATX_BASIC_STATS, to) == 0 ? 0 : errno;
    }
}
