using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Slipway.Shared;

namespace Slipway.Linux;

/// <summary>
/// What lies at a path is not what may be opened there: of another kind, another's, or too large. The message names the path in single
/// quotes.
/// </summary>
sealed class FileRefusedException(string path, string why, bool tooLarge = false) : IOException($"'{path}' {why}")
{
    /// <summary>What is wrong with it, to follow its name.</summary>
    public string Why { get; } = why;

    /// <summary>Nothing else is wrong with it.</summary>
    public bool IsTooLarge { get; } = tooLarge;
}

/// <summary>
/// The one place where a file that somebody else may have made is opened: nothing is read, or waited for, before it is known to be a file.
/// </summary>
/// <remarks>
/// There are two ways in. What the caller or the site <em>names</em> (images, definitions, configurations, keys) is what they mean by it,
/// so links are followed. What we
/// <em>find</em>, because we look for it by a name that others know too (plans, records, entries), may have been put there by anybody:
/// links are not followed, and its owner
/// and mode must say who wrote it. In both, open(2) does not wait (O_NONBLOCK: a FIFO without a writer would keep it for ever) and takes no
/// terminal.
/// .NET's own way is not used for more reasons: it takes flock(2) on each file (SafeFileHandle.Unix.cs of the runtime), which costs a file
/// server two requests for each reader and
/// fails where another has the file locked; and it seeks and asks for the file system, which a start of a container has no time for.
/// </remarks>
static unsafe class OpenedFile
{
    /// <summary>No small text file is larger: what is, is something else. Bytes.</summary>
    public const int Small = 1 << 20;

    const uint GroupOrOthersWrite = 0x12; // 0022; a mask of an ACL is the group's bits (acl(5))
    const int Step = 100; // milliseconds between two looks whether a wait was cancelled

    /// <summary>A file that the caller or the site names, for reading.</summary>
    /// <param name="buffer">Bytes that the stream reads ahead; 0 where it is read in large pieces.</param>
    /// <exception cref="FileNotFoundException">It is not there; as all messages do, this one names the path in single quotes.</exception>
    /// <exception cref="DirectoryNotFoundException">What it lies in is not there.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read, or is a directory.</exception>
    /// <exception cref="FileRefusedException">It is a FIFO, socket or device.</exception>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static FileStream Named(string path, int buffer = 0) => new(HandleNamed(path), FileAccess.Read, buffer);

    /// <summary>The same as a handle, which is the caller's to dispose.</summary>
    public static SafeFileHandle HandleNamed(string path)
    {
        int fd = Open(path, 0, out statx found);
        if (!found.IsRegular)
            throw Close(fd, new FileRefusedException(path, $"is a {Kind(found)}, not a file"));
        fcntl(fd, F_SETFL, O_RDONLY); // of a file it means nothing, but .NET takes it for a sign
        return new SafeFileHandle(fd, ownsHandle: true);
    }

    /// <summary>Copies a file that the caller or the site names to a path of ours; what is there is written anew.</summary>
    /// <exception cref="IOException">As <see cref="Named"/> has it, or of the copy.</exception>
    public static void CopyNamed(string path, string to)
    {
        using FileStream from = Named(path), made = new(to, FileMode.Create, FileAccess.Write);
        from.CopyTo(made, Small);
    }

    /// <summary>
    /// All bytes of what the caller or the site names: a file, or where <paramref name="stream"/> allows it a FIFO, pipe or device, which
    /// is read to its end.
    /// </summary>
    /// <param name="largest">More bytes are an error, and not read.</param>
    /// <param name="cancel">Ends the wait for a pipe's writer.</param>
    /// <exception cref="OperationCanceledException">It was cancelled while it waited.</exception>
    /// <exception cref="IOException">As <see cref="Named"/> has it, and where it is too large.</exception>
    public static byte[] BytesNamed(string path, int largest = Small, bool stream = false, CancellationToken cancel = default) =>
        BytesNamed(path, out _, largest, stream, cancel);

    /// <summary>The same, and what it was.</summary>
    public static byte[] BytesNamed(string path, out statx found, int largest = Small, bool stream = false,
        CancellationToken cancel = default)
    {
        int fd = Open(path, 0, out found);
        try
        {
            if (!found.IsRegular && !(stream && (found.Type == S_IFIFO || found.Type == S_IFCHR)))
                throw new FileRefusedException(path, $"is a {Kind(found)}, not a file");
            return ReadAll(fd, path, found, largest, cancel);
        }
        finally
        {
            close(fd);
        }
    }

    /// <summary>The same as text (UTF-8, or what a byte order mark says).</summary>
    public static string TextNamed(string path, int largest = Small, bool stream = false, CancellationToken cancel = default)
    {
        using StreamReader reader = new(new MemoryStream(BytesNamed(path, largest, stream, cancel)));
        return reader.ReadToEnd();
    }

