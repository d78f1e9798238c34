using Slipway.Linux;

namespace Slipway.Running;

/// <summary>The files of one holder in the runtime directory.</summary>
sealed class HolderFiles(string directory, string name)
{
    public string Directory { get; } = directory;
    public string Name { get; } = name;
    public string Socket { get; } = $"{directory}/{name}.sock";
    public string Entry { get; } = $"{directory}/{name}.entry";

    /// <summary>Locked (flock(2)) from the moment that somebody starts a holder of this name until that holder has gone: <see cref="HolderClaim"/>.</summary>
    public string Lock { get; } = $"{directory}/{name}.lock";

    /// <summary>Takes all of them away, the lock last, and the directory, if it was the last. The lock must be held, and be the file that its name means.</summary>
    public void Remove()
    {
        foreach (string path in new[] { Socket, Entry, Entry + HolderEntry.Partial, Lock })
            unlink(path);
        rmdir(Directory);
    }
}

/// <summary>
/// The right to be, or to start, the one holder of a name: a lock on its lock file, and the socket at which its ranks wait. Both are handed on to the holder, which
/// keeps them as long as it lives; so whether one lives is told by the kernel, which frees the lock with the last of its descriptors, and never by what /proc
/// shows, which may hide processes (hidepid, proc(5)).
/// </summary>
/// <remarks>Ranks that come meanwhile are connected at once, and wait for the holder's word, or for the end of the connection: nobody ever waits for the lock.</remarks>
sealed unsafe class HolderClaim(int held, int listener) : IDisposable
{
    /// <summary>How many ranks may wait for a holder that is being started; the kernel has a limit of its own (net.core.somaxconn).</summary>
    const int Waiting = 4096;

    public int Lock => held;

    /// <summary>The socket, which listens already.</summary>
    public int Listener => listener;

    /// <summary>One that was handed to us.</summary>
    public static HolderClaim Inherited(int held, int listener)
    {
        fcntl(held, F_SETFD, FD_CLOEXEC);
        fcntl(listener, F_SETFD, FD_CLOEXEC);
        return new HolderClaim(held, listener);
    }

    /// <summary>Null while somebody else has it.</summary>
    /// <exception cref="SlipwayException">The files cannot be made, or the file system has no locks.</exception>
    public static HolderClaim? TryTake(HolderFiles files)
    {
        int held = open(files.Lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, Mode.rw_______);
        if (held < 0 && errno is var failed)
            // the directory goes with its last holder
            return failed == ENOENT && RuntimeDirectory.TryMake(files.Directory) ? null : throw Failed(files.Lock, "cannot be made", failed);
        if (flock(held, LOCK_EX | LOCK_NB) != 0)
        {
            int error = errno;
            close(held);
            return error == EAGAIN || error == EINTR ? null : throw NoLocks(files.Lock, error);
        }
        // its last holder may have removed the file that we opened
        if (!IsNamed(held, files.Lock))
        {
            close(held);
            return null;
        }
        return new HolderClaim(held, Listen(files.Socket, held));
    }

    static int Listen(string path, int held)
    {
        int listener = -1;
        unlink(path); // of a holder that was killed
        if (TryUnixAddress(path, out sockaddr_un address))
        {
            listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
            if (bind(listener, (sockaddr*)&address, sizeof(sockaddr_un)) == 0 && listen(listener, Waiting) == 0)
                return listener;
        }
        int error = errno;
        if (listener >= 0)
            close(listener);
        close(held);
        throw path.Length >= 108 ? new SlipwayException("NoRuntimeDirectory", ErrorKind.InvalidArgument, $"{path}: the path is too long for a socket", "Set XDG_RUNTIME_DIR to a shorter path.", path)
            : Failed(path, "the holder's socket cannot be made", error);
    }

    static SlipwayException Failed(string path, string what, int error) =>
        new("NoRuntimeDirectory", ErrorKind.WriteError, $"{path}: {what} (errno {error})", "Check that the disk of the runtime directory is not full.", path);

    static SlipwayException NoLocks(string path, int error) => new("NoLocks", ErrorKind.InvalidOperation, $"{path}: cannot be locked (flock: errno {error})",
        "The runtime directory must be on a file system that has locks: set XDG_RUNTIME_DIR to a directory of your own on the node's own disk or in its memory.", path);

    /// <summary>True where a file that is open is the one that its name means now.</summary>
    public static bool IsNamed(int fd, string path) => fstat(fd, out statx ours) == 0 && stat(path, out statx named, follow: false) == 0
        && (ours.stx_ino, ours.stx_dev_major, ours.stx_dev_minor) == (named.stx_ino, named.stx_dev_major, named.stx_dev_minor);

    /// <summary>Takes the names away, if they are still those of this claim.</summary>
    public void Abandon(HolderFiles files)
    {
        if (IsNamed(held, files.Lock))
            files.Remove();
    }

    /// <summary>Closes our descriptors; a holder that was started has its own.</summary>
    public void Dispose()
    {
        close(held);
        close(listener);
    }
}
