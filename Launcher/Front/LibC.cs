using System;
using System.Runtime.InteropServices;

namespace Slipway.Front;

// What the front takes of libc, under its own names, as in Module/Linux; for x86-64, which is what the front is built for.
internal static unsafe class LibC
{
    public const int O_RDONLY = 0, O_NONBLOCK = 0x800, O_DIRECTORY = 0x10000, O_NOFOLLOW = 0x20000, O_CLOEXEC = 0x80000;
    public const int AT_FDCWD = -100, AT_SYMLINK_NOFOLLOW = 0x100, AT_EMPTY_PATH = 0x1000, F_OK = 0;
    public const uint STATX_BASIC_STATS = 0x7ff;
    public const ushort S_IFMT = 0xf000, S_IFDIR = 0x4000, S_IFREG = 0x8000;
    public const int AF_UNIX = 1, SOCK_STREAM = 1, SOCK_CLOEXEC = O_CLOEXEC, SOL_SOCKET = 1, SO_PEERCRED = 17;
    public const short POLLIN = 1;
    public const int CLONE_NEWNS = 0x00020000, CLONE_NEWUSER = 0x10000000;
    public const int PR_SET_NO_NEW_PRIVS = 38;
    public const int ENOENT = 2, EINTR = 4, ENOEXEC = 8, EACCES = 13, ENODEV = 19, ENOTDIR = 20, ETIMEDOUT = 110, ESTALE = 116;

    public struct statx_timestamp { public long tv_sec; public uint tv_nsec; public int reserved; }

    public struct statx_t
    {
        public uint stx_mask, stx_blksize;
        public ulong stx_attributes;
        public uint stx_nlink, stx_uid, stx_gid;
        public ushort stx_mode, spare0;
        public ulong stx_ino, stx_size, stx_blocks, stx_attributes_mask;
        public statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;
        public uint stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
        public fixed ulong spare2[14];

        public readonly bool IsDirectory => (stx_mode & S_IFMT) == S_IFDIR;
        public readonly bool IsRegular => (stx_mode & S_IFMT) == S_IFREG;
    }

    public struct sockaddr_un { public ushort sun_family; public fixed byte sun_path[108]; }
    public struct ucred { public int pid; public uint uid, gid; }
    public struct pollfd { public int fd; public short events, revents; }

    [DllImport("libc")] static extern int* __errno_location();
    public static int errno => *__errno_location();

    [DllImport("libc")] public static extern void abort();
    [DllImport("libc")] public static extern void* realloc(void* pointer, nuint size);
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
    [DllImport("libc")] public static extern int connect(int sockfd, sockaddr_un* addr, uint addrlen);
    [DllImport("libc")] public static extern int getsockopt(int sockfd, int level, int optname, void* optval, uint* optlen);
    [DllImport("libc")] public static extern int poll(pollfd* fds, nuint nfds, int timeout);
    [DllImport("libc")] public static extern int setns(int fd, int nstype);
    [DllImport("libc")] public static extern int prctl(int option, nint arg2, nint arg3, nint arg4, nint arg5);
    [DllImport("libc")] public static extern int execve(byte* pathname, byte** argv, byte** envp);
    [DllImport("libc")] public static extern nint syscall(nint number, nint a, nint b, nint c, nint d, nint e);

    public const int SYS_getcwd = 79, SYS_pidfd_open = 434;

    public static int pidfd_open(int pid) => (int)syscall(SYS_pidfd_open, pid, 0, 0, 0, 0);
}
