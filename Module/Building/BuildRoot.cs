using Slipway.Linux;
using Slipway.Readers;
using Slipway.Shared;

namespace Slipway.Building;

/// <summary>
/// A root filesystem that is being made. Its content is not trusted: every path is resolved with openat2(2) inside it, so that no link in
/// it leads a write or a read to the host.
/// </summary>
/// <remarks>
/// <see cref="RootTree"/> follows links by the same rules, and looks each of them up before it opens anything: between the two, whoever
/// writes into the root could change it. Here they are one call of the kernel, as what writes as the builder has to be.
/// </remarks>
sealed class BuildRoot(string path)
{
    public string Path { get; } = path;

    /// <summary>The root as it is now, to be read by those who read any root; what is written afterwards it does not see.</summary>
    public RootTree AsTree() => new(Path);

    /// <summary>
    /// Opens the directory that <paramref name="inside"/> lies in, making what is missing of it, and hands on a path through the
    /// descriptor.
    /// </summary>
    T In<T>(string inside, Func<string, T> use)
    {
        string[] parts = inside.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0 || parts.Contains(".."))
            throw BuildErrors.NoPathOfFile(inside);
        int root = open(Path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        int directory = -1;
        try
        {
            for (int i = 0; i < parts.Length; i++)
            {
                string parent = string.Join('/', parts[..i]);
                int next = openat2(root, parent.Length == 0 ? "." : parent, O_PATH | O_DIRECTORY | O_CLOEXEC,
                    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
                if (next < 0)
                {
                    // its own parent is the directory that was opened last
                    mkdir($"/proc/self/fd/{directory}/{parts[i - 1]}", Mode.rwxr_xr_x);
                    next = openat2(root, parent, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
                }
                if (next < 0)
                    throw BuildErrors.NoDirectory(parent, inside, errno);
                if (directory >= 0)
                    close(directory);
                directory = next;
            }
            return use($"/proc/{getpid()}/fd/{directory}/{parts[^1]}");
        }
        finally
        {
            close(root);
            if (directory >= 0)
                close(directory);
        }
    }

    /// <summary>Writes a file; what was there, be it a link, is replaced.</summary>
    public void Write(string inside, string content, UnixFileMode mode = (UnixFileMode)Mode.rw_r__r__) =>
        In(inside, to =>
        {
            File.Delete(to);
            using (StreamWriter writer = new(new FileStream(to, FileMode.CreateNew)))
                writer.Write(content);
            File.SetUnixFileMode(to, mode);
            return 0;
        });

    /// <summary>True for a directory, or a link to one inside.</summary>
    public bool IsDirectory(string inside)
    {
        int fd = OpenExisting(inside, O_DIRECTORY);
        if (fd >= 0)
            close(fd);
        return fd >= 0;
    }

    /// <summary>The names in a directory; none where there is none.</summary>
    public IReadOnlyList<string> Names(string inside)
    {
        IReadOnlyList<string> names = [];
        InDirectory(inside, directory =>
            names = [.. Directory.GetFileSystemEntries(directory).Select(System.IO.Path.GetFileName).Order(StringComparer.Ordinal)!]);
        return names;
    }

    /// <summary>Hands on a path to a directory that is there, through a descriptor.</summary>
    public void InDirectory(string inside, Action<string> use)
    {
        int fd = OpenExisting(inside, O_DIRECTORY);
        if (fd < 0)
            return;
        try
        {
            use($"/proc/self/fd/{fd}");
        }
        finally
        {
            close(fd);
        }
    }

    /// <summary>
    /// Hands on a path to a file or tree that is there, all links of its own path followed inside; false where there is none.
    /// </summary>
    public bool With(string inside, Action<string> use)
    {
        int fd = OpenExisting(inside, O_PATH);
        if (fd < 0)
            return false;
        try
        {
            use($"/proc/{getpid()}/fd/{fd}");
            return true;
        }
        finally
        {
            close(fd);
        }
    }

    public void MakeDirectory(string inside) => In(inside, to => mkdir(to, Mode.rwxr_xr_x));

    /// <summary>Removes a file, link or tree; neither it nor its directory need be there.</summary>
    public void Delete(string inside) => InDirectory(System.IO.Path.GetDirectoryName("/" + inside.TrimStart('/'))!, directory =>
    {
        string to = System.IO.Path.Combine(directory, System.IO.Path.GetFileName(inside));
        if (stat(to, out statx found, follow: false) != 0)
            return;
        if (found.IsDirectory)
            Directory.Delete(to, recursive: true);
        else
            unlink(to);
    });

    /// <summary>Removes what a directory holds; no directory, no work.</summary>
    public void Empty(string inside)
    {
        int fd = OpenExisting(inside, O_DIRECTORY);
        if (fd < 0)
            return;
        try
        {
            foreach (string entry in Directory.GetFileSystemEntries($"/proc/self/fd/{fd}"))
                if (stat(entry, out statx found, follow: false) == 0 && found.IsDirectory)
                    Directory.Delete(entry, recursive: true);
                else
                    unlink(entry);
        }
        finally
        {
            close(fd);
        }
    }

    /// <summary>
    /// Copies a file or tree of the host to a path in the image, owned by the image's root; existing files are replaced, not written
    /// through.
    /// </summary>
    /// <remarks>Their times become those of the build, and are cut later: the same file in two folders gives the same image.</remarks>
    /// <param name="keepOwner">For what comes from another stage, whose owners are the image's.</param>
    public void CopyIn(string source, string inside, int mode, CancellationToken cancel, bool keepOwner = false) => In(inside, to =>
    {
        if (stat(to, out statx found, follow: false) == 0 && !found.IsDirectory)
            unlink(to);
        List<string> errors = [];
        int exit = HostProgram.Run("cp",
            ["-a", "-T", keepOwner ? "-H" : "--no-preserve=ownership,timestamps", "--remove-destination", "--", source, to], _ => { },
            errors.Add, cancel: cancel);
        if (exit != 0)
            throw BuildErrors.NotCopied(source, inside, errors);
        if (mode >= 0)
            chmod(to, (uint)mode);
        return 0;
    });

    /// <summary>The text of a small regular file; null where there is none.</summary>
    /// <exception cref="SlipwayException">It is larger.</exception>
    public string? Read(string inside)
    {
        using Stream? file = Open(inside);
        return file is null ? null : new StreamReader(
            new BoundedStream(file, OpenedFile.Small, () => ReaderErrors.ImageFileTooLarge(Path, inside, OpenedFile.Small))).ReadToEnd();
    }

    /// <summary>A regular file; null where there is none.</summary>
    public Stream? Open(string inside)
    {
        int fd = OpenExisting(inside, O_NONBLOCK);
        if (fd < 0)
            return null;
        if (fstat(fd, out statx found) == 0 && found.IsRegular)
        {
            fcntl(fd, F_SETFL, O_RDONLY); // of a file it means nothing, but .NET takes it for a sign
            return new FileStream(new Microsoft.Win32.SafeHandles.SafeFileHandle(fd, ownsHandle: true), FileAccess.Read);
        }
        close(fd);
        return null;
    }

    int OpenExisting(string inside, int flags)
    {
        int root = open(Path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        int fd = openat2(root, inside.TrimStart('/') is { Length: > 0 } relative ? relative : ".", O_RDONLY | O_CLOEXEC | flags,
            RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
        close(root);
        return fd;
    }
}
