using System.Globalization;
using System.Text;
using Slipway.Cache;
using Slipway.Linux;
using Slipway.Readers.SquashFs;
using Slipway.Shared;

namespace Slipway.Running;

/// <summary>
/// How an image becomes a mount on this node: the first rung of the ladder that holds, with the reasons for it and against the ones before.
/// </summary>
/// <remarks>
/// <list type="number">
/// <item>prolog: root has mounted it before the job, at <c>/run/slipway/mounts/DIGEST</c>: nothing is left to do;</item>
/// <item>kernel: for root, the kernel's SquashFS over a loop device (linux/loop.h), which goes with its mount;</item>
/// <item>squashfuse_ll or squashfuse: for users, a FUSE server of the container;</item>
/// <item>directory: an unpacked root, as it is.</item>
/// </list>
/// </remarks>
sealed unsafe record ImageMount
{
    /// <summary><c>prolog</c>, <c>kernel</c>, <c>squashfuse_ll</c>, <c>squashfuse</c> or <c>directory</c>.</summary>
    public required string Rung { get; init; }

    /// <summary>The SquashFS file (the node cache's, where it has the image), or the unpacked directory.</summary>
    public required string Image { get; init; }

    /// <summary>Of the image, where a cache of this node knows it.</summary>
    public string? Digest { get; init; }

    /// <summary>Where the image lies unpacked or mounted already, for the holder to clone; null where it is still to be mounted.</summary>
    public string? Directory { get; init; }

    /// <summary>A detached mount; -1 where there is none yet.</summary>
    public int Fd { get; init; } = -1;

    /// <summary>
    /// The SquashFS file, open since before it was looked at, so that it is the one that is mounted whatever becomes of its name; -1 for a
    /// directory.
    /// </summary>
    public int File { get; init; } = -1;

    /// <summary>The program that serves the file; null where none is needed.</summary>
    public string? Server { get; init; }

    /// <summary>A line for each rung that was looked at, the chosen one last.</summary>
    public required IReadOnlyList<string> Reasons { get; init; }

    /// <summary>True for a rung with a FUSE server of the container's own.</summary>
    public static bool IsServed(string rung) => rung.StartsWith("squashfuse", StringComparison.Ordinal);

