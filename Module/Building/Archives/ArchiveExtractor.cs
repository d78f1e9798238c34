using Slipway.Shared;

namespace Slipway.Building.Archives;

/// <summary>
/// Writes the entries of an archive below a root. The archive is not trusted: an entry that would be written, or linked, outside the root,
/// through a link, or over an earlier one, that is a device, or that makes the tree larger than was allowed ends the work.
/// </summary>
/// <remarks>
/// Parents are opened with openat2(2) and RESOLVE_NO_SYMLINKS below the root: a check of names alone could be outwitted by a link.
/// </remarks>
sealed class ArchiveExtractor : IDisposable
{
    /// <summary>More entries than the largest distributions have files.</summary>
    const int MostEntries = 5_000_000;
    const int DeepestPath = 256;

    readonly int root;
    readonly long limit;
    readonly Action<string> log, warn;
    readonly SortedDictionary<string, int> attributesLeft = new(StringComparer.Ordinal);
    readonly Dictionary<string, ArchiveKind> written = new(StringComparer.Ordinal);
    readonly Dictionary<string, string> shared = [];
    readonly List<(string Path, ArchiveEntry Entry)> directories = [];
    readonly byte[] buffer = new byte[1 << 17];
    (string Path, int Descriptor) parent = ("", -1);
    long bytes;
    int devices;

    /// <param name="limit">Bytes of all files together.</param>
    /// <param name="warn">What the archive has, and the root does not get.</param>
    public ArchiveExtractor(string root, long limit, Action<string> log, Action<string> warn)
    {
        this.limit = limit;
        this.log = log;
        this.warn = warn;
        this.root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        written[""] = ArchiveKind.Directory;
    }

    /// <summary>The newest file's time, in seconds since 1970.</summary>
    public long Newest { get; private set; }

    public void Add(ArchiveEntry entry, CancellationToken cancel)
    {
        if (written.Count > MostEntries)
            throw ArchiveErrors.TooMany(entry, MostEntries);
        string path = Normal(entry, entry.Path, "path");
        Newest = Math.Max(Newest, entry.Kind == ArchiveKind.File ? entry.Modified : 0);
        if (entry.Kind is ArchiveKind.Device or ArchiveKind.Socket)
        {
            // what a root filesystem has in /dev stays out of every image; elsewhere a device is there to be opened
            if (!path.StartsWith("dev/", StringComparison.Ordinal))
                throw ArchiveErrors.Unsafe(entry,
                    $"is a {(entry.Kind == ArchiveKind.Device ? "device node" : "socket")}, which no image holds");
            devices++;
            return;
        }
        if (path.Length == 0)
        {
            if (entry.Kind != ArchiveKind.Directory)
                throw ArchiveErrors.Unsafe(entry, "takes the place of the root itself");
            directories.Add((".", entry));
            return;
        }
        if (written.TryGetValue(path, out ArchiveKind before))
        {
            if (entry.Kind != ArchiveKind.Directory || before != ArchiveKind.Directory)
                throw ArchiveErrors.Unsafe(entry, "is there twice");
            directories.Add((path, entry));
            return;
        }
        string directory = path.Contains('/') ? path[..path.LastIndexOf('/')] : "", name = path[(path.LastIndexOf('/') + 1)..];
        string to = $"/proc/self/fd/{Open(entry, directory)}/{name}";
        switch (entry.Kind)
        {
            case ArchiveKind.Directory:
                Check(entry, mkdir(to, Mode.rwx______));
                directories.Add((path, entry));
                break;
            case ArchiveKind.SymbolicLink:
                if (entry.Target is not { Length: > 0 and < 4096 } target || target.Contains('\0', StringComparison.Ordinal))
                    throw ArchiveErrors.Unsafe(entry, "is a link to nothing");
                Check(entry, symlink(target, to));
                lchown(to, entry.Owner, entry.Group);
                SetModified(to, entry.Modified);
                break;
            case ArchiveKind.HardLink:
                Link(entry, to);
                break;
            case ArchiveKind.Fifo:
                Check(entry, mkfifo(to, Mode.rw_______));
                Attributes(entry, to);
                break;
            default:
                bool linked = entry.Shared is { } inode && !shared.TryAdd(inode, path);
                if (linked)
                    Link(entry with { Target = shared[entry.Shared!] }, to);
                if (!linked || entry.Size > 0)
                    Write(entry, to, linked ? FileMode.Truncate : FileMode.CreateNew, cancel);
                break;
        }
        written[path] = entry.Kind;
    }

