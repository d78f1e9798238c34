using Slipway.Shared;

namespace Slipway.Linux;

/// <summary>
/// A directory of this user's own below one that everybody may write to, such as /tmp, where anybody can take a name before its owner
/// comes.
/// </summary>
static unsafe class OwnDirectory
{
    /// <summary>True for a directory, not a link, that belongs to this user and that nobody else may enter.</summary>
    public static bool IsPrivate(string path) => stat(path, out statx found, follow: false) == 0 && IsPrivate(found);

    static bool IsPrivate(in statx found)
    {
        fixed (statx* at = &found)
            return RuntimePlaces.IsPrivate((Stat.statx_t*)at, geteuid());
    }

    /// <summary>True where something is there that is not this user's directory: it will never be, so another name is needed.</summary>
    public static bool IsTaken(string path) => stat(path, out statx found, follow: false) == 0
        && !(found.IsDirectory && found.stx_uid == geteuid());

    /// <summary>
    /// The path itself; where somebody else has taken that, the first PATH-… that this user has made before; null where there is none.
    /// </summary>
    public static string? Find(string path)
    {
        if (!IsTaken(path))
            return path;
        string above = Path.GetDirectoryName(path)!, start = Path.GetFileName(path) + "-";
        // nobody can give us a directory: chown(2) is root's, and who moves one must be able to write to it (rename(2))
        return DirectoryNames.Read(above)?.Where(n => n.StartsWith(start, StringComparison.Ordinal)).Order(StringComparer.Ordinal)
            .Select(n => Path.Combine(above, n)).FirstOrDefault(IsPrivate);
    }

    /// <summary>The same, and where there is none a new one, whose name nobody could take before.</summary>
    /// <remarks>
    /// One process of this user at a time makes one (as far as <c>$HOME</c> has locks), so that all find the same; it stays, since whoever
    /// knows its name could take it once it were gone.
    /// </remarks>
    /// <returns>The errno where none can be made.</returns>
    public static int Make(string path, out string made)
    {
        made = Find(path) ?? "";
        if (made.Length > 0)
            return 0;
        using IDisposable turn = PartialFile.Turn(Places.Home is { Length: > 0 } home ? home : "/");
        if (Find(path) is { } meanwhile)
        {
            made = meanwhile;
            return 0;
        }
        made = $"{path}-{Guid.NewGuid().ToString("n")[..8]}";
        return mkdir(made, Mode.rwx______) == 0 ? 0 : errno;
    }

    /// <summary>
    /// A directory in one that is open, made if it is not there: by descriptor, so that no link is followed, and nothing of another's is
    /// changed.
    /// </summary>
    /// <param name="mode">It gets this whatever the umask is.</param>
    /// <param name="found">What it is.</param>
    /// <returns>A descriptor; less than 0 where it cannot be made or opened (errno).</returns>
    public static int Open(int parent, string name, uint mode, out statx found)
    {
        found = default;
        bool made = mkdirat(parent, name, mode) == 0;
        if (!made && errno != EEXIST)
            return -1;
        int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && made)
            fchmod(fd, (ushort)mode);
        if (fd >= 0 && fstat(fd, out found) != 0)
            found = default;
        return fd;
    }
}