    /// <param name="make">False tells what would be chosen, and mounts nothing.</param>
    /// <exception cref="SlipwayException">It is no image, or nothing of this node can mount it.</exception>
    public static ImageMount Choose(ImageIdentity image, bool writable, bool make)
    {
        (string path, string? digest, int file) = image.Locate();
        if (image.IsDirectory)
            return new ImageMount { Rung = "directory", Image = path, Digest = digest, Directory = path,
                Reasons = [Text(MountReasons.Directory)] };
        if (file < 0)
            file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
        try
        {
            SquashFsSuperblock.Read(path, file < 0 ? path : string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{file}"));
            ImageMount chosen = Choose(path, digest, file, writable, make);
            return make ? chosen : chosen.Close();
        }
        catch (SlipwayException)
        {
            close(file);
            throw;
        }
    }

    /// <summary>Closes what is open of it; a holder that was started has its own.</summary>
    public ImageMount Close()
    {
        foreach (int fd in new[] { Fd, File })
            if (fd >= 0)
                close(fd);
        return this with { Fd = -1, File = -1 };
    }

    static ImageMount Choose(string path, string? digest, int file, bool writable, bool make)
    {
        List<string> reasons = [];
        bool root = geteuid() == 0;

        if (Prolog(digest, writable && !root, reasons) is { } mounted)
            return new ImageMount { Rung = "prolog", Image = path, Digest = digest, Directory = mounted, File = file, Reasons = reasons };

        int fd = -1;
        if (root && !make)
            reasons.Add("kernel: you are root, so the kernel's SquashFS over a loop device is tried");
        else if (root)
            fd = Kernel(file, reasons);
        else
            reasons.Add(Text(MountReasons.NotRoot));
        if (root && (fd >= 0 || !make))
            return new ImageMount { Rung = "kernel", Image = path, Digest = digest, Fd = fd, File = file, Reasons = reasons };

        foreach (string server in new[] { "squashfuse_ll", "squashfuse" })
        {
            if (HostProgram.TryFind(server) is { } program)
            {
                reasons.Add($"{server}: {program}{Text(MountReasons.Serves)}");
                return new ImageMount { Rung = server, Image = path, Digest = digest, Server = program, File = file, Reasons = reasons };
            }
            reasons.Add(server + Text(MountReasons.NotInstalled));
        }
        throw RunningErrors.ImageNotMountable(path, reasons);
    }

    static string Text(ReadOnlySpan<byte> reason) => Encoding.UTF8.GetString(reason);

    /// <summary>Where root has mounted it: every directory on the way is root's, and nobody else may write there.</summary>
    static string? Prolog(string? digest, bool writableByUser, List<string> reasons)
    {
        if (digest is null)
        {
            reasons.Add(Text(MountReasons.NoDigest));
            return null;
        }
        string path = $"{CacheUse.PrologMounts}/{digest[Linux.Digest.Prefix.Length..]}";
        if (stat(path, out statx found, follow: false) != 0 || !found.IsDirectory || !found.IsMountRoot)
            reasons.Add($"prolog: no, nothing is mounted at {path}");
        else if (writableByUser)
            reasons.Add("prolog: no, a user's --writable-tmpfs could not change root's files in root's mount");
        else if (new[] { "/run", "/run/slipway", CacheUse.PrologMounts }.FirstOrDefault(d => stat(d, out statx of, follow: false) != 0
            || !of.IsDirectory || of.stx_uid != 0 || (of.stx_mode & Mode.GroupOrOthersWrite) != 0) is { } unsafeDirectory)
            reasons.Add($"prolog: no, others than root may write to {unsafeDirectory}");
        else
        {
            reasons.Add($"prolog: root has mounted the image at {path}");
            return path;
        }
        return null;
    }

    /// <summary>A detached mount by the kernel; -1 where it cannot be had.</summary>
    /// <remarks>The loop device keeps the file open, and so what lock it has, as long as it lives itself.</remarks>
    static int Kernel(int file, List<string> reasons)
    {
        string path = "";
        int loop = AttachLoop(file, ref path);
        if (loop < 0)
        {
            reasons.Add(string.Create(CultureInfo.InvariantCulture, $"kernel: no, there is no loop device to be had (errno {-loop})"));
            return -1;
        }
        fixed (byte* type = "squashfs\0"u8, key = "source\0"u8, readOnly = "ro\0"u8, device = CString(path))
        {
            int context = fsopen(type);
            int mount = context >= 0 && fsconfig(context, FSCONFIG_SET_STRING, key, device, 0) == 0
                && fsconfig(context, FSCONFIG_SET_FLAG, readOnly, null, 0) == 0
                && fsconfig(context, FSCONFIG_CMD_CREATE, null, null, 0) == 0
                ? fsmount(context, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY) : -1;
            reasons.Add(mount >= 0 ? $"kernel: the kernel's SquashFS, over {path}"
                : string.Create(CultureInfo.InvariantCulture, $"kernel: no, the kernel does not mount it (errno {errno})"));
            if (context >= 0)
                close(context);
            close(loop);
            return mount;
        }
    }

    /// <summary>A read-only loop device on a file; it goes when its last user has gone. An errno negated where there is none.</summary>
    static int AttachLoop(int file, ref string device)
    {
        int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC, 0);
        if (control < 0)
            return -errno;
        loop_config config = new() { fd = (uint)file };
        config.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
        int loop = -EBUSY;
        // between asking for a free one and taking it another may take it, and have ended already
        for (int tries = 0; tries < 64 && (loop == -EBUSY || loop == -ENXIO); tries++)
        {
            int number = ioctl(control, LOOP_CTL_GET_FREE);
            device = string.Create(CultureInfo.InvariantCulture, $"/dev/loop{number}");
            loop = number < 0 ? -errno : Attach(device, ref config);
        }
        close(control);
        return loop;
    }

    static int Attach(string device, ref loop_config config)
    {
        int loop = open(device, O_RDONLY | O_CLOEXEC, 0);
        if (loop < 0)
            return -errno;
        fixed (loop_config* to = &config)
            if (ioctl(loop, LOOP_CONFIGURE, to) == 0)
                return loop;
        int error = errno;
        close(loop);
        return -error;
    }
}
