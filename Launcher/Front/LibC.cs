#pragma warning disable CS0649 // what the kernel fills in
using System.Runtime.InteropServices;
using static Slipway.Shared.Stat;

namespace Slipway.Front;

// What the front takes of libc, under its own names; for x86-64, which is what the front is built for. Module/Linux and Tmds.LibC declare
// the same for the full launcher:
// a twin that stays, since theirs keep errno, know other machines and take strings. None can differ from the other: a test compiles both
// against the C headers.
static unsafe class LibC
{
    public const int O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0x40, O_NONBLOCK = 0x800, O_DIRECTORY = 0x10000,
    O_NOFOLLOW = 0x20000, O_CLOEXEC = 0x80000;
    public const int AT_FDCWD = -100, AT_SYMLINK_NOFOLLOW = 0x100, AT_EMPTY_PATH = 0x1000, F_OK = 0, X_OK = 1, F_DUPFD = 0, F_SETFD = 2,
    FD_CLOEXEC = 1;
    public const int LOCK_EX = 2, LOCK_NB = 4;
    public const uint MFD_CLOEXEC = 1;
    public const uint STATX_BASIC_STATS = 0x7ff;
    public const int AF_UNIX = 1, SOCK_STREAM = 1, SOCK_CLOEXEC = O_CLOEXEC, SOL_SOCKET = 1, SO_PEERCRED = 17, SCM_RIGHTS = 1,
    SOCK_NONBLOCK = O_NONBLOCK, MSG_CMSG_CLOEXEC = 0x40000000;
    public const short POLLIN = 1;
    public const int CLONE_NEWNS = 0x00020000, CLONE_NEWUSER = 0x10000000;
    public const int SIGHUP = 1, SIGINT = 2, SIGKILL = 9, SIGTERM = 15, SIGCHLD = 17;
    public const int PR_SET_NO_NEW_PRIVS = 38, PR_CAP_AMBIENT = 47, PR_CAP_AMBIENT_RAISE = 2;
    public const int CAP_DAC_OVERRIDE = 1, CAP_SYS_CHROOT = 18, CAP_SYS_ADMIN = 21;
    const uint _LINUX_CAPABILITY_VERSION_3 = 0x20080522;
    public const uint FSCONFIG_SET_FLAG = 0, FSCONFIG_SET_STRING = 1, FSCONFIG_CMD_CREATE = 6;
    public const ulong MOUNT_ATTR_RDONLY = 1, MOUNT_ATTR_NOSUID = 2, MOUNT_ATTR_NODEV = 4;
    public const int ENOENT = 2, EINTR = 4, ENOEXEC = 8, EAGAIN = 11, EACCES = 13, ENODEV = 19, ENOTDIR = 20,
        ENAMETOOLONG = 36, ETIMEDOUT = 110, ECONNREFUSED = 111, ESTALE = 116;

    public struct sockaddr { public ushort sa_family; public fixed byte sa_data[14]; }
    public struct sockaddr_un { public ushort sun_family; public fixed byte sun_path[108]; }
    public struct ucred { public int pid; public uint uid, gid; }
    public struct iovec { public void* iov_base; public nuint iov_len; }
    public struct msghdr { public void* msg_name; public uint msg_namelen; public iovec* msg_iov; public nuint msg_iovlen;
        public void* msg_control; public nuint msg_controllen; public int msg_flags; }
    public struct cmsghdr { public nuint cmsg_len; public int cmsg_level, cmsg_type; }
    public struct timespec { public long tv_sec, tv_nsec; }
    public struct pollfd { public int fd; public short events, revents; }

    [DllImport("libc")] static extern int* __errno_location();
    public static int errno => *__errno_location();

    public static void SetErrno(int error) => *__errno_location() = error;

    [DllImport("libc")] static extern void* realloc(void* pointer, nuint size);

    /// <summary>realloc(3), but never null: without memory this process cannot even hand over.</summary>
    public static void* Room(void* pointer, nuint size)
    {
        void* got = realloc(pointer, size);
        if (got == null)
            Fail("slipway: there is not enough memory (ulimit -v, -d)\n"u8);
        return got;
    }

