using System.Runtime.InteropServices;

namespace Slipway.Linux;

// sys/socket.h
public static unsafe partial class LibC
{
    /// <summary>A control message that passes one descriptor (unix(7), cmsg(3)).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct cmsg_fd { public nuint cmsg_len; public int cmsg_level, cmsg_type, fd, padding; }
}
