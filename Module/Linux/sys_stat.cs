using System.Runtime.InteropServices;
using C = Tmds.Linux.LibC;

namespace Slipway.Linux;

// sys/stat.h and linux/stat.h. statx(2) has one layout on every machine; stat(2) has not.
public static unsafe partial class LibC
{
    const ulong STATX_ATTR_MOUNT_ROOT = 0x2000;

    // the number differs between machines (asm/unistd.h)
    static int SYS_statx => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 291 : 332;

    extension(in statx found)
    {
        /// <summary>The root of a mount (kernel 5.8).</summary>
        public bool IsMountRoot => (found.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;

        /// <summary>S_IFREG and the like.</summary>
        public mode_t Type => found.stx_mode & S_IFMT;

        public bool IsDirectory => found.Type == S_IFDIR;
        public bool IsRegular => found.Type == S_IFREG;
        public bool IsLink => found.Type == S_IFLNK;
    }

    public static int mkdir(string pathname, uint mode)
    {
        fixed (byte* path = CString(pathname))
            return C.mkdir(path, (ushort)mode);
    }

    public static int mkdirat(int dirfd, string pathname, uint mode)
    {
        fixed (byte* path = CString(pathname))
            return C.mkdirat(dirfd, path, (ushort)mode);
    }

    public static int chmod(string pathname, uint mode)
    {
        fixed (byte* path = CString(pathname))
            return C.chmod(path, (ushort)mode);
    }

    public static int mkfifo(string pathname, uint mode)
    {
        fixed (byte* path = CString(pathname))
            return C.mkfifo(path, (ushort)mode);
    }

    /// <summary>stat(2), or lstat(2) where <paramref name="follow"/> is false; 0 or the errno.</summary>
    public static int stat(string pathname, out statx result, bool follow = true)
    {
        fixed (byte* path = CString(pathname))
        fixed (statx* to = &result)
            return statx(AT_FDCWD, path, follow ? 0 : AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, to) == 0 ? 0 : errno;
    }

    /// <summary>As <see cref="stat"/>, past any library that was loaded before libc, such as fakeroot's.</summary>
    public static int kernel_stat(string pathname, out statx result, bool follow = true)
    {
        fixed (byte* path = CString(pathname))
        fixed (statx* to = &result)
            return (int)syscall(SYS_statx, AT_FDCWD, path, follow ? 0 : AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, to) == 0 ? 0 : errno;
    }

    /// <summary>fstat(2); 0 or the errno.</summary>
    public static int fstat(int fd, out statx result)
    {
        byte empty = 0;
        fixed (statx* to = &result)
            return statx(fd, &empty, AT_EMPTY_PATH, STATX_BASIC_STATS, to) == 0 ? 0 : errno;
    }

    /// <summary>Sets the modification time of a file, directory or link (never of what a link leads to), in seconds since 1970.</summary>
    public static bool SetModified(string pathname, long seconds)
    {
        timespec* times = stackalloc timespec[] { new() { tv_nsec = UTIME_OMIT }, new() { tv_sec = seconds } };
        fixed (byte* path = CString(pathname))
            return utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0;
    }
}
