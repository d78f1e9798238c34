using System.Runtime.InteropServices;
using C = Tmds.Linux.LibC;

namespace Slipway.Linux;

/// <summary>
/// What Tmds.LibC lacks of libc, under libc's names (unistd.h here; one file per header), and those of its calls that take a path, with a
/// string for it.
/// </summary>
/// <remarks>
/// The rule of errors: each import that can fail has <c>SetLastError = true</c>, those of Tmds.LibC and ours alike, and a test sees to it
/// (ErrnoTests). .NET then keeps libc's errno of the call for this thread, and <c>errno</c> is what it has kept, not libc's own, which the
/// runtime changes meanwhile. A call that succeeds sets it to 0, so it is read right after the call that returned -1. What is written here
/// on top of an import returns either -1, with errno as the import left it, or the errno itself, 0 for success; its summary says which.
/// The forms with pointers may be called in the child of a raw clone, where nothing may be allocated.
/// </remarks>
public static unsafe partial class LibC
{
    const string libc = "libc";

    [LibraryImport(libc, SetLastError = true)] public static partial int execv(byte* pathname, byte** argv);

    public static int access(string pathname, int mode)
    {
        fixed (byte* path = CString(pathname))
            return C.access(path, mode);
    }

    public static int chdir(string pathname)
    {
        fixed (byte* path = CString(pathname))
            return C.chdir(path);
    }

    public static int unlink(string pathname)
    {
        fixed (byte* path = CString(pathname))
            return C.unlink(path);
    }

    public static int rmdir(string pathname)
    {
        fixed (byte* path = CString(pathname))
            return C.rmdir(path);
    }

    public static int link(string oldpath, string newpath)
    {
        fixed (byte* from = CString(oldpath), to = CString(newpath))
            return C.link(from, to);
    }

    /// <summary>linkat(2) of the file that a descriptor is open on, be it with O_PATH.</summary>
    public static int linkat(int fd, string newpath)
    {
        fixed (byte* from = CString($"/proc/self/fd/{fd}"), to = CString(newpath))
            return C.linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW);
    }

    public static int symlink(string target, string linkpath)
    {
        fixed (byte* to = CString(target), path = CString(linkpath))
            return C.symlink(to, path);
    }

    public static int chown(string pathname, uid_t owner, gid_t group)
    {
        fixed (byte* path = CString(pathname))
            return C.chown(path, owner, group);
    }

    public static int lchown(string pathname, uid_t owner, gid_t group)
    {
        fixed (byte* path = CString(pathname))
            return C.lchown(path, owner, group);
    }

    public static ssize_t readlink(string pathname, byte* buf, size_t bufsiz)
    {
        fixed (byte* path = CString(pathname))
            return C.readlink(path, buf, bufsiz);
    }

    /// <summary>A zero-terminated UTF-8 copy.</summary>
    /// <exception cref="SlipwayException">The text has a zero in it: libc would take what is before that, which is another
    /// path.</exception>
    public static byte[] CString(string text)
    {
        if (text.Contains('\0'))
            throw LinuxErrors.TextInvalid(text);
        byte[] bytes = new byte[System.Text.Encoding.UTF8.GetByteCount(text) + 1];
        System.Text.Encoding.UTF8.GetBytes(text, bytes);
        return bytes;
    }
}
