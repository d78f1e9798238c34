using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Building;

/// <summary>
/// Where an image is being made: <c>$TMPDIR</c> or <c>/var/tmp</c>, in <c>slipway-build-UID-…</c>, readable by its owner alone.
/// </summary>
/// <remarks>
/// Its builder holds a lock on it; a directory without one is of a builder that was killed, and the next build removes it.
/// </remarks>
sealed class WorkDirectory : IDisposable
{
    readonly FileStream held;

    WorkDirectory(string path, FileStream held)
    {
        Path = path;
        this.held = held;
    }

    public string Path { get; }

    static string Prefix => $"slipway-build-{geteuid()}-";

    public static WorkDirectory Create()
    {
        string parent = Places.Temporary;
        try
        {
            RemoveStale(parent);
            string name = Prefix + Guid.NewGuid().ToString("n")[..12], path = System.IO.Path.Combine(parent, name);
            string unlocked = System.IO.Path.Combine(parent, "." + name);
            // it has its name only when it has its lock: a build that starts at the same moment would take it for one that was left
            Directory.CreateDirectory(unlocked, (UnixFileMode)Mode.rwx______);
            FileStream held = new(LockOf(unlocked), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
            Directory.Move(unlocked, path);
            return new WorkDirectory(path, held);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw BuildErrors.NoWorkDirectory(parent, e);
        }
    }

    static string LockOf(string path) => System.IO.Path.Combine(path, "lock");

    static void RemoveStale(string parent)
    {
        foreach (string path in Directory.EnumerateDirectories(parent, Prefix + "*")
            .Concat(Directory.EnumerateDirectories(parent, "." + Prefix + "*").Where(d => !IsNew(d))))
            if (stat(path, out statx found, follow: false) == 0 && found.stx_uid == geteuid() && !InUse(path))
                RemoveAsBuilder(path);
    }

    static bool IsNew(string path) => Directory.GetCreationTimeUtc(path) > DateTime.UtcNow.AddMinutes(-1);

    static bool InUse(string path)
    {
        try
        {
            // .NET takes flock(2) on what it opens with FileShare.None
            using FileStream probe = new(LockOf(path), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return false;
        }
        catch (FileNotFoundException)
        {
            // its maker is just removing it, or died there
            return IsNew(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    /// <summary>Removes a tree that may hold files of subordinate ids, and what other programs left without write permission.</summary>
    static void RemoveAsBuilder(string path)
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            IReadOnlyList<string> command = BuildNamespace.Command();
            HostProgram.Run(command[0], [.. command.Skip(1), "rm", "-rf", "--one-file-system", "--", path], _ => { }, _ => { });
        }
    }

    /// <summary>As the builder's root, inside its namespace.</summary>
    public static void Remove(string path) => HostProgram.Run("rm", ["-rf", "--one-file-system", "--", path], _ => { }, _ => { });

    public void Dispose()
    {
        // first: FUSE and NFS keep a file that is removed while it is open, under another name, and its directory with it
        held.Dispose();
        if (Directory.Exists(Path))
            RemoveAsBuilder(Path);
    }
}