    /// <summary>Last of all: owners, modes and times of directories, which later entries would have changed or been kept out by.</summary>
    public void Finish()
    {
        foreach ((string path, ArchiveEntry entry) in directories.AsEnumerable().Reverse())
        {
            int fd = openat2(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, Inside);
            if (fd < 0)
                throw ArchiveErrors.Unsafe(entry, $"cannot be opened (errno {errno})");
            Attributes(entry, $"/proc/self/fd/{fd}/.");
            close(fd);
        }
        if (devices > 0)
            log($"{devices} device nodes of the archive's /dev are left out");
        if (attributesLeft.Count > 0)
        {
            IEnumerable<string> first = attributesLeft.Take(10)
                .Select(a => $"{ArchiveErrors.Shown(a.Key)} of {a.Value} {(a.Value == 1 ? "entry" : "entries")}");
            warn($"extended attributes of the archive are not kept: {string.Join(", ", first)}");
        }
    }

    static ulong Inside => RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

    static string Normal(ArchiveEntry entry, string path, string what)
    {
        if (path.StartsWith('/'))
            throw ArchiveErrors.Unsafe(entry, $"has an absolute {what}");
        string[] parts = [.. path.Split('/').Where(p => p is not ("" or "."))];
        if (parts.Contains(".."))
            throw ArchiveErrors.Unsafe(entry, $"has '..' in its {what}");
        if (parts.Length > DeepestPath || parts.Any(p => System.Text.Encoding.UTF8.GetByteCount(p) > 255)
            || path.Contains('\0', StringComparison.Ordinal))
            throw ArchiveErrors.Unsafe(entry, $"has a {what} that no file can have");
        return string.Join('/', parts);
    }

    /// <summary>The directory that an entry goes into; one that the archive has no entry for is made.</summary>
    int Open(ArchiveEntry entry, string directory)
    {
        if (parent.Descriptor >= 0 && parent.Path == directory)
            return parent.Descriptor;
        int fd = directory.Length == 0 ? openat2(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, Inside)
            : openat2(root, directory, O_PATH | O_DIRECTORY | O_CLOEXEC, Inside);
        if (fd < 0 && errno == ENOENT)
        {
            string above = directory.Contains('/') ? directory[..directory.LastIndexOf('/')] : "";
            Check(entry, mkdir($"/proc/self/fd/{Open(entry, above)}/{directory[(directory.LastIndexOf('/') + 1)..]}", Mode.rwxr_xr_x));
            written[directory] = ArchiveKind.Directory;
            fd = openat2(root, directory, O_PATH | O_DIRECTORY | O_CLOEXEC, Inside);
        }
        if (fd < 0)
            throw ArchiveErrors.Unsafe(entry, errno == ELOOP ? $"goes through the link '{directory}'"
                : $"goes through '{directory}', which is no directory (errno {errno})");
        if (parent.Descriptor >= 0)
            close(parent.Descriptor);
        parent = (directory, fd);
        return fd;
    }

    void Link(ArchiveEntry entry, string to)
    {
        string target = Normal(entry, entry.Target ?? "", "link's target");
        if (!written.TryGetValue(target, out ArchiveKind kind) || kind is ArchiveKind.Directory or ArchiveKind.SymbolicLink)
            throw ArchiveErrors.Unsafe(entry, $"is a hard link to '{entry.Target}', which is no file of the archive before it");
        // the parent of the target has been opened like that of any entry: no link is on the way
        int fd = openat2(root, target, O_PATH | O_NOFOLLOW | O_CLOEXEC, Inside);
        if (fd < 0)
            throw ArchiveErrors.Unsafe(entry, $"is a hard link to '{entry.Target}', which cannot be opened (errno {errno})");
        Check(entry, linkat(fd, to), fd);
    }

