namespace Slipway.Running;

/// <summary>Detached copies of mounts (open_tree(2)).</summary>
static class MountTree
{
    /// <summary>The mounts at and below a path of the host, while that is still to be seen.</summary>
    /// <param name="attributes">MOUNT_ATTR_* that all of them get.</param>
    public static int Clone(string path, int attributes = 0)
    {
        int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
        if (tree < 0)
            throw RunningErrors.NotMade($"'{path}' cannot be opened to be seen in the container", errno);
        if (attributes != 0 && mount_setattr(tree, AT_RECURSIVE, attributes) != 0)
            throw RunningErrors.NotMade($"'{path}' cannot be made read-only", errno, "This takes kernel 5.12 or later.");
        return tree;
    }

    /// <summary>Those of an image that lies in a directory, unpacked or mounted.</summary>
    public static int OfImage(string directory) => Clone(directory, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}
