using System.Runtime.InteropServices;

namespace Slipway.Running;

/// <summary>A control message that passes one descriptor (unix(7), SCM_RIGHTS; cmsg(3) has its layout). The front's is in Rank.cs.</summary>
[StructLayout(LayoutKind.Sequential)]
unsafe struct PassedDescriptor
{
    cmsghdr header;
    int descriptor;
    readonly int padding;

    /// <summary>The message for a descriptor.</summary>
    public static PassedDescriptor Of(int descriptor) =>
        new() { header = new() { cmsg_len = sizeof(cmsghdr) + sizeof(int), cmsg_level = SOL_SOCKET, cmsg_type = SCM_RIGHTS }, descriptor = descriptor };

    /// <summary>The descriptor that came; less than 0 where none did.</summary>
    public readonly int Descriptor => header.cmsg_level == SOL_SOCKET && header.cmsg_type == SCM_RIGHTS ? descriptor : -1;
}
