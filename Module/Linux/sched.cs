using System.Runtime.InteropServices;

namespace Slipway.Linux;

// linux/sched.h, sys/pidfd.h, sys/wait.h, signal.h
public static unsafe partial class LibC
{
    const int SYS_pidfd_open = 434, SYS_clone3 = 435, SYS_close_range = 436;

    [StructLayout(LayoutKind.Sequential)]
    public struct clone_args
    {
        public ulong flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
    }

    /// <summary>clone3(2) with fork's meaning: 0 in the child, which is a copy of the calling thread alone.</summary>
    /// <remarks>
    /// A multi-threaded process may make a user namespace for a child, though not for itself (unshare(2)). A thread's errno is made when it
    /// is first set: that is before the clone, since the child may not allocate.
    /// </remarks>
    public static int clone3(int flags)
    {
        clone_args args = new() { flags = (ulong)flags, exit_signal = (ulong)SIGCHLD };
        Marshal.SetLastPInvokeError(0);
        return (int)syscall(SYS_clone3, &args, sizeof(clone_args));
    }

    public static int close_range(uint first, uint last) => (int)syscall(SYS_close_range, first, last, 0);

    /// <summary>pidfd_open(2), kernel 5.3. Readable when the process has ended.</summary>
    public static int pidfd_open(int pid) => (int)syscall(SYS_pidfd_open, pid, 0);

    [LibraryImport(libc, SetLastError = true)] public static partial int waitpid(int pid, int* wstatus, int options);

    /// <summary>signal(2): <paramref name="handler"/> is SIG_DFL (0) or SIG_IGN (1).</summary>
    [LibraryImport(libc, SetLastError = true)] public static partial nint signal(int signum, nint handler);
}
