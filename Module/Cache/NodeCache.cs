using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Slipway.Images;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Cache;

/// <summary>
/// The directory on a node's own disk that holds staged images by digest: <c>CACHE/sha256/DIGEST</c>. Readers take no lock.
/// </summary>
public static class NodeCache
{
    public const string RootCache = Places.RootCache;

    /// <summary>
    /// What a cache has: entries, records of their checks and uses, of the paths that were published, pins, and the locks of producers.
    /// </summary>
    static readonly string[] Directories = ["sha256", "checked", "used", "published", "pins", "locks"];

    /// <summary>How often an entry that goes while it is looked at is looked for again.</summary>
    internal const int Most = 5;

    /// <summary>The cache that this user writes to: root's, or one of the user's own on node-local disk.</summary>
    public static string Own => geteuid() == 0 ? RootCache : OwnDirectory.Find(UserCache) ?? UserCache;

    /// <summary>Where that is unless somebody else has taken the name (<see cref="OwnDirectory"/>).</summary>
    static string UserCache => Places.OnDisk(SiteConfiguration.Read().Cache);

    /// <summary>The caches that this user may read from, root's first: what root has staged is everybody's.</summary>
    internal static IReadOnlyList<string> Readable => geteuid() == 0 ? [RootCache] : [RootCache, Own];

    internal static string EntryPath(string cache, string digest) => $"{cache}/sha256/{digest[Digest.Prefix.Length..]}";

    /// <summary>Where a checked image of this digest lies on this node; null where none does.</summary>
    internal static string? FindEntry(string digest)
    {
        uint uid = geteuid();
        foreach (string cache in Readable)
        {
            string entry = EntryPath(cache, digest);
            if (stat(entry, out statx found, follow: false) != 0 || !found.IsRegular || !CheckedRecord.Holds(cache, digest, found)
                || !IsSafe(cache))
                continue;
            // for who clears the cache; what users take from root's is told by the entry's access time
            if (uid == 0 || cache != RootCache)
                OpenedFile.Write(UsedPath(cache, digest), "", Mode.rw_r__r__);
            return entry;
        }
        return null;
    }

