using System.Runtime.InteropServices;
#if FRONT
using static Slipway.Front.LibC;
#endif

namespace Slipway.Shared;

/// <summary>A control message that passes one descriptor (unix(7), SCM_RIGHTS; cmsg(3) has its layout).</summary>
[StructLayout(LayoutKind.Sequential)]
unsafe struct PassedDescriptor
{
    cmsghdr header;
    int descriptor;
    int padding;

    /// <summary>The message for a descriptor.</summary>
    public static PassedDescriptor Of(int descriptor)
    {
        PassedDescriptor made = default;
        made.header.cmsg_len = (uint)(sizeof(cmsghdr) + sizeof(int));
        made.header.cmsg_level = SOL_SOCKET;
        made.header.cmsg_type = SCM_RIGHTS;
        made.descriptor = descriptor;
        return made;
    }

    /// <summary>The descriptor that came; less than 0 where none did.</summary>
    public readonly int Descriptor => header.cmsg_level == SOL_SOCKET && header.cmsg_type == SCM_RIGHTS ? descriptor : -1;
}
