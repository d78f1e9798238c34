using System.Runtime.InteropServices;

namespace Slipway.Linux;

// fcntl.h, sys/file.h and linux/openat2.h
public static unsafe partial class LibC
{
    public const int O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0x40, O_EXCL = 0x80, O_NOCTTY = 0x100, O_TRUNC = 0x200, O_NONBLOCK = 0x800;
    public const int O_CLOEXEC = 0x80000, O_PATH = 0x200000;

    // these two differ between machines (asm/fcntl.h)
    public static int O_DIRECTORY => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000;
    public static int O_NOFOLLOW => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;

    public const int AT_FDCWD = -100, AT_SYMLINK_NOFOLLOW = 0x100, AT_REMOVEDIR = 0x200, AT_SYMLINK_FOLLOW = 0x400, AT_EMPTY_PATH = 0x1000, AT_RECURSIVE = 0x8000;
    public const int F_SETFD = 2, F_SETFL = 4, FD_CLOEXEC = 1;
    public const int LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8;

    /// <summary>openat2(2): no component may leave the directory, and absolute links are taken from it.</summary>
    public const ulong RESOLVE_IN_ROOT = 0x10, RESOLVE_BENEATH = 0x08, RESOLVE_NO_SYMLINKS = 0x04, RESOLVE_NO_MAGICLINKS = 0x02;

    [StructLayout(LayoutKind.Sequential)]
    public struct open_how { public ulong flags, mode, resolve; }

    [LibraryImport(libc)] public static partial int open(byte* pathname, int flags, uint mode);
    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)] public static partial int open(string pathname, int flags, uint mode);
    [LibraryImport(libc)] public static partial int fcntl(int fd, int cmd, nint arg);
    [LibraryImport(libc)] public static partial int flock(int fd, int operation);

    [LibraryImport(libc)] public static partial nint getdents64(int fd, void* dirp, nuint count);

    /// <summary>readahead(2): asks for a part of a file to be in memory, and does not wait.</summary>
    [LibraryImport(libc)] public static partial nint readahead(int fd, long offset, nuint count);

    /// <summary>openat2(2), kernel 5.6.</summary>
    public static int openat2(int dirfd, string pathname, ulong flags, ulong resolve)
    {
        open_how how = new() { flags = flags, resolve = resolve };
        fixed (byte* path = CString(pathname))
            return (int)syscall(437, dirfd, (nint)path, (nint)(&how), sizeof(open_how), 0);
    }

    /// <summary>A zero-terminated UTF-8 copy.</summary>
    public static byte[] CString(string text)
    {
        byte[] bytes = new byte[System.Text.Encoding.UTF8.GetByteCount(text) + 1];
        System.Text.Encoding.UTF8.GetBytes(text, bytes);
        return bytes;
    }
}
