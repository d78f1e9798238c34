using System.Globalization;
using System.Runtime.InteropServices;
using Slipway.Linux;
using static Slipway.Linux.LibC;

namespace Slipway.Running;

/// <summary>
/// Makes the container's root inside the holder's own user and mount namespace: the image below, what the host lends above it, and then nothing else.
/// </summary>
/// <remarks>
/// Mount points that the image lacks come from a second lower layer of an overlay (a tmpfs), so that the image is never written, and a link in the image
/// where a mount point should be is covered, not followed. Everything of the host is opened before the image is looked at, and every target is
/// resolved inside the root (openat2(2), RESOLVE_IN_ROOT).
/// </remarks>
internal sealed unsafe class ContainerRoot
{
    /// <summary>Where the parts are put together: it exists everywhere, and our own mount over it is seen by nobody else.</summary>
    const string Base = "/tmp";

    readonly List<(HostBind Bind, int Tree)> binds = [];
    HiddenDevices? hidden;
    int image = -1;

    /// <summary>Directories of the host that are seen at their own path.</summary>
    public IEnumerable<string> Visible => binds.Where(b => b.Bind.Source == b.Bind.Destination).Select(b => b.Bind.Destination);

    static SlipwayException Failed(string what, string? recommendation = null) =>
        new("ContainerNotMade", ErrorKind.InvalidOperation, $"{what} (errno {errno})", recommendation);

    /// <summary>A detached copy of the mounts at and below a path of the host, while that is still to be seen.</summary>
    public static int Clone(string path)
    {
        int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
        return tree >= 0 ? tree : throw Failed($"'{path}' cannot be opened to be seen in the container");
    }

    /// <summary>Opens what will be seen of the host.</summary>
    /// <param name="hide">Device nodes that will not.</param>
    public void Borrow(IEnumerable<HostBind> wanted, IEnumerable<string> hide)
    {
        hidden = new HiddenDevices(hide);
        foreach (HostBind bind in wanted)
        {
            int tree = Clone(bind.Source);
            if (bind.ReadOnly && mount_setattr(tree, AT_RECURSIVE, MOUNT_ATTR_RDONLY) != 0)
                throw Failed($"'{bind.Source}' cannot be made read-only");
            binds.Add((bind, tree));
        }
    }

