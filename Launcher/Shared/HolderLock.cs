#if FRONT
using static Slipway.Front.LibC;
#endif
using static Slipway.Shared.Stat;

namespace Slipway.Shared;

/// <summary>
/// The right to be, or to start, the one holder of a name: a lock on its lock file, and the socket at which its ranks wait. Both are handed
/// on to the holder, which
/// keeps them as long as it lives; so whether one lives is told by the kernel, which frees the lock with the last of its descriptors, and
/// never by what /proc
/// shows, which may hide processes (hidepid, proc(5)).
/// </summary>
/// <remarks>
/// Ranks that come meanwhile are connected at once, and wait for the holder's word, or for the end of the connection: nobody ever waits for
/// the lock.
/// </remarks>
unsafe struct HolderLock
{
    /// <summary>The lock's descriptor, and the socket, which listens already.</summary>
    public int Held, Listener;

    public enum Outcome
    {
        Taken,

        /// <summary>Another has it, or has just gone.</summary>
        OfAnother,

        /// <summary>Its file cannot be opened (errno): the directory goes with its last holder.</summary>
        NotOpened,

        /// <summary>The file system has no locks (errno).</summary>
        NoLocks,

        /// <summary>The lock was had, and the socket cannot be made (errno).</summary>
        NoSocket,
    }

    /// <summary>Takes it.</summary>
    /// <param name="error">An errno, where the outcome says so.</param>
    public static Outcome TryTake(byte* lockPath, byte* socketPath, out HolderLock taken, out int error)
    {
        taken = default;
        error = 0;
        int fd = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, (int)Mode.rw_______);
        if (fd < 0)
        {
            error = errno;
            return Outcome.NotOpened;
        }
        Outcome outcome = Outcome.Taken;
        if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        {
            error = errno;
            outcome = error == EAGAIN || error == EINTR ? Outcome.OfAnother : Outcome.NoLocks;
        }
        // its last holder may have removed the file that we opened
        else if (!IsNamed(fd, lockPath))
            outcome = Outcome.OfAnother;
        else if ((taken.Listener = HolderSocket.Listen(socketPath)) < 0)
        {
            error = errno;
            outcome = Outcome.NoSocket;
        }
        taken.Held = fd;
        if (outcome != Outcome.Taken)
            close(fd);
        return outcome;
    }

    /// <summary>True where a file that is open is the one that its name means now.</summary>
    public static bool IsNamed(int fd, byte* path)
    {
        statx_t ours, named;
        return TryOpened(fd, &ours) && TryLink(path, &named)
            && ours.stx_ino == named.stx_ino && ours.stx_dev_minor == named.stx_dev_minor && ours.stx_dev_major == named.stx_dev_major;
    }
}
