using System.Runtime.InteropServices;

namespace Slipway.Linux;

// sys/socket.h, sys/un.h, poll.h, sys/mman.h (memfd)
public static unsafe partial class LibC
{
    public const int AF_UNIX = 1, SOCK_STREAM = 1, SOCK_CLOEXEC = O_CLOEXEC, SOCK_NONBLOCK = O_NONBLOCK, SOL_SOCKET = 1, SO_PEERCRED = 17;
    public const int MSG_NOSIGNAL = 0x4000;
    public const uint MFD_CLOEXEC = 1;
    public const short POLLIN = 1, POLLERR = 8, POLLHUP = 16;

    [StructLayout(LayoutKind.Sequential)]
    public struct sockaddr_un { public ushort sun_family; public fixed byte sun_path[108]; }

    [StructLayout(LayoutKind.Sequential)]
    public struct ucred { public int pid; public uint uid, gid; }

    [StructLayout(LayoutKind.Sequential)]
    public struct pollfd { public int fd; public short events, revents; }

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