    /// <summary>Puts the root together and makes it ours.</summary>
    /// <param name="name">The image's path, for errors.</param>
    /// <param name="lower">A detached mount of the image.</param>
    /// <param name="command">What the first rank will execute; null for the runscript.</param>
    public void Enter(string name, int lower, bool writable, string? command)
    {
        if (mount(null, "/", null, MS_SLAVE | MS_REC, null) != 0 || mount("slipway", Base, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0)
            throw Failed("no tmpfs can be mounted in the container's namespace");
        foreach (string directory in new[] { "image", "points", "upper", "work", "root", "devices" })
            mkdir($"{Base}/{directory}", 0x1ed);
        int at = open(Base + "/image", O_PATH | O_CLOEXEC, 0);
        if (move_mount(lower, at) != 0)
            throw Failed("the image's mount cannot be put in place");
        close(at);
        image = open(Base + "/image", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        // the first look into the image: it waits for the FUSE server, and fails if that has ended
        if (image < 0 || openat2(image, ".", (ulong)(O_RDONLY | O_DIRECTORY | O_CLOEXEC), RESOLVE_IN_ROOT) is var first && first < 0)
            throw Failed($"{name}: the image cannot be read", "Build or copy the image anew.");
        close(first);

        mkdir(Base + "/points/etc", 0x1ed);
        foreach ((string file, string content) in EtcFiles.Make(etc => ReadText("etc/" + etc)))
            if (!SmallFile.Write($"{Base}/points/etc/{file}", content, 0x1a4 /* 0644 */))
                throw Failed($"/etc/{file} cannot be written for the container");
        List<(int Tree, string Target)> targets = [];
        foreach ((HostBind bind, int tree) in binds)
            targets.Add((tree, MakePoint(bind.Destination, IsDirectory(tree), bind.Literal)));
        // in the host's /dev, which is mounted before them
        targets.AddRange(hidden!.Make(Base + "/devices"));

        string layers = writable
            ? $"lowerdir={Base}/points:{Base}/image,upperdir={Base}/upper,workdir={Base}/work,userxattr"
            : $"lowerdir={Base}/points:{Base}/image,userxattr";
        // the name that mount(8) shows inside tells whose container it is
        if (mount(string.Create(CultureInfo.InvariantCulture, $"slipway-holder.{getpid()}"), Base + "/root", "overlay", MS_NOSUID | MS_NODEV, layers) != 0)
            throw Failed("no overlay can be mounted in the container's namespace", "An unprivileged overlay takes kernel 5.11 or later.");

        int root = open(Base + "/root", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        if (!writable)
            Uncover(root);
        foreach ((int tree, string target) in targets)
        {
            int point = openat2(root, target.TrimStart('/'), (ulong)(O_PATH | O_CLOEXEC), RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
            if (point < 0 || move_mount(tree, point) != 0)
                throw Failed($"'{target}' cannot be mounted in the container");
            close(point);
            close(tree);
        }
        ReadAhead(command);
        fchdir(root);
        close(root);
        close(image);
        if (pivot_root(".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
            throw Failed("the container's root cannot be entered");
    }

    /// <summary>
    /// Puts the image's own top directories over the overlay's where nothing was added: an overlay asks its layers for an attribute of each file
    /// (user.overlay.metacopy), which doubles what a FUSE server is asked when many small files are read.
    /// </summary>
    void Uncover(int root)
    {
        int directory = openat2(image, ".", (ulong)(O_RDONLY | O_DIRECTORY | O_CLOEXEC), RESOLVE_IN_ROOT);
        foreach (string name in Directories(directory))
        {
            if (access($"{Base}/points/{name}", F_OK) == 0)
                continue;
            // a name in a directory, and no link is followed; what does not succeed stays as it was: readable through the overlay
            int copy = open_tree(image, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW);
            if (copy < 0)
                continue;
            move_mount(copy, root, name);
            close(copy);
        }
        close(directory);
    }

    /// <summary>Names of the directories in one, by what getdents64(2) says of each: no file is looked at, as .NET does to tell where a link leads.</summary>
    static List<string> Directories(int fd)
    {
        const byte DT_DIR = 4;
        const int name = 19; // struct linux_dirent64: inode (8), offset (8), length (2), type (1), name
        List<string> names = [];
        byte* buffer = stackalloc byte[8192];
        while (getdents64(fd, buffer, 8192) is > 0 and var length)
            for (byte* entry = buffer; entry < buffer + length; entry += *(ushort*)(entry + 16))
                if (entry[18] == DT_DIR && Marshal.PtrToStringUTF8((nint)(entry + name)) is { } found and not ("." or ".."))
                    names.Add(found);
        return names;
    }

    /// <summary>
    /// Asks for what every program of an image takes: its loader and C library; and for the first rank's command, if it is named by its path. The FUSE server
    /// reads them while the container is finished and joined, each block once, where page faults would ask for overlapping parts one after the other.
    /// </summary>
    void ReadAhead(string? command)
    {
        (string loader, string triplet) = RuntimeInformation.ProcessArchitecture == Architecture.Arm64
            ? ("lib/ld-linux-aarch64.so.1", "aarch64-linux-gnu") : ("lib64/ld-linux-x86-64.so.2", "x86_64-linux-gnu");
        bool Ask(string path)
        {
            int fd = openat2(image, path, (ulong)(O_RDONLY | O_NONBLOCK | O_CLOEXEC), RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
            if (fd < 0)
                return false;
            // a call is cut to what a device reads ahead, 128 KiB; FUSE sends the requests and does not wait
            const int most = 4 << 20, step = 128 << 10;
            if (fstat(fd, out statx_t found) == 0 && found.IsRegular)
                for (long at = 0; at < (long)Math.Min(found.stx_size, most); at += step)
                    readahead(fd, at, step);
            close(fd);
            return true;
        }
        if (Ask(loader) && !Ask($"lib/{triplet}/libc.so.6"))
            Ask("lib64/libc.so.6");
        if (command is ['/', .. var path])
            Ask(path);
    }

    static bool IsDirectory(int fd) => fstat(fd, out statx_t found) == 0 && found.IsDirectory;

    /// <summary>Makes a mount point in the layer above the image, and tells where it lies after the image's own links were resolved.</summary>
    string MakePoint(string destination, bool directory, bool literal)
    {
        string[] parts = destination.Split('/', StringSplitOptions.RemoveEmptyEntries);
        string resolved = "";
        for (int i = 0; i < parts.Length; i++)
        {
            string here = $"{resolved}/{parts[i]}";
            uint mode = 0x1ed;
            bool isDirectory = i < parts.Length - 1 || directory;
            if (!literal && openat2(image, here[1..], (ulong)(O_PATH | O_CLOEXEC), RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS) is var found && found >= 0)
            {
                here = Resolved(found);
                if (fstat(found, out statx_t of) == 0 && of.IsDirectory)
                    mode = of.stx_mode & 0x1ffu | 0x1c0;
                close(found);
                if (here.Length == 0)
                    throw new SlipwayException("BadImagePath", ErrorKind.InvalidData, $"'{destination}' is the root itself in this image, so nothing can be mounted there", null, destination);
                MakePoint(Path.GetDirectoryName(here)!, directory: true, literal: false);
            }
            string point = $"{Base}/points{here}";
            if (isDirectory)
            {
                if (mkdir(point, mode) == 0)
                    chmod(point, mode);
            }
            else
            {
                close(open(point, O_WRONLY | O_CREAT | O_CLOEXEC, 0x1a4));
            }
            resolved = here;
        }
        return resolved;
    }

    /// <summary>The path in the image that a descriptor is open on.</summary>
    static string Resolved(int fd)
    {
        byte* buffer = stackalloc byte[4096];
        nint n = readlink(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{fd}"), buffer, 4096);
        string path = System.Text.Encoding.UTF8.GetString(buffer, (int)Math.Max(n, 0));
        const string prefix = Base + "/image";
        return path.StartsWith(prefix, StringComparison.Ordinal) ? path[prefix.Length..] : "";
    }

    string? ReadText(string path) => SmallFile.ReadAndClose(openat2(image, path, (ulong)(O_RDONLY | O_NONBLOCK | O_CLOEXEC), RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS));
}
