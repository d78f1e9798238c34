using System.Runtime.InteropServices;

namespace Slipway.Linux;

// sys/file.h
public static partial class LibC
{
    public const int LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8;

    [LibraryImport(libc, SetLastError = true)] public static partial int flock(int fd, int operation);
}
