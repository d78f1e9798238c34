using System.Runtime.InteropServices;

namespace Slipway.Linux;

// sys/prctl.h and linux/capability.h
public static unsafe partial class LibC
{
    public const int PR_SET_PDEATHSIG = 1, PR_SET_NAME = 15, PR_SET_NO_NEW_PRIVS = 38, PR_CAP_AMBIENT = 47, PR_CAP_AMBIENT_RAISE = 2,
    PR_CAP_AMBIENT_CLEAR_ALL = 4;
    public const int CAP_DAC_OVERRIDE = 1, CAP_SYS_CHROOT = 18, CAP_SYS_ADMIN = 21;
    const uint _LINUX_CAPABILITY_VERSION_3 = 0x20080522;

    [StructLayout(LayoutKind.Sequential)]
    public struct __user_cap_header_struct { public uint version; public int pid; }

    [StructLayout(LayoutKind.Sequential)]
    public struct __user_cap_data_struct { public uint effective, permitted, inheritable; }

    [LibraryImport(libc, SetLastError = true)] public static partial int prctl(int option, nint arg2, nint arg3, nint arg4, nint arg5);
    [LibraryImport(libc, SetLastError = true)]
    public static partial int capget(__user_cap_header_struct* header, __user_cap_data_struct* data);
    [LibraryImport(libc, SetLastError = true)]
    public static partial int capset(__user_cap_header_struct* header, __user_cap_data_struct* data);

    /// <summary>
    /// Keeps one capability over an execve(2) of a user other than 0 (capabilities(7), "ambient"). Allocates nothing.
    /// </summary>
    public static bool KeepOverExec(int capability)
    {
        __user_cap_header_struct header = new() { version = _LINUX_CAPABILITY_VERSION_3 };
        __user_cap_data_struct* data = stackalloc __user_cap_data_struct[2];
        if (capget(&header, data) != 0)
            return false;
        data[capability / 32].inheritable |= 1u << (capability % 32);
        return capset(&header, data) == 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0;
    }
}
