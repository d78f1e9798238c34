using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Cache;

/// <summary>
/// What has the entries of this node's caches in use: holders, loop devices, mounts of the prolog, and whatever process has a file open.
/// </summary>
/// <remarks>
/// That an entry is in use is told by a lock on it (<see cref="NodeCache.Hold"/>), which the kernel keeps as long as the FUSE server or the
/// loop device of a container lives. Who it is, /proc tells, as far as it may: open files of other users' processes are shown to root
/// alone, and the processes themselves not to everybody (hidepid, proc(5)).
/// </remarks>
sealed class CacheUse
{
    public const string PrologMounts = "/run/slipway/mounts";

    readonly Dictionary<string, SortedSet<string>> byPath = [];

    /// <summary>As it is now.</summary>
    public static CacheUse Read()
    {
        CacheUse use = new();
        use.Processes();
        use.LoopDevices();
        return use;
    }

    /// <summary>Empty where nothing uses it.</summary>
    public IReadOnlyList<string> Of(string entry, string digest)
    {
        SortedSet<string> users = byPath.TryGetValue(entry, out SortedSet<string>? found) ? [.. found] : [];
        string mount = $"{PrologMounts}/{digest[Digest.Prefix.Length..]}";
        if (stat(mount, out statx at, follow: false) == 0 && at.IsMountRoot)
            users.Add("mounted at " + mount);
        using SafeFileHandle? free = NodeCache.TryFree(entry);
        if (free is null && users.Count == 0)
            users.Add("a container of another user, or one that is being started");
        return [.. users];
    }

    void Add(string path, string user)
    {
        if (!byPath.TryGetValue(path, out SortedSet<string>? users))
            byPath[path] = users = [];
        users.Add(user);
    }

    void Processes()
    {
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
                || pid == Environment.ProcessId)
                continue;
            if (OpenedFile.TryTextNamed(directory + "/cmdline")?.Split('\0') is [_, "holder", .. string[] start]
                && start.Length > (int)HolderArgument.Options)
                Add(start[(int)HolderArgument.Image], string.Create(CultureInfo.InvariantCulture, $"container (holder {pid})"));
            try
            {
                foreach (string fd in Directory.EnumerateFiles(directory + "/fd"))
                    if (File.ResolveLinkTarget(fd, returnFinalTarget: false)?.FullName is { } open
                        && open.Contains("/sha256/", StringComparison.Ordinal))
                        Add(open, string.Create(CultureInfo.InvariantCulture, $"open in process {pid}"));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // it has ended meanwhile, or is another user's
            }
        }
    }

    void LoopDevices()
    {
        if (!Directory.Exists("/sys/block"))
            return;
        foreach (string device in Directory.EnumerateDirectories("/sys/block", "loop*"))
            if (OpenedFile.TryTextNamed(device + "/loop/backing_file")?.TrimEnd('\n') is { Length: > 0 } file)
                Add(file, "loop device /dev/" + Path.GetFileName(device));
    }
}