    /// <summary>
    /// Keeps an entry from being cleared: a lock, flock(2), that goes with the last descriptor of this open file, in whatever process that
    /// is.
    /// </summary>
    /// <returns>A descriptor for reading it; -1 where it is not there any more.</returns>
    internal static int Hold(string entry)
    {
        int fd = open(entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
        if (fd < 0)
            return -1;
        // where the file system has no locks, that it is open must do
        bool going = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EAGAIN;
        if (!going && fstat(fd, out statx found) == 0 && found.stx_nlink > 0)
            return fd;
        close(fd);
        return -1;
    }

    /// <summary>The right to take an entry away; null while something holds it.</summary>
    internal static SafeFileHandle? TryFree(string entry)
    {
        SafeFileHandle file = new(open(entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0), ownsHandle: true);
        if (file.IsInvalid || flock((int)file.DangerousGetHandle(), LOCK_EX | LOCK_NB) == 0 || errno != EAGAIN)
            return file;
        file.Dispose();
        return null;
    }

    /// <summary>Its modification time is when the entry was last asked for by the cache's owner.</summary>
    internal static string UsedPath(string cache, string digest) => $"{cache}/used/{digest[Digest.Prefix.Length..]}";

    /// <summary>The digest that a file had when it was published; null where it was not, or has changed since (by stat alone).</summary>
    internal static string? FindPublished(string path, statx found)
    {
        foreach (string cache in Readable)
            if (OpenedFile.TryTextFound(RecordPath(cache, path))?.Split('\n') is [var stamp, var digest, var of, ""] && of == path
                && stamp == SourceStamp.WithDevice(found)
                && Digest.IsValid(digest) && IsSafe(cache))
                return digest;
        return null;
    }

    /// <summary>Describes an image; where it was published and has not changed since, it is read from the cache.</summary>
    /// <param name="leftOut">With the fabric plan that lies beside it; gets a sentence where that one is not taken. Null: without.</param>
    /// <exception cref="SlipwayException">It is not there, or not an image; or its plan is damaged.</exception>
    public static ContainerImage Describe(string path, CancellationToken cancel = default, Action<string>? leftOut = null)
    {
        path = Path.GetFullPath(path);
        string? digest = stat(path, out statx found) == 0 ? FindPublished(path, found) : null;
        ContainerImage image = ReadImage(path, digest, cancel);
        if (leftOut is not null)
            image.FabricPlan = FabricPlanFile.Find(path, image.Digest, SiteConfiguration.Read().Libraries, leftOut);
        return image;
    }

    static ContainerImage ReadImage(string path, string? digest, CancellationToken cancel)
    {
        for (int tries = 0; tries < Most && digest is not null && FindEntry(digest) is { } entry; tries++)
            if (Hold(entry) is >= 0 and var held)
                using (new SafeFileHandle(held, ownsHandle: true))
                    return ImageReader.Read(path, digest, cancel, entry);
        return ImageReader.Read(path, digest, cancel, null);
    }

    static string RecordPath(string cache, string path) => $"{cache}{Encoding.UTF8.GetString(NodePlaces.Published)}{KeyName.Of(path)}";

    /// <summary>
    /// Puts a plan beside an entry, or takes away the one that is there: an entry has the plan of who published it last. An entry of root's
    /// cache has root's.
    /// </summary>
    /// <param name="plan">It must be of this image, and made by who publishes, or by root; else it counts as none.</param>
    /// <exception cref="SlipwayException">It says what no plan may say on this node, or cannot be written.</exception>
    internal static void KeepPlan(string cache, string digest, FabricPlan? plan)
    {
        string entry = EntryPath(cache, digest);
        if (plan is null || plan.ImageDigest != digest || WhyNotPublished(plan) is not null || access(entry, F_OK) != 0)
        {
            unlink(FabricPlanFile.PathFor(entry));
            return;
        }
        // what lies in root's cache is for every user: that root owns a file of this node is no reason to show it
        new FabricPlanRules(FabricPlanFile.PathFor(entry), own: cache != RootCache, SiteConfiguration.Read().Libraries).Check(plan);
        FabricPlanFile.Write(plan, entry, forAll: cache == RootCache);
    }

    /// <summary>True where containers of this user take an image from root's cache, and so the plan that root has put there.</summary>
    internal static bool IsRoots(string digest) => Own != RootCache && FindEntry(digest) == EntryPath(RootCache, digest);

    /// <summary>Why a plan does not go along with its image, to follow "it"; null where it does.</summary>
    internal static string? WhyNotPublished(FabricPlan plan) => plan.WrittenBy is { } uid && uid != 0 && uid != geteuid()
        ? string.Create(CultureInfo.InvariantCulture, $"was made by uid {uid}, and only who publishes, or root, plans for a cache") : null;

    /// <summary>Records that a path has the content of an entry, if it is the file that was read.</summary>
    internal static void WriteRecord(string cache, string path, SourceStamp source, string digest)
    {
        // on another node the path may be nothing, or something else
        if (path.Contains('\n') || stat(path, out statx found) != 0 || SourceStamp.Of(found) != source)
            return;
        try
        {
            AtomicFile.Write(RecordPath(cache, path), Mode.rw_r__r__, $"{SourceStamp.WithDevice(found)}\n{digest}\n{path}\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // a convenience: without it the image is asked for its digest
        }
    }

    /// <summary>
    /// A cache that another user could have written is not read: its owner is root or we, and nobody else may write, nor to what it lies
    /// in.
    /// </summary>
    internal static bool IsSafe(string cache)
    {
        foreach (string directory in new[] { cache, cache + "/sha256", cache + "/checked" })
            if (stat(directory, out statx found, follow: false) != 0 || !IsSafe(found))
                return false;
        return IsSafeAbove(cache);
    }

    static bool IsSafe(statx found) => found.IsDirectory && IsOurs(found) && (found.stx_mode & Mode.GroupOrOthersWrite) == 0;

    static bool IsSafeAbove(string cache)
    {
        // who may rename a directory on the way may put another in its place; in a sticky one only its owner may
        for (string? above = Path.GetDirectoryName(cache); above is not null; above = Path.GetDirectoryName(above))
            if (stat(above, out statx found) != 0 || !IsOurs(found)
                || ((found.stx_mode & Mode.GroupOrOthersWrite) != 0 && (found.stx_mode & Mode.Sticky) == 0))
                return false;
        return true;
    }

    static bool IsOurs(statx found) => found.stx_uid == 0 || found.stx_uid == geteuid();

    /// <summary>The cache that this user writes to, made if it is not there; what dead writers left in it is removed.</summary>
    /// <exception cref="SlipwayException">It cannot be made, or others could have written to it, or it is not on the node's own
    /// disk.</exception>
    internal static string Prepare()
    {
        string cache = RootCache;
        if (geteuid() != 0 && OwnDirectory.Make(UserCache, out cache) is not 0 and var error)
            throw CacheErrors.CannotBeMade(cache, error);
        try
        {
            if (!IsSafeAbove(cache))
                throw CacheErrors.Unsafe(cache);
            MakeDirectories(cache);
            DriveInfo drive = new(cache);
            if (drive.DriveType == DriveType.Network)
                throw CacheErrors.Shared(cache, drive.DriveFormat, SiteConfiguration.Path);
            CacheLock.RemoveStale(cache);
            return cache;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CacheErrors.CannotBeMade(cache, e);
        }
    }

    /// <summary>Makes what is not there, after a look at what is: nothing is made in what others could have put there.</summary>
    static void MakeDirectories(string cache)
    {
        uint mode = geteuid() == 0 ? Mode.rwxr_xr_x : Mode.rwx______;
        using SafeFileHandle above = new(open(Path.GetDirectoryName(cache)!, O_PATH | O_DIRECTORY | O_CLOEXEC, 0), ownsHandle: true);
        using SafeFileHandle top = Open(above, cache);
        foreach (string name in Directories)
            Open(top, $"{cache}/{name}").Dispose();

        SafeFileHandle Open(SafeFileHandle parent, string path)
        {
            string name = Path.GetFileName(path);
            SafeFileHandle made = new(OwnDirectory.Open((int)parent.DangerousGetHandle(), name, mode, out statx found), ownsHandle: true);
            int error = errno;
            if (!made.IsInvalid && IsSafe(found))
                return made;
            made.Dispose();
            throw stat(path, out found, follow: false) == 0 && !IsSafe(found) ? CacheErrors.Unsafe(cache)
                : new IOException(string.Create(CultureInfo.InvariantCulture, $"mkdir {path}: errno {error}"), error);
        }
    }
}
