using Slipway.Linux;

namespace Slipway.Running;

/// <summary>A rank's way to its holder: join the one that runs, or start it; race-free among any number of ranks.</summary>
internal static unsafe class HolderClient
{
    /// <summary>A holder answers at once, or it is stopped or hung: then an error is better than waiting for ever. Milliseconds.</summary>
    const int Patience = 60_000;

    /// <summary>Registers this process with the holder of <paramref name="key"/>, starting one if there is none.</summary>
    /// <param name="held">The lock's descriptor, where this process has it already; else -1.</param>
    /// <param name="start">Starts a holder with the given files, and returns when it is ready.</param>
    public static HolderEntry Join(HolderFiles files, string key, int held, Action start)
    {
        if (held >= 0)
            fcntl(held, F_SETFD, FD_CLOEXEC);
        while (true)
        {
            if (TryJoin(files, key) is { } entry)
                return entry;
            if (held < 0 || !IsNamed(held, files.Lock))
                held = TakeLock(files);
            try
            {
                entry = TryJoin(files, key);
                if (entry is null)
                {
                    start();
                    entry = TryJoin(files, key);
                }
                if (entry is not null)
                    return entry;
            }
            catch (SlipwayException)
            {
                files.Remove();
                throw;
            }
            finally
            {
                close(held);
                held = -1;
            }
        }
    }

    static bool IsNamed(int fd, string path) => fstat(fd, out statx ours) == 0 && stat(path, out statx named, follow: false) == 0 && ours.stx_ino == named.stx_ino;

    /// <summary>An exclusive lock on the file that the name means now: its last holder may have removed the one that we opened.</summary>
    static int TakeLock(HolderFiles files)
    {
        while (true)
        {
            int fd = open(files.Lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0x180);
            if (fd < 0)
            {
                if (errno == ENOENT /* the directory went with its last holder */)
                {
                    RuntimeDirectory.Open();
                    continue;
                }
                throw new SlipwayException("NoRuntimeDirectory", ErrorKind.WriteError, $"{files.Lock}: cannot be made (errno {errno})", "Check that the disk of the runtime directory is not full.", files.Lock);
            }
            if (flock(fd, LOCK_EX) == 0 && IsNamed(fd, files.Lock))
                return fd;
            close(fd);
        }
    }

    static HolderEntry? TryJoin(HolderFiles files, string key)
    {
        if (!TryUnixAddress(files.Socket, out sockaddr_un address))
            return null;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        try
        {
            if (connect(fd, (sockaddr*)&address, sizeof(sockaddr_un)) != 0)
                return null;
            pollfd wait = new() { fd = fd, events = POLLIN };
            byte welcome = 0;
            int ready;
            while ((ready = poll(new Span<pollfd>(ref wait), Patience)) < 0 && errno == EINTR)
                continue;
            if (ready == 0)
                throw new SlipwayException("HolderSilent", ErrorKind.OperationTimeout, $"{files.Socket}: the container's holder does not answer", "Kill it (pkill slipway-holder); the next run starts a new one.", files.Socket);
            // a holder that was about to end closes without a word: the next round starts another
            if (read(fd, &welcome, 1) != 1)
                return null;
            HolderEntry? entry = HolderEntry.Read(files.Entry);
            return entry?.Key == key ? entry : null;
        }
        finally
        {
            close(fd);
        }
    }
}
