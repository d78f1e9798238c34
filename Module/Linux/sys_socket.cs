using System.Runtime.InteropServices;

namespace Slipway.Linux;

// sys/socket.h, sys/un.h, poll.h, sys/mman.h (memfd)
public static unsafe partial class LibC
{
    public const int AF_UNIX = 1, SOCK_STREAM = 1, SOCK_CLOEXEC = O_CLOEXEC, SOCK_NONBLOCK = O_NONBLOCK, SOL_SOCKET = 1, SO_PEERCRED = 17, SCM_RIGHTS = 1;
    public const int MSG_NOSIGNAL = 0x4000, MSG_CMSG_CLOEXEC = 0x40000000;
    public const uint MFD_CLOEXEC = 1;
    public const short POLLIN = 1, POLLERR = 8, POLLHUP = 16;

    [StructLayout(LayoutKind.Sequential)]
    public struct sockaddr_un { public ushort sun_family; public fixed byte sun_path[108]; }

    [StructLayout(LayoutKind.Sequential)]
    public struct ucred { public int pid; public uint uid, gid; }

    [StructLayout(LayoutKind.Sequential)]
    public struct pollfd { public int fd; public short events, revents; }

    [StructLayout(LayoutKind.Sequential)]
    public struct iovec { public void* iov_base; public nuint iov_len; }

    [StructLayout(LayoutKind.Sequential)]
    public struct msghdr { public void* msg_name; public uint msg_namelen; public iovec* msg_iov; public nuint msg_iovlen; public void* msg_control; public nuint msg_controllen; public int msg_flags; }

    /// <summary>A control message that passes one descriptor (unix(7), cmsg(3)).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct cmsg_fd { public nuint cmsg_len; public int cmsg_level, cmsg_type, fd, padding; }

    [LibraryImport(libc)] public static partial nint sendmsg(int sockfd, msghdr* msg, int flags);
    [LibraryImport(libc)] public static partial nint recvmsg(int sockfd, msghdr* msg, int flags);
    [LibraryImport(libc)] public static partial int socket(int domain, int type, int protocol);
    [LibraryImport(libc)] public static partial int bind(int sockfd, sockaddr_un* addr, uint addrlen);
    [LibraryImport(libc)] public static partial int connect(int sockfd, sockaddr_un* addr, uint addrlen);
    [LibraryImport(libc)] public static partial int listen(int sockfd, int backlog);
    [LibraryImport(libc)] public static partial int accept4(int sockfd, sockaddr_un* addr, uint* addrlen, int flags);
    [LibraryImport(libc)] public static partial nint send(int sockfd, void* buf, nuint len, int flags);
    [LibraryImport(libc)] public static partial int getsockopt(int sockfd, int level, int optname, void* optval, uint* optlen);
    [LibraryImport(libc)] public static partial int poll(pollfd* fds, nuint nfds, int timeout);
    [LibraryImport(libc)] public static partial int memfd_create(byte* name, uint flags);

    /// <summary>The address of a path; false where it is too long for sun_path (unix(7): 108 bytes with the terminating zero).</summary>
    public static bool TryUnixAddress(string path, out sockaddr_un address)
    {
        address = new sockaddr_un { sun_family = AF_UNIX };
        byte[] bytes = CString(path);
        if (bytes.Length > 108)
            return false;
        fixed (byte* to = address.sun_path)
            bytes.CopyTo(new Span<byte>(to, 108));
        return true;
    }
}