    /// <summary>
    /// A small file that the system or the site has (of /proc, /sys, /etc), as text; null for whatever else, or nothing, is there.
    /// </summary>
    public static string? TryTextNamed(string path) => TryTextAndClose(open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0));

    /// <summary>The same of a file that is open, which is closed; null also for a negative number.</summary>
    public static string? TryTextAndClose(int fd)
    {
        if (fd < 0)
            return null;
        try
        {
            return fstat(fd, out statx found) == 0 && found.IsRegular
                ? Encoding.UTF8.GetString(ReadAll(fd, "", found, Small, default)) : null;
        }
        catch (IOException)
        {
            return null;
        }
        finally
        {
            close(fd);
        }
    }

    /// <summary>All bytes of a file that we look for by its name; null where nothing is there.</summary>
    /// <param name="largest">More bytes are an error, and not read.</param>
    /// <param name="owners">Whose file is believed, beside root's and our own.</param>
    /// <exception cref="FileRefusedException">It is a link or another thing than a file, belongs to somebody else, can be written by
    /// others, or is too large.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    /// <exception cref="IOException">It cannot be opened or read.</exception>
    public static byte[]? BytesFound(string path, int largest, params ReadOnlySpan<(uint Uid, string Who)> owners)
    {
        int fd;
        statx found;
        try
        {
            fd = Open(path, O_NOFOLLOW, out found);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (UnauthorizedAccessException) when (stat(path, out found, follow: false) == 0 && found.IsDirectory)
        {
            throw new FileRefusedException(path, Refusal(found, largest)!);
        }
        try
        {
            return Refusal(found, largest, owners) is { } why ? throw new FileRefusedException(path, why)
                : ReadAll(fd, path, found, largest, default);
        }
        finally
        {
            close(fd);
        }
    }

    /// <summary>What tells an inode, as it is now, from every other: device, number and time of change, which nobody can set.</summary>
    public static string IdentityOf(in statx found)
    {
        Text identity = default;
        fixed (statx* at = &found)
            FileStamp.AddIdentity(ref identity, (Stat.statx_t*)at);
        return identity.Take();
    }

    /// <summary>
    /// All bytes of a file that was looked for, and judged by <see cref="Refusal"/>, before: in a user namespace its owner may not be told
    /// any more.
    /// </summary>
    /// <param name="identity">What it was then (<see cref="IdentityOf"/>).</param>
    /// <exception cref="IOException">As <see cref="BytesFound"/> has it, and where it is another file by now.</exception>
    public static byte[] BytesKnown(string path, int largest, string identity, out statx found)
    {
        int fd = Open(path, O_NOFOLLOW, out found);
        try
        {
            return found.IsRegular && IdentityOf(found) == identity ? ReadAll(fd, path, found, largest, default)
                : throw new FileRefusedException(path, "has changed since it was looked at");
        }
        finally
        {
            close(fd);
        }
    }

    /// <summary>A small file of ours that we look for by its name, as text; null for whatever else, or nothing, is there.</summary>
    public static string? TryTextFound(string path)
    {
        int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
        if (fd >= 0 && fstat(fd, out statx found) == 0 && Refusal(found, Small, []) is null)
            return TryTextAndClose(fd);
        if (fd >= 0)
            close(fd);
        return null;
    }

    /// <summary>Why a file is not believed, as far as its inode tells it; null where it is.</summary>
    /// <param name="found">Of the file itself: a link is none.</param>
    /// <param name="largest">In bytes.</param>
    /// <param name="owners">Whose file is believed, beside root's and our own.</param>
    public static string? Refusal(in statx found, long largest, params ReadOnlySpan<(uint Uid, string Who)> owners)
    {
        if (!found.IsRegular)
            return $"is a {Kind(found)}, not a file";
        uint uid = found.stx_uid;
        bool known = uid == 0 || uid == geteuid();
        List<string> who = ["root", "you"];
        foreach ((uint owner, string name) in owners)
        {
            known |= owner == uid;
            who.Add(name);
        }
        return !known
            ? string.Create(CultureInfo.InvariantCulture,
                $"belongs to uid {uid} and not to {string.Join(", ", who.SkipLast(1))} or {who[^1]}")
            : (found.stx_mode & GroupOrOthersWrite) != 0 ? $"can be written by others (mode 0{Convert.ToString(found.stx_mode & 0xfff, 8)})"
            : found.stx_size > (ulong)largest ? TooLarge(largest) : null;
    }

    /// <summary>What an inode is, in words.</summary>
    public static string Kind(in statx found) =>
        found.IsRegular ? "file" : found.IsDirectory ? "directory" : found.IsLink ? "symbolic link"
            : found.Type == S_IFIFO ? "FIFO"
        : found.Type == S_IFSOCK ? "socket" : found.Type == S_IFCHR ? "character device"
            : found.Type == S_IFBLK ? "block device" : "thing of no known kind";

    /// <summary>Writes a small file of ours anew; false where it cannot be, with the reason in errno.</summary>
    public static bool Write(string path, string text, uint mode)
    {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, mode);
        if (fd < 0)
            return false;
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int done = 0;
        fixed (byte* from = bytes)
            while (done < bytes.Length && (int)write(fd, from + done, bytes.Length - done) is > 0 and var n)
                done += n;
        int error = errno;
        close(fd);
        Marshal.SetLastPInvokeError(error);
        return done == bytes.Length;
    }

    /// <summary>What is wrong, without the path that our messages begin with, for an error that names it itself.</summary>
    public static string Why(Exception e, string path) =>
        e.Message.StartsWith($"'{path}' ", StringComparison.Ordinal) ? e.Message[(path.Length + 3)..] : e.Message;

    static string TooLarge(long largest) => largest < 1 << 20 ? $"is larger than {largest} bytes" : $"is larger than {largest >> 20} MiB";

    static Exception Close(int fd, Exception e)
    {
        close(fd);
        return e;
    }

    /// <returns>A descriptor that does not wait, of anything but a directory.</returns>
    static int Open(string path, int flags, out statx found)
    {
        found = default;
        if (path.Contains('\0'))
            throw new IOException($"'{path.Replace("\0", "\\0", StringComparison.Ordinal)}' is no path: it has a zero in it");
        int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags, 0);
        if (fd < 0)
            throw NotOpened(path, errno, (flags & O_NOFOLLOW) != 0);
        if (fstat(fd, out found) is not 0 and var error)
            throw Close(fd, new IOException(string.Create(CultureInfo.InvariantCulture, $"'{path}' cannot be looked at (errno {error})")));
        return found.IsDirectory ? throw Close(fd, new UnauthorizedAccessException($"'{path}' is a directory, not a file")) : fd;
    }

    static Exception NotOpened(string path, int error, bool noLinks) => error switch
    {
        _ when error == ENOENT => new FileNotFoundException($"'{path}' is not there", path),
        _ when error == ENOTDIR => new DirectoryNotFoundException($"'{path}' is not there"),
        _ when error == EACCES || error == EPERM => new UnauthorizedAccessException($"'{path}' may not be read"),
        _ when error == ELOOP && noLinks => new FileRefusedException(path, "is a symbolic link, not a file"),
        _ when error == ENXIO => new FileRefusedException(path, "is a socket or a device without a driver, not a file"),
        _ when error == EAGAIN => new IOException($"'{path}' is being written by another (fcntl(2), F_SETLEASE)"),
        _ => new IOException($"'{path}' cannot be opened: {Marshal.GetPInvokeErrorMessage(error)}"),
    };

    static byte[] ReadAll(int fd, string path, in statx found, int largest, CancellationToken cancel)
    {
        if (found.stx_size > (ulong)largest)
            throw new FileRefusedException(path, TooLarge(largest), tooLarge: true);
        byte[] bytes = new byte[Math.Max(4096, (int)found.stx_size + 1)]; // /proc tells no size
        for (int length = 0; ;)
        {
            int n, error;
            fixed (byte* to = bytes)
                error = (n = (int)read(fd, to + length, bytes.Length - length)) < 0 ? errno : 0;
            // a FIFO that nobody has opened yet for writing reads as if it had ended
            if (n == 0 && (found.Type != S_IFIFO || (Wait(fd, cancel) & (POLLIN | POLLHUP)) == POLLHUP))
                return bytes.AsSpan(0, length).ToArray();
            if (error == EAGAIN)
                Wait(fd, cancel);
            else if (error != 0 && error != EINTR)
                throw new IOException($"'{path}' cannot be read: {Marshal.GetPInvokeErrorMessage(error)}");
            length += Math.Max(n, 0);
            if (length > largest)
                throw new FileRefusedException(path, TooLarge(largest), tooLarge: true);
            if (length == bytes.Length)
                Array.Resize(ref bytes, (int)Math.Min(2L * length, largest + 1L));
        }
    }

    /// <summary>Waits until there is something to read, or the last writer has gone (poll(2)).</summary>
    static short Wait(int fd, CancellationToken cancel)
    {
        pollfd wait = new() { fd = fd, events = POLLIN };
        while (poll(new Span<pollfd>(ref wait), Step) <= 0)
            cancel.ThrowIfCancellationRequested();
        return wait.revents;
    }
}
