using System.Runtime.InteropServices;

namespace Slipway.Linux;

// <sys/xattr.h>
public static partial class LibC
{
    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)] public static partial int lsetxattr(string path, string name, [In] byte[] value, nuint size, int flags);
}
