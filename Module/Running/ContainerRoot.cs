using System.Globalization;
using System.Runtime.InteropServices;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Running;

/// <summary>
/// Makes the container's root inside the holder's own user and mount namespace: the image below, what the host lends above it, and then
/// nothing else.
/// </summary>
/// <remarks>
/// Mount points that the image lacks come from a second lower layer of an overlay (a tmpfs), so that the image is never written, and a link
/// in the image where a mount point should be is covered, not followed. The overlays lie only over those directories of the image where
/// something is added. Everything of the host is opened before the image is looked at, and every target is resolved inside the root
/// (openat2(2), RESOLVE_IN_ROOT).
/// </remarks>
sealed unsafe class ContainerRoot
{
    /// <summary>Where the parts are put together: it exists everywhere, and our own mount over it is seen by nobody else.</summary>
    const string Base = "/tmp";

    readonly List<(HostBind Bind, int Tree)> binds = [];
    HiddenDevices? hidden;

    /// <summary>
    /// The image's mount. It stays open as long as the holder lives: <see cref="ReadAhead"/> may still read when the root is ready.
    /// </summary>
    int image = -1;

    /// <summary>Directories of the host that are seen at their own path.</summary>
    public IEnumerable<string> Visible => binds.Where(b => b.Bind.Source == b.Bind.Destination).Select(b => b.Bind.Destination);

    /// <summary>Opens what will be seen of the host.</summary>
    /// <param name="hide">Device nodes that will not.</param>
    public void Borrow(IEnumerable<HostBind> wanted, IEnumerable<string> hide)
    {
        hidden = new HiddenDevices(hide);
        foreach (HostBind bind in wanted)
            binds.Add((bind, MountTree.Clone(bind.Source, bind.ReadOnly ? MOUNT_ATTR_RDONLY : 0)));
    }

