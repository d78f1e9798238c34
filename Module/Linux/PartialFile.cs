using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Slipway.Shared;

namespace Slipway.Linux;

/// <summary>
/// A file that is being written beside its destination, to be renamed over it when it is whole. While its writer lives it has a lock,
/// flock(2), on another file of the same name but for the ending: so that one whose writer has died is known and removed, whoever's it is
/// and whatever /proc shows (hidepid, proc(5)).
/// </summary>
/// <remarks>
/// Its name tells its writer (host, pid, start time). Only the same host removes it: on a network file system a lock may be seen by its own
/// host alone (nfs(5), local_lock). The lock is not on the file itself, since .NET takes flock(2) on what it writes.
/// </remarks>
sealed class PartialFile : IDisposable
{
    const string Ending = ".partial", LockEnding = ".lock";

    readonly SafeFileHandle held;

    PartialFile(string path, SafeFileHandle held) => (Path, this.held) = (path, held);

    public string Path { get; }

    static string Host => Environment.MachineName.Replace('.', '_');

    static string Writer(int pid) => string.Create(CultureInfo.InvariantCulture, $"{Host}.{pid}.{ProcStat.StartTime(pid)}");

    /// <summary>
    /// A name beside <paramref name="destination"/> that no other writer uses: for what is written in an instant, and not looked for.
    /// </summary>
    public static string NameFor(string destination) =>
        System.IO.Path.Combine(System.IO.Path.GetDirectoryName(destination)!,
            $".{System.IO.Path.GetFileName(destination)}.{Writer(Environment.ProcessId)}.{Guid.NewGuid().ToString("n")[..8]}{Ending}");

    static string LockOf(string path) => path[..^Ending.Length] + LockEnding;

    /// <summary>The same with a lock that says that its writer lives, until it is disposed; the file itself is still to be made.</summary>
    /// <exception cref="IOException">The lock's file cannot be made.</exception>
    public static PartialFile Reserve(string destination)
    {
        string path = NameFor(destination), beside = LockOf(path);
        int fd = open(beside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, Mode.rw_r__r__);
        if (fd < 0)
            throw new IOException($"'{path}': {Marshal.GetPInvokeErrorMessage(errno)}", errno);
        // a file system without locks: then the name tells, as far as it can
        flock(fd, LOCK_EX | LOCK_NB);
        fchmod(fd, (ushort)Mode.rw_r__r__); // whatever the umask is: who may not open it cannot see the lock
        return new PartialFile(path, new SafeFileHandle(fd, ownsHandle: true));
    }

    /// <summary>Removes what is left of the file.</summary>
    public void Dispose()
    {
        unlink(Path);
        unlink(LockOf(Path));
        held.Dispose();
    }

    /// <summary>Removes what dead writers of this host have left in a directory.</summary>
    public static void RemoveStale(string directory)
    {
        // one may be there without the other
        IEnumerable<string> all = Directory.EnumerateFiles(directory, ".*" + Ending)
            .Concat(Directory.EnumerateFiles(directory, ".*" + LockEnding).Select(l => l[..^LockEnding.Length] + Ending));
        foreach (string path in all.Distinct().ToList())
            if (System.IO.Path.GetFileName(path).Split('.') is ["", _, .., var host, var pid, var start, _, _] && host == Host
                && int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out int writer) && !IsWritten(path, writer, start))
            {
                unlink(path);
                unlink(LockOf(path));
            }
    }

    static bool IsWritten(string path, int writer, string start)
    {
        int fd = open(LockOf(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
        int error = fd < 0 ? errno : flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
        if (fd >= 0)
            close(fd);
        // without a lock to go by: kill(2) tells of every user's process, and its start time of those that are to be seen
        return error == EAGAIN || (error != 0 && (kill(writer, 0) == 0 || errno != ESRCH)
            && ProcStat.StartTime(writer) is var started && (started == 0 || started.ToString(CultureInfo.InvariantCulture) == start));
    }

    /// <summary>
    /// A turn in a directory, by flock(2) on it: of several who look for others and then make their own file, one at a time does, so that
    /// the first has the destination.
    /// </summary>
    /// <remarks>
    /// Network file systems may have no such lock, and anybody who can read the directory can hold it: who has no turn after two seconds
    /// goes on without. Two of those may both see the other and give way; never do both go on.
    /// </remarks>
    public static IDisposable Turn(string directory)
    {
        int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
        for (int i = 0; i < 200 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EAGAIN; i++)
            Thread.Sleep(10);
        return new SafeFileHandle(fd, ownsHandle: true);
    }

    /// <summary>Who else is writing the same destination: <c>host HOST, process PID</c>; null where nobody is.</summary>
    public static string? Others(string destination, string own)
    {
        string prefix = $".{System.IO.Path.GetFileName(destination)}.";
        foreach (string path in Directory.EnumerateFiles(System.IO.Path.GetDirectoryName(destination)!, prefix + "*" + Ending))
            if (path != own && System.IO.Path.GetFileName(path)[prefix.Length..].Split('.') is [var host, var pid, _, _, _])
                return $"host {host}, process {pid}";
        return null;
    }
}
