using Slipway.Shared;

namespace Slipway.Cache;

/// <summary>
/// One producer at a time on a node: flock(2) on a file in the node's own cache, which the kernel frees when its holder dies, in whatever
/// pid namespace that ran. Readers take none, and nothing on a shared filesystem is ever locked.
/// </summary>
sealed class CacheLock : IDisposable
{
    readonly int fd;

    CacheLock(int fd) => this.fd = fd;

    static string PathOf(string cache, string name) => $"{cache}/locks/{name}";

    /// <summary>Null while another has it.</summary>
    /// <param name="name">The hexadecimal digits of a digest, or of a source's name.</param>
    /// <exception cref="SlipwayException">The lock's file cannot be made.</exception>
    public static CacheLock? TryTake(string cache, string name)
    {
        string path = PathOf(cache, name);
        while (true)
        {
            int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, Mode.rw_______);
            if (fd < 0)
                throw CacheErrors.FileNotWritable(path, errno);
            if (flock(fd, LOCK_EX | LOCK_NB) != 0)
            {
                int error = errno;
                close(fd);
                return error == EAGAIN || error == EINTR ? null : throw CacheErrors.NoLocks(path, error, SiteConfiguration.Path);
            }
            // whoever removes an entry removes its lock too: ours must be the file that the name means now
            if (fstat(fd, out statx ours) == 0 && stat(path, out statx named, follow: false) == 0 && ours.stx_ino == named.stx_ino)
                return new CacheLock(fd);
            close(fd);
        }
    }

    /// <summary>Waits until nobody else has it.</summary>
    /// <param name="waiting">Called once, if there is a wait.</param>
    public static CacheLock Take(string cache, string name, Action? waiting = null, CancellationToken cancel = default)
    {
        for (bool told = false; ; cancel.WaitHandle.WaitOne(50))
        {
            cancel.ThrowIfCancellationRequested();
            if (TryTake(cache, name) is { } taken)
                return taken;
            if (!told)
                waiting?.Invoke();
            told = true;
        }
    }

    /// <summary>Removes the partial files of dead writers: those whose lock nobody has.</summary>
    /// <returns>The bytes that were freed.</returns>
    public static long RemoveStale(string cache)
    {
        long freed = 0;
        foreach (string path in Directory.EnumerateFiles(cache + "/sha256", ".*.partial"))
        {
            string name = Path.GetFileName(path).Split('.')[1];
            if (name.Length == 0 || name.AsSpan().ContainsAnyExcept("0123456789abcdef"))
                continue;
            using CacheLock? free = TryTake(cache, name);
            if (free is not null && stat(path, out statx found, follow: false) == 0 && unlink(path) == 0)
                freed += (long)found.stx_size;
        }
        return freed;
    }

    /// <summary>Takes the lock's file away with what it was for; it must be held.</summary>
    public static void RemoveFile(string cache, string name) => unlink(PathOf(cache, name));

    public void Dispose() => close(fd);
}
