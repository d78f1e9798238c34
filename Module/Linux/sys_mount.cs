using System.Runtime.InteropServices;
using C = Tmds.Linux.LibC;

namespace Slipway.Linux;

// linux/mount.h: the calls of kernel 5.2 by which a mount is a file descriptor; and the old ones of sys/mount.h
public static unsafe partial class LibC
{
    const int SYS_open_tree = 428, SYS_move_mount = 429, SYS_fsopen = 430, SYS_fsconfig = 431, SYS_fsmount = 432, SYS_mount_setattr = 442;

    public const int OPEN_TREE_CLONE = 1, OPEN_TREE_CLOEXEC = 0x80000;
    public const int MOVE_MOUNT_F_EMPTY_PATH = 4, MOVE_MOUNT_T_EMPTY_PATH = 0x40;
    public const int FSCONFIG_SET_FLAG = 0, FSCONFIG_SET_STRING = 1, FSCONFIG_CMD_CREATE = 6;
    public const int MOUNT_ATTR_RDONLY = 1, MOUNT_ATTR_NOSUID = 2, MOUNT_ATTR_NODEV = 4;

    [StructLayout(LayoutKind.Sequential)]
    public struct mount_attr { public ulong attr_set, attr_clr, propagation, userns_fd; }

    public static int mount(string? source, string target, string? filesystemtype, ulong_t mountflags, string? data)
    {
        fixed (byte* from = CStringOrNull(source), to = CString(target), type = CStringOrNull(filesystemtype),
            options = CStringOrNull(data))
            return C.mount(from, to, type, mountflags, options);
    }

    static byte[]? CStringOrNull(string? text) => text is null ? null : CString(text);

    public static int umount2(string target, int flags)
    {
        fixed (byte* path = CString(target))
            return C.umount2(path, flags);
    }

    [LibraryImport(libc, SetLastError = true)] private static partial int pivot_root(byte* new_root, byte* put_old);

    public static int pivot_root(string new_root, string put_old)
    {
        fixed (byte* root = CString(new_root), old = CString(put_old))
            return pivot_root(root, old);
    }

    public static int fsopen(byte* fsname) => (int)syscall(SYS_fsopen, fsname, 0);

    public static int fsconfig(int fd, int cmd, byte* key, byte* value, int aux) => (int)syscall(SYS_fsconfig, fd, cmd, key, value, aux);

    public static int fsmount(int fsfd, int attr_flags) => (int)syscall(SYS_fsmount, fsfd, 0, attr_flags);

    /// <summary>open_tree(2): with OPEN_TREE_CLONE a detached copy of the mounts at and, with AT_RECURSIVE, below a path.</summary>
    public static int open_tree(int dirfd, string path, int flags)
    {
        fixed (byte* p = CString(path))
            return (int)syscall(SYS_open_tree, dirfd, p, flags);
    }

    /// <summary>move_mount(2) of a detached mount onto the object that <paramref name="target"/> is open on.</summary>
    public static int move_mount(int mount, int target)
    {
        byte empty = 0;
        return (int)syscall(SYS_move_mount, mount, &empty, target, &empty, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    }

    /// <summary>The same onto a name in a directory; a link is not followed.</summary>
    public static int move_mount(int mount, int directory, string name)
    {
        byte empty = 0;
        fixed (byte* to = CString(name))
            return (int)syscall(SYS_move_mount, mount, &empty, directory, to, MOVE_MOUNT_F_EMPTY_PATH);
    }

    /// <summary>mount_setattr(2), kernel 5.12, of the mount that <paramref name="fd"/> is.</summary>
    public static int mount_setattr(int fd, int flags, int set)
    {
        mount_attr attr = new() { attr_set = (ulong)set };
        byte empty = 0;
        return (int)syscall(SYS_mount_setattr, fd, &empty, flags | AT_EMPTY_PATH, &attr, sizeof(mount_attr));
    }
}