    /// <summary>Puts the root together and makes it ours.</summary>
    /// <param name="name">The image's path, for errors.</param>
    /// <param name="lower">A detached mount of the image.</param>
    /// <param name="command">What the first rank will execute; null for the runscript.</param>
    public void Enter(string name, int lower, bool writable, string? command)
    {
        if (mount(null, "/", null, MS_SLAVE | MS_REC, null) != 0 || mount("slipway", Base, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0)
            throw RunningErrors.NotMade("no tmpfs can be mounted in the container's namespace", errno);
        foreach (string directory in new[] { "image", "points", "upper", "work", "root", "devices" })
            mkdir($"{Base}/{directory}", Mode.rwxr_xr_x);
        // of a directory it is still the host's own
        if (move_mount(lower, AT_FDCWD, Base + "/image") != 0 || mount(null, Base + "/image", null, MS_PRIVATE | MS_REC, null) != 0)
            throw RunningErrors.NotMade("the image's mount cannot be put in place", errno);
        image = open(Base + "/image", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        // the first look into the image: it waits for the FUSE server, and fails if that has ended
        if (image < 0 || openat2(image, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, RESOLVE_IN_ROOT) is var first && first < 0)
            throw RunningErrors.NotMade($"{name}: the image cannot be read", errno, "Build or copy the image anew.");
        close(first);
        ReadAhead(command);

        mkdir(Base + "/points/etc", Mode.rwxr_xr_x);
        foreach ((string file, string content) in EtcFiles.Make(etc => ReadText("etc/" + etc)))
            if (!OpenedFile.Write($"{Base}/points/etc/{file}", content, Mode.rw_r__r__))
                throw RunningErrors.NotMade($"/etc/{file} cannot be written for the container", errno);
        List<(int Tree, string Target)> targets = [];
        foreach ((HostBind bind, int tree) in binds)
            targets.Add((tree, MakePoint(bind, IsDirectory(tree), targets)));
        // in the host's /dev, which is mounted before them
        targets.AddRange(hidden!.Make(Base + "/devices"));

        int root = Assemble(writable);
        foreach ((int tree, string target) in targets)
        {
            int point = openat2(root, target.TrimStart('/'), O_PATH | O_CLOEXEC, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
            if (point < 0 || move_mount(tree, point) != 0)
                throw RunningErrors.NotMade($"'{target}' cannot be mounted in the container", errno);
            close(point);
            close(tree);
        }
        fchdir(root);
        close(root);
        if (pivot_root(".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
            throw RunningErrors.NotMade("the container's root cannot be entered", errno);
    }

    /// <summary>Puts the image and what is added to it together, at the base's <c>root</c>.</summary>
    /// <returns>That directory.</returns>
    int Assemble(bool writable)
    {
        const string root = Base + "/root";
        List<string> layered = writable ? [""] : [.. Layered("")];
        bool whole = layered is [""];
        if (!whole && (open_tree(image, ".", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE) is var copy
            && (copy < 0 || move_mount(copy, AT_FDCWD, root) != 0 || close(copy) != 0)))
            throw RunningErrors.NotMade("the image's mount cannot be made the container's root", errno);
        int opened = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        foreach (string directory in layered)
        {
            // by descriptor: a directory that is the image may be changed while we look
            int below = OpenDirectory(image, directory), at = whole ? opened : OpenDirectory(opened, directory);
            string above = writable ? $",upperdir={Base}/upper,workdir={Base}/work" : "";
            string layers = string.Create(CultureInfo.InvariantCulture,
                $"lowerdir={Base}/points{directory}:/proc/self/fd/{below},userxattr{above}");
            // the name that mount(8) shows inside tells whose container it is
            if (mount(string.Create(CultureInfo.InvariantCulture, $"slipway-holder.{getpid()}"),
                string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{at}"), "overlay", MS_NOSUID | MS_NODEV, layers) != 0)
                throw RunningErrors.NotMade("no overlay can be mounted in the container's namespace", errno,
                    "An unprivileged overlay takes kernel 5.11 or later.");
            close(below);
            close(at);
        }
        if (!whole)
            return opened;
        opened = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        if (!writable)
            Uncover(opened);
        return opened;
    }

    /// <summary>
    /// The directories in which the image lacks something that was added, or has something else in its place: the uppermost ones.
    /// </summary>
    IEnumerable<string> Layered(string directory)
    {
        List<string> inside = [.. Directory.EnumerateFileSystemEntries(Base + "/points" + directory)
            .Select(added => $"{directory}/{Path.GetFileName(added)}")];
        return inside.Exists(added => !Directory.Exists(Base + "/points" + added) || !IsDirectoryOfImage(added)) ? [directory]
            : inside.SelectMany(Layered);
    }

    bool IsDirectoryOfImage(string path)
    {
        int found = OpenDirectory(image, path);
        close(found);
        return found >= 0;
    }

    /// <summary>A directory below another with no link on the way.</summary>
    static int OpenDirectory(int parent, string path) =>
        openat2(parent, path.Length > 0 ? path[1..] : ".", O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);

    /// <summary>
    /// Puts the image's own top directories over the overlay's where nothing was added: an overlay asks its layers for an attribute of each
    /// file (user.overlay.metacopy), which doubles what a FUSE server is asked when many small files are read.
    /// </summary>
    void Uncover(int root)
    {
        int directory = openat2(image, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, RESOLVE_IN_ROOT);
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

    /// <summary>
    /// Names of the directories in one, by what getdents64(2) says of each: no file is looked at, as .NET does to tell where a link leads.
    /// </summary>
    static List<string> Directories(int fd)
    {
        List<string> names = [];
        byte* buffer = stackalloc byte[8192];
        while (getdents64(fd, buffer, 8192) is > 0 and var length)
            for (byte* at = buffer; at < buffer + length; at += ((dirent64*)at)->d_reclen)
                if (((dirent64*)at)->d_type == DT_DIR && Marshal.PtrToStringUTF8((nint)((dirent64*)at)->d_name) is { } found
                    and not ("." or ".."))
                    names.Add(found);
        return names;
    }

    /// <summary>
    /// Reads what every program of an image takes, its loader and C library, and the first rank's command if it is named by its path: the
    /// FUSE server, which answers one after the other, has it ready when the container is, and page faults need not ask for it in small
    /// overlapping parts. On a thread of its own, a block at a time: what puts the container together waits for no more than one.
    /// </summary>
    /// <param name="command">What the first rank will execute; null for the runscript.</param>
    void ReadAhead(string? command)
    {
        (string loader, string triplet) = RuntimeInformation.ProcessArchitecture == Architecture.Arm64
            ? ("lib/ld-linux-aarch64.so.1", "aarch64-linux-gnu") : ("lib64/ld-linux-x86-64.so.2", "x86_64-linux-gnu");
        bool Read(string path)
        {
            int fd = openat2(image, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
            if (fd < 0)
                return false;
            // what is read ahead at once (read_ahead_kb of a FUSE mount), and the usual block of a SquashFS
            const int most = 4 << 20, step = 128 << 10;
            byte last;
            if (fstat(fd, out statx found) == 0 && found.IsRegular)
                for (long at = 0, size = (long)Math.Min(found.stx_size, most); at < size; at += step)
                {
                    readahead(fd, at, step);
                    pread(fd, &last, 1, Math.Min(at + step, size) - 1);
                }
            close(fd);
            return true;
        }
        void ReadAll()
        {
            if (command is ['/', .. var path])
                Read(path);
            if (Read(loader) && !Read($"lib/{triplet}/libc.so.6"))
                Read("lib64/libc.so.6");
        }
        new Thread(ReadAll, maxStackSize: 128 << 10) { IsBackground = true }.Start();
    }

    static bool IsDirectory(int fd) => fstat(fd, out statx found) == 0 && found.IsDirectory;

    /// <summary>
    /// Makes a mount point; where a link of the image leads into something of the host's, where nothing can be made (<c>/home -> tmp</c>),
    /// the link is covered.
    /// </summary>
    string MakePoint(HostBind bind, bool directory, List<(int Tree, string Target)> before)
    {
        string at = MakePoint(bind.Destination, directory, bind.Literal);
        return before.Exists(b => LauncherPaths.IsBelow(at, b.Target) && !LauncherPaths.IsBelow(bind.Destination, b.Target))
            ? MakePoint(bind.Destination, directory, literal: true) : at;
    }

    /// <summary>
    /// Makes a mount point in the layer above the image, and tells where it lies after the image's own links were resolved.
    /// </summary>
    string MakePoint(string destination, bool directory, bool literal)
    {
        string[] parts = destination.Split('/', StringSplitOptions.RemoveEmptyEntries);
        string resolved = "";
        for (int i = 0; i < parts.Length; i++)
        {
            string here = $"{resolved}/{parts[i]}";
            uint mode = Mode.rwxr_xr_x;
            bool isDirectory = i < parts.Length - 1 || directory;
            if (!literal && openat2(image, here[1..], O_PATH | O_CLOEXEC, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS) is var found
                && found >= 0)
            {
                here = Resolved(found);
                if (fstat(found, out statx of) == 0 && of.IsDirectory)
                    mode = of.stx_mode & Mode.rwxrwxrwx | Mode.rwx______;
                close(found);
                if (here.Length == 0)
                    throw RunningErrors.PointIsTheRoot(destination);
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
                close(open(point, O_WRONLY | O_CREAT | O_CLOEXEC, Mode.rw_r__r__));
            }
            resolved = here;
        }
        return resolved;
    }

    /// <summary>The path in the image that a descriptor is open on.</summary>
    static string Resolved(int fd)
    {
        byte* buffer = stackalloc byte[4096];
        long n = readlink(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{fd}"), buffer, 4096);
        string path = System.Text.Encoding.UTF8.GetString(buffer, (int)Math.Max(n, 0));
        const string prefix = Base + "/image";
        return path.StartsWith(prefix, StringComparison.Ordinal) ? path[prefix.Length..] : "";
    }

    string? ReadText(string path) =>
        OpenedFile.TryTextAndClose(openat2(image, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS));
}