    void Write(ArchiveEntry entry, string to, FileMode mode, CancellationToken cancel)
    {
        if (entry.Size < 0 || entry.Size > limit - bytes)
            throw TooLarge(entry);
        using (FileStream file = new(to, new FileStreamOptions
        {
            Mode = mode, Access = FileAccess.Write, BufferSize = 0,
            UnixCreateMode = mode == FileMode.CreateNew ? (UnixFileMode)Mode.rw_______ : null,
        }))
        {
            long size = 0;
            for (int n; entry.Content is { } content && (n = content.Read(buffer)) > 0;)
            {
                cancel.ThrowIfCancellationRequested();
                size += n;
                if (size > limit - bytes)
                    throw TooLarge(entry);
                file.Write(buffer, 0, n);
            }
            if (size != entry.Size)
                throw ArchiveErrors.NotWritten(entry, $"ends after {size} of {entry.Size} bytes");
            bytes += size;
        }
        Attributes(entry, to);
    }

    SlipwayException TooLarge(ArchiveEntry entry) => ArchiveErrors.TooLarge(entry, bytes + Math.Max(entry.Size, 1), limit);

    /// <summary>The mode comes last: a change of owner takes set-id bits away (chown(2)).</summary>
    void Attributes(ArchiveEntry entry, string to)
    {
        int error = lchown(to, entry.Owner, entry.Group) == 0 ? 0 : errno;
        if (error != 0 && !BuildNamespace.IsFake)
            throw ArchiveErrors.NoSuchOwner(entry, error);
        // after the owner, whose change takes file capabilities away too
        foreach ((string key, string value) in entry.Attributes)
            if (!SetAttribute(to, key, value))
                attributesLeft[key[(key.IndexOf('.', StringComparison.Ordinal) + 1)..]] =
                    attributesLeft.GetValueOrDefault(key[(key.IndexOf('.', StringComparison.Ordinal) + 1)..]) + 1;
        chmod(to, entry.Mode & Mode.Bits);
        SetModified(to, entry.Modified);
    }

    /// <summary>Of a pax header; the name of the attribute comes after it.</summary>
    public const string AttributePrefix = "SCHILY.xattr.";

    /// <summary>
    /// A user's own attributes and file capabilities are kept; labels of a security module and ACLs name what only the archive's own system
    /// knows.
    /// </summary>
    /// <remarks>.NET gives the value as text: bytes that are no UTF-8 are lost, and half of a capability is not set.</remarks>
    static bool SetAttribute(string to, string key, string value)
    {
        if (!key.StartsWith(AttributePrefix, StringComparison.Ordinal) || value.Contains('\ufffd', StringComparison.Ordinal)
            || BuildNamespace.IsFake)
            return false;
        string name = key[AttributePrefix.Length..];
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(value);
        return (name == "security.capability"
            || (name.StartsWith("user.", StringComparison.Ordinal) && !name.Contains('\0', StringComparison.Ordinal)))
            && lsetxattr(to, name, bytes, 0) == 0;
    }

    /// <param name="fd">To be closed, however it went.</param>
    static void Check(ArchiveEntry entry, int result, int fd = -1)
    {
        int error = result == 0 ? 0 : errno;
        if (fd >= 0)
            close(fd);
        if (result != 0)
            throw error == ENOSPC ? new IOException("No space left on device")
                : error == EEXIST ? ArchiveErrors.Unsafe(entry, "is there twice")
                : ArchiveErrors.NotWritten(entry, $"cannot be written (errno {error})");
    }

    public void Dispose()
    {
        if (parent.Descriptor >= 0)
            close(parent.Descriptor);
        close(root);
    }
}
