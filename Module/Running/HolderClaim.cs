using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Running;

/// <summary>A <see cref="HolderLock"/> of this process.</summary>
sealed unsafe class HolderClaim(int held, int listener) : IDisposable
{
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
        HolderLock.Outcome outcome;
        HolderLock taken;
        int error;
        fixed (byte* path = CString(files.Lock), socket = CString(files.Socket))
            outcome = HolderLock.TryTake(path, socket, out taken, out error);
        return outcome switch
        {
            HolderLock.Outcome.Taken => new HolderClaim(taken.Held, taken.Listener),
            HolderLock.Outcome.OfAnother => null,
            // the directory goes with its last holder
            HolderLock.Outcome.NotOpened when error == ENOENT && RuntimeDirectory.TryMake(files.Directory) => null,
            HolderLock.Outcome.NotOpened => throw RunningErrors.NotWritten($"{files.Lock}: cannot be made", error, files.Lock),
            HolderLock.Outcome.NoLocks => throw RunningErrors.NoLocks(files.Lock, error),
            _ when error == ENAMETOOLONG => throw RunningErrors.SocketPathTooLong(files.Socket),
            _ => throw RunningErrors.NotWritten($"{files.Socket}: the holder's socket cannot be made", error, files.Socket),
        };
    }

    /// <summary>True where a file that is open is the one that its name means now.</summary>
    public static bool IsNamed(int fd, string path)
    {
        fixed (byte* name = CString(path))
            return HolderLock.IsNamed(fd, name);
    }

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
