using C = Tmds.Linux.LibC;

namespace Slipway.Linux;

// fcntl.h, linux/fcntl.h
public static unsafe partial class LibC
{
    public const int AT_RECURSIVE = 0x8000;

    public static int open(string pathname, int flags, uint mode)
    {
        fixed (byte* path = CString(pathname))
            return C.open(path, flags, (ushort)mode);
    }

    public static int openat(int dirfd, string pathname, int flags)
    {
        fixed (byte* path = CString(pathname))
            return C.openat(dirfd, path, flags, 0);
    }

    /// <summary>openat2(2), kernel 5.6.</summary>
    public static int openat2(int dirfd, string pathname, int flags, ulong resolve)
    {
        open_how how = new() { flags = (ulong)flags, resolve = resolve };
        fixed (byte* path = CString(pathname))
            return C.openat2(dirfd, path, &how, sizeof(open_how));
    }
}
