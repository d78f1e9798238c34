using System.Runtime.InteropServices;

namespace Slipway.Linux;

// sys/xattr.h
public static unsafe partial class LibC
{
    [LibraryImport(libc, SetLastError = true)]
    private static partial int lsetxattr(byte* path, byte* name, void* value, nuint size, int flags);

    public static int lsetxattr(string path, string name, byte[] value, int flags)
    {
        fixed (byte* p = CString(path), n = CString(name), v = value)
            return lsetxattr(p, n, v, (nuint)value.Length, flags);
    }
}
