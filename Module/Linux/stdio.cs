using System.Runtime.InteropServices;

namespace Slipway.Linux;

// stdio.h
public static unsafe partial class LibC
{
    [LibraryImport(libc, SetLastError = true)] private static partial int rename(byte* oldpath, byte* newpath);

    public static int rename(string oldpath, string newpath)
    {
        fixed (byte* from = CString(oldpath), to = CString(newpath))
            return rename(from, to);
    }
}