    /// <summary>The last line of defence: a line of ours, and no core.</summary>
    public static void Fail(ReadOnlySpan<byte> line)
    {
        fixed (byte* text = line)
            write(2, text, (nuint)line.Length);
        _exit(125);
    }
    [DllImport("libc")] public static extern int open(byte* pathname, int flags, uint mode);
    [DllImport("libc")] public static extern nint read(int fd, void* buf, nuint count);
    [DllImport("libc")] public static extern nint write(int fd, void* buf, nuint count);
    [DllImport("libc")] public static extern int close(int fd);
    [DllImport("libc")] public static extern int statx(int dirfd, byte* pathname, int flags, uint mask, statx_t* statxbuf);
    [DllImport("libc")] public static extern int access(byte* pathname, int mode);
    [DllImport("libc")] public static extern nint readlink(byte* pathname, byte* buf, nuint bufsiz);
    [DllImport("libc")] public static extern uint geteuid();
    [DllImport("libc")] public static extern int getppid();
    [DllImport("libc")] public static extern int chdir(byte* path);
    [DllImport("libc")] public static extern int socket(int domain, int type, int protocol);
    [DllImport("libc")] public static extern int connect(int sockfd, sockaddr* addr, uint addrlen);
    [DllImport("libc")] public static extern int bind(int sockfd, sockaddr* addr, uint addrlen);
    [DllImport("libc")] public static extern int listen(int sockfd, int backlog);
    [DllImport("libc")] public static extern nint recvmsg(int sockfd, msghdr* msg, int flags);
    [DllImport("libc")] public static extern int unlink(byte* pathname);
    [DllImport("libc")] public static extern int rmdir(byte* pathname);
    [DllImport("libc")] public static extern int clock_gettime(int clockid, timespec* tp);
    [DllImport("libc")] public static extern int getsockopt(int sockfd, int level, int optname, void* optval, uint* optlen);
    [DllImport("libc")] public static extern int poll(pollfd* fds, nuint nfds, int timeout);
    [DllImport("libc")] public static extern int setns(int fd, int nstype);
    [DllImport("libc")] public static extern int prctl(int option, nint arg2, nint arg3, nint arg4, nint arg5);
    [DllImport("libc")] public static extern int execve(byte* pathname, byte** argv, byte** envp);
    [DllImport("libc")] public static extern nint syscall(nint number, nint a, nint b, nint c, nint d, nint e);

    [DllImport("libc")] public static extern nint pread(int fd, void* buf, nuint count, long offset);
    [DllImport("libc")] public static extern int mkdir(byte* pathname, uint mode);
    [DllImport("libc")] public static extern int flock(int fd, int operation);
    [DllImport("libc")] public static extern int pipe2(int* pipefd, int flags);
    [DllImport("libc")] public static extern int dup2(int oldfd, int newfd);
    [DllImport("libc")] public static extern int fcntl(int fd, int cmd, nint arg);
    [DllImport("libc")] public static extern int memfd_create(byte* name, uint flags);
    [DllImport("libc")] public static extern int getpid();
    [DllImport("libc")] public static extern uint getgid();
    [DllImport("libc")] public static extern int setpgid(int pid, int pgid);
    [DllImport("libc")] public static extern int unshare(int flags);
    [DllImport("libc")] public static extern int kill(int pid, int sig);
    [DllImport("libc")] public static extern int waitpid(int pid, int* wstatus, int options);
    [DllImport("libc")] public static extern nint signal(int signum, nint handler);
    [DllImport("libc")] public static extern int capget(__user_cap_header_struct* header, __user_cap_data_struct* data);
    [DllImport("libc")] public static extern int capset(__user_cap_header_struct* header, __user_cap_data_struct* data);
    [DllImport("libc")] public static extern void _exit(int status);

    public const int SYS_getcwd = 79;
    const int SYS_fsopen = 430, SYS_fsconfig = 431, SYS_fsmount = 432, SYS_pidfd_open = 434, SYS_clone3 = 435, SYS_close_range = 436;

    public struct clone_args
    {
        public ulong flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
    }

    public struct __user_cap_header_struct { public uint version; public int pid; }
    public struct __user_cap_data_struct { public uint effective, permitted, inheritable; }

    /// <summary>clone3(2) with fork's meaning.</summary>
    public static int clone3(int flags)
    {
        clone_args args = default;
        args.flags = (ulong)flags;
        args.exit_signal = SIGCHLD;
        return (int)syscall(SYS_clone3, (nint)(&args), sizeof(clone_args), 0, 0, 0);
    }

    /// <summary>Milliseconds of a clock that nobody sets.</summary>
    public static long Now()
    {
        timespec now = default;
        clock_gettime(1 /* CLOCK_MONOTONIC */, &now);
        return now.tv_sec * 1000 + now.tv_nsec / 1_000_000;
    }

    public static int pidfd_open(int pid) => (int)syscall(SYS_pidfd_open, pid, 0, 0, 0, 0);

    public static int close_range(uint first, uint last) => (int)syscall(SYS_close_range, (nint)first, (nint)last, 0, 0, 0);

    public static int fsopen(byte* fsname) => (int)syscall(SYS_fsopen, (nint)fsname, 0, 0, 0, 0);

    public static int fsconfig(int fd, uint cmd, byte* key, byte* value, int aux) =>
        (int)syscall(SYS_fsconfig, fd, (nint)cmd, (nint)key, (nint)value, aux);

    public static int fsmount(int fsfd, ulong attr_flags) => (int)syscall(SYS_fsmount, fsfd, 0, (nint)attr_flags, 0, 0);

    /// <summary>Keeps one capability over an execve(2) of a user other than 0 (capabilities(7), "ambient").</summary>
    public static bool KeepOverExec(int capability)
    {
        __user_cap_header_struct header = default;
        header.version = _LINUX_CAPABILITY_VERSION_3;
        __user_cap_data_struct* data = stackalloc __user_cap_data_struct[2];
        if (capget(&header, data) != 0)
            return false;
        data[capability / 32].inheritable |= 1u << (capability % 32);
        return capset(&header, data) == 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0;
    }
}
