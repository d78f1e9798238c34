using System.Globalization;
using Slipway.Linux;

namespace Slipway.Staging;

/// <summary>What has the entries of this node's caches in use: holders, loop devices, mounts of the prolog, and whatever process has a file open.</summary>
/// <remarks>A process of another user shows its open files only to root; a holder's command line, which names its image, is everybody's to see (proc(5)).</remarks>
internal sealed class CacheUse
{
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
        string mount = $"{Running.ImageMount.PrologMounts}/{digest[Digest.Prefix.Length..]}";
        if (stat(mount, out statx at, follow: false) == 0 && at.IsMountRoot)
            users.Add("mounted at " + mount);
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
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) || pid == Environment.ProcessId)
                continue;
            // slipway holder FILES-DIRECTORY NAME KEY IMAGE …: see Holder.Run
            if (OpenedFile.TryTextNamed(directory + "/cmdline")?.Split('\0') is [_, "holder", _, _, _, var image, ..])
                Add(image, string.Create(CultureInfo.InvariantCulture, $"container (holder {pid})"));
            try
            {
                foreach (string fd in Directory.EnumerateFiles(directory + "/fd"))
                    if (File.ResolveLinkTarget(fd, returnFinalTarget: false)?.FullName is { } open && open.Contains("/sha256/", StringComparison.Ordinal))
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
