using System.Runtime.InteropServices;

namespace Slipway.Linux;

// sys/mount.h and linux/mount.h: the old calls, and the ones of kernel 5.2 by which a mount is a file descriptor
public static unsafe partial class LibC
{
    public const ulong MS_RDONLY = 1, MS_NOSUID = 2, MS_NODEV = 4, MS_REMOUNT = 32, MS_BIND = 4096, MS_REC = 16384, MS_PRIVATE = 1 << 18, MS_SLAVE = 1 << 19;
    public const int MNT_DETACH = 2;

    public const uint OPEN_TREE_CLONE = 1, OPEN_TREE_CLOEXEC = O_CLOEXEC;
    public const uint MOVE_MOUNT_F_EMPTY_PATH = 4, MOVE_MOUNT_T_EMPTY_PATH = 0x40;
    public const uint FSCONFIG_SET_FLAG = 0, FSCONFIG_SET_STRING = 1, FSCONFIG_CMD_CREATE = 6;
    public const ulong MOUNT_ATTR_RDONLY = 1, MOUNT_ATTR_NOSUID = 2, MOUNT_ATTR_NODEV = 4;

    [StructLayout(LayoutKind.Sequential)]
    public struct mount_attr { public ulong attr_set, attr_clr, propagation, userns_fd; }

    [LibraryImport(libc)] public static partial int mount(byte* source, byte* target, byte* filesystemtype, ulong mountflags, void* data);

    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mount(string? source, string target, string? filesystemtype, ulong mountflags, string? data);

    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)] public static partial int umount2(string target, int flags);

    [LibraryImport(libc, StringMarshalling = StringMarshalling.Utf8)] public static partial int pivot_root(string new_root, string put_old);

    public static int fsopen(byte* fsname) => (int)syscall(430, (nint)fsname, 0, 0, 0, 0);

    public static int fsconfig(int fd, uint cmd, byte* key, byte* value, int aux) => (int)syscall(431, fd, (nint)cmd, (nint)key, (nint)value, aux);

    public static int fsmount(int fsfd, ulong attr_flags) => (int)syscall(432, fsfd, 0, (nint)attr_flags, 0, 0);

    /// <summary>open_tree(2): with OPEN_TREE_CLONE a detached copy of the mounts at and, with AT_RECURSIVE, below a path.</summary>
    public static int open_tree(int dirfd, string path, uint flags)
    {
        fixed (byte* p = CString(path))
            return (int)syscall(428, dirfd, (nint)p, (nint)flags, 0, 0);
    }

    /// <summary>move_mount(2) of a detached mount onto the object that <paramref name="target"/> is open on.</summary>
    public static int move_mount(int mount, int target)
    {
        byte empty = 0;
        return (int)syscall(429, mount, (nint)(&empty), target, (nint)(&empty), (nint)(MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
    }

    /// <summary>The same onto a name in a directory; a link is not followed.</summary>
    public static int move_mount(int mount, int directory, string name)
    {
        byte empty = 0;
        fixed (byte* to = CString(name))
            return (int)syscall(429, mount, (nint)(&empty), directory, (nint)to, (nint)MOVE_MOUNT_F_EMPTY_PATH);
    }

    /// <summary>mount_setattr(2), kernel 5.12, of the mount that <paramref name="fd"/> is.</summary>
    public static int mount_setattr(int fd, uint flags, ulong set)
    {
        mount_attr attr = new() { attr_set = set };
        byte empty = 0;
        return (int)syscall(442, fd, (nint)(&empty), (nint)(flags | AT_EMPTY_PATH), (nint)(&attr), sizeof(mount_attr));
    }
}
