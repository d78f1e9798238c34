using System.Runtime.InteropServices;

namespace Slipway.Linux;

// dirent.h
public static unsafe partial class LibC
{
    public const byte DT_DIR = 4;

    [StructLayout(LayoutKind.Sequential)]
    public struct dirent64
    {
        public ulong d_ino;
        public long d_off;
        public ushort d_reclen;
        public byte d_type;
        public fixed byte d_name[256];
    }

    [LibraryImport(libc, SetLastError = true)] public static partial nint getdents64(int fd, void* dirp, nuint count);
}
