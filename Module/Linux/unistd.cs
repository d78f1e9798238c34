using System.Runtime.InteropServices;

namespace Slipway.Linux;

/// <summary>System calls under their libc names (unistd.h here; one file per header).</summary>
/// <remarks>
/// The blittable forms (pointers, no SetLastError) may be called from the child of a raw clone, where nothing may be allocated.
/// A result of -1 leaves the reason in <see cref="errno"/>.
/// </remarks>
public static unsafe partial class LibC
{
    const string libc = "libc";

    public const int F_OK = 0, X_OK = 1, W_OK = 2, R_OK = 4;

    /// <summary>errno(3) of the last call on this thread.</summary>
    public static int errno => Marshal.GetLastSystemError();

    [LibraryImport(libc)] public static partial nint read(int fd, void* buf, nuint count);
    [LibraryImport(libc)] public static partial nint pread(int fd, void* buf, nuint count, long offset);
    [LibraryImport(libc)] public static partial nint write(int fd, void* buf, nuint count);
    [LibraryImport(libc)] public static partial int close(int fd);
    [LibraryImport(libc)] public static partial int dup2(int oldfd, int newfd);
    [LibraryImport(libc)] public static partial int pipe2(int* pipefd, int flags);
    [LibraryImport(libc)] public static partial int chdir(byte* path);
    [LibraryImport(libc)] public static partial int fchdir(int fd);
    [LibraryImport(libc)] public static partial uint getuid();
    [LibraryImport(libc)] public static partial uint geteuid();
    [LibraryImport(libc)] public static partial uint getgid();
    [LibraryImport(libc)] public static partial int getgroups(int size, uint* list);
    [LibraryImport(libc)] public static partial int getpid();
    [LibraryImport(libc)] public static partial int getppid();
    [LibraryImport(libc)] public static partial uint alarm(uint seconds);
    [LibraryImport(libc)] public static partial int fsync(int fd);
    [LibraryImport(libc)] public static partial int setsid();
    [LibraryImport(libc)] public static partial int setpgid(int pid, int pgid);
    [LibraryImport(libc)] public static partial int execv(byte* pathname, byte** argv);
    [LibraryImport(libc)] public static partial int execve(byte* pathname, byte** argv, byte** envp);
    [LibraryImport(libc)] public static partial void _exit(int status);
    [LibraryImport(libc)] public static partial int unlinkat(int dirfd, byte* pathname, int flags);
    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)] public static partial int access(string pathname, int mode);
    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)] public static partial int chdir(string path);
    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)] public static partial int unlink(string pathname);
    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)] public static partial int rename(string oldpath, string newpath);
    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)] public static partial int rmdir(string pathname);
    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)] public static partial int link(string oldpath, string newpath);
    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)] public static partial int symlink(string target, string linkpath);
    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)] public static partial int chown(string pathname, uint owner, uint group);
    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)] public static partial int lchown(string pathname, uint owner, uint group);
    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)] public static partial nint readlink(string pathname, byte* buf, nuint bufsiz);
    [LibraryImport(libc)] private static partial int linkat(int olddirfd, byte* oldpath, int newdirfd, byte* newpath, int flags);

    /// <summary>linkat(2) of the file that a descriptor is open on, be it with O_PATH.</summary>
    public static int linkat(int fd, string newpath)
    {
        fixed (byte* from = CString($"/proc/self/fd/{fd}"), to = CString(newpath))
            return linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW);
    }

    [LibraryImport(libc)] public static partial nint syscall(nint number, nint a, nint b, nint c, nint d, nint e);
}
