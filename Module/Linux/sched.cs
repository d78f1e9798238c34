using System.Runtime.InteropServices;

namespace Slipway.Linux;

// sched.h, linux/sched.h, sys/pidfd.h, sys/wait.h, signal.h
public static unsafe partial class LibC
{
    public const ulong CLONE_NEWNS = 0x00020000, CLONE_NEWUSER = 0x10000000;
    public const int SIGHUP = 1, SIGINT = 2, SIGKILL = 9, SIGPIPE = 13, SIGTERM = 15, SIGCHLD = 17;

    [StructLayout(LayoutKind.Sequential)]
    public struct clone_args
    {
        public ulong flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
    }

    /// <summary>clone3(2) with fork's meaning: 0 in the child, which is a copy of the calling thread alone.</summary>
    /// <remarks>A multi-threaded process may make a user namespace for a child, though not for itself (unshare(2)).</remarks>
    public static int clone3(ulong flags)
    {
        clone_args args = new() { flags = flags, exit_signal = SIGCHLD };
        return (int)syscall(435, (nint)(&args), sizeof(clone_args), 0, 0, 0);
    }

    public static int close_range(uint first, uint last) => (int)syscall(436, (nint)first, (nint)last, 0, 0, 0);

    /// <summary>pidfd_open(2), kernel 5.3. Readable when the process has ended.</summary>
    public static int pidfd_open(int pid) => (int)syscall(434, pid, 0, 0, 0, 0);

    [LibraryImport(libc)] public static partial int unshare(int flags);
    [LibraryImport(libc)] public static partial int kill(int pid, int sig);
    [LibraryImport(libc)] public static partial int waitpid(int pid, int* wstatus, int options);

    /// <summary>signal(2): <paramref name="handler"/> is SIG_DFL (0) or SIG_IGN (1).</summary>
    [LibraryImport(libc)] public static partial nint signal(int signum, nint handler);
}
