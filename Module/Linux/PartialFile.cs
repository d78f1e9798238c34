using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Slipway.Linux;

/// <summary>
/// A file that is being written beside its destination, to be renamed over it when it is whole. Its name tells its writer (host, pid, start time), so that
/// one whose writer has died is known and removed, by the same host only: others cannot tell.
/// </summary>
internal static class PartialFile
{
    const string Ending = ".partial";

    static string Writer(int pid) => string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName.Replace('.', '_')}.{pid}.{ProcStat.StartTime(pid)}");

    /// <summary>A name beside <paramref name="destination"/> that no other writer uses.</summary>
    public static string NameFor(string destination) =>
        Path.Combine(Path.GetDirectoryName(destination)!, $".{Path.GetFileName(destination)}.{Writer(Environment.ProcessId)}.{Guid.NewGuid().ToString("n")[..8]}{Ending}");

    /// <summary>Removes what dead writers of this host have left in a directory.</summary>
    public static void RemoveStale(string directory)
    {
        foreach (string path in Directory.EnumerateFiles(directory, ".*" + Ending))
            if (Path.GetFileName(path).Split('.') is [.., var host, var pid, var start, _, _] && host == Environment.MachineName.Replace('.', '_')
                && int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out int writer)
                && ProcStat.StartTime(writer).ToString(CultureInfo.InvariantCulture) != start)
                unlink(path);
    }

    /// <summary>
    /// A turn in a directory, by flock(2) on it: of several who look for others and then make their own file, one at a time does, so that the first has the destination.
    /// </summary>
    /// <remarks>
    /// Network file systems may have no such lock, and anybody who can read the directory can hold it: who has no turn after two seconds goes on without. Two of those
    /// may both see the other and give way; never do both go on.
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
        string prefix = $".{Path.GetFileName(destination)}.";
        foreach (string path in Directory.EnumerateFiles(Path.GetDirectoryName(destination)!, prefix + "*" + Ending))
            if (path != own && Path.GetFileName(path)[prefix.Length..].Split('.') is [var host, var pid, _, _, _])
                return $"host {host}, process {pid}";
        return null;
    }
}
