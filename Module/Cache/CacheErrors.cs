using System.Globalization;

namespace Slipway.Cache;

/// <summary>The errors of a node's cache: each id, kind, sentence and advice once.</summary>
static class CacheErrors
{
    const string FreeSpace = "Free some space on the node's disk (Clear-ImageCache, slipway cache clear).";
    const string CheckDisk = "Check that the disk has space and that you may write there.";

    public static SlipwayException Unsafe(string cache) => new("CacheUnsafe", ErrorKind.SecurityError,
        $"{cache}: another user could have written to this cache, so nothing in it can be trusted",
        "Have it removed, or its owner and mode corrected: 0755 for root's cache, 0700 for a user's. "
        + "The directory above it must be root's, and sticky if others may write to it.",
        cache);

    public static SlipwayException Shared(string cache, string fileSystem, string configuration) => new(
        "CacheShared", ErrorKind.InvalidOperation,
        $"{cache}: the node cache lies on a network filesystem ({fileSystem})",
        $"Name a directory on the node's own disk: 'cache:' in {configuration}.", cache);

    public static SlipwayException CannotBeMade(string cache, int error) => new("CacheNotWritable", ErrorKind.WriteError,
        $"{cache}: the node cache cannot be made (errno {Number(error)})", CheckDisk, cache);

    public static SlipwayException CannotBeMade(string cache, Exception why) => new("CacheNotWritable", ErrorKind.WriteError,
        $"{cache}: the node cache cannot be made: {why.Message}", CheckDisk, cache, why);

    /// <summary>A file that Slipway keeps beside the entries.</summary>
    public static SlipwayException FileNotWritable(string path, int error) => new("CacheNotWritable", ErrorKind.WriteError,
        $"{path}: cannot be written (errno {Number(error)})", Advice(error), path);

    public static SlipwayException NotWritable(string cache, Exception why) => new("CacheNotWritable", ErrorKind.WriteError,
        $"{cache}: {why.Message}", Advice(why.HResult), cache, why);

    /// <summary>The message of the error names the path.</summary>
    public static SlipwayException NotWritable(Exception why) =>
        new("CacheNotWritable", ErrorKind.WriteError, why.Message, Advice(why.HResult), null, why);

    public static SlipwayException NoSpace(string cache, long bytes) => new("CacheNotWritable", ErrorKind.WriteError,
        $"{cache}: there is no space for {bytes.ToString(CultureInfo.InvariantCulture)} bytes", FreeSpace, cache);

    public static SlipwayException NoLocks(string path, int error, string configuration) => new("NoLocks", ErrorKind.InvalidOperation,
        $"{path}: cannot be locked (flock: errno {Number(error)})",
        $"The cache must be on a file system that has locks: name a directory on the node's own disk ('cache:' in {configuration}).", path);

    public static SlipwayException NoSuchImage(string path) => new("ImageNotFound", ErrorKind.ObjectNotFound,
        $"{path}: there is no such image", "Build it (slipway build, New-ContainerImage), or check the path.", path);

    /// <summary>Where a digest would do too.</summary>
    public static SlipwayException NoSuchImageOrDigest(string path) => new("ImageNotFound", ErrorKind.ObjectNotFound,
        $"{path}: there is no such image", "Give the path of an image, or sha256: and its digest (Get-ImageCache shows them).", path);

    public static SlipwayException MayNotBeRead(string path, string reason, Exception why) => new("ImageUnreadable", ErrorKind.ReadError,
        $"{path}: {reason}", "Give the path of an image that you may read.", path, why);

    public static SlipwayException ReadFailed(string path, Exception why) => new("ImageUnreadable", ErrorKind.ReadError,
        $"{path}: {why.Message}", "See whether the filesystem that it is on works.", path, why);

    public static SlipwayException SourceChanged(string path) => new("SourceChanged", ErrorKind.InvalidData,
        $"{path}: the image changed while it was read", "Wait until it is written, and publish it again.", path);

    public static SlipwayException CopyDiffers(string path, string got, string wanted) => new("DigestMismatch", ErrorKind.InvalidData,
        $"{path}: the copy on this node has the digest {got}, not {wanted}",
        "The image changed after it was described: describe it again (Get-ContainerImage), or build it anew.", path);

    public static SlipwayException ArrivedDiffers(string got, string wanted) => new("DigestMismatch", ErrorKind.InvalidData,
        $"what arrived has the digest {got}, not {wanted}",
        "Publish again; if it happens again, look at the network and the disk of this node.", wanted);

    public static SlipwayException CopyIncomplete(string path, ulong arrived, long size) => new("CopyIncomplete", ErrorKind.ReadError,
        string.Create(CultureInfo.InvariantCulture, $"{path}: the copy is incomplete: {arrived} of {size} bytes arrived"),
        "Publish again.", path);

    public static SlipwayException BadDigest(string text) => new("DigestInvalid", ErrorKind.InvalidArgument,
        $"'{text}' is not a digest: sha256: and 64 hexadecimal digits are needed", null, text);

    public static SlipwayException BadLimit() => new("BadLimit", ErrorKind.InvalidArgument,
        "neither a size nor an age can be negative", "Give bytes, and a span of time.");

    public static SlipwayException NotCached(string cache, string digest) => new("ImageNotCached", ErrorKind.ObjectNotFound,
        $"{digest}: the cache {cache} does not have this image", "See what it has: Get-ImageCache (slipway cache list).", digest);

    public static SlipwayException InUse(string entry, IEnumerable<string> users) => new("EntryInUse", ErrorKind.ResourceUnavailable,
        $"{entry}: is in use: {string.Join(", ", users)}", "Wait until those have ended.", entry);

    public static SlipwayException Locked(string entry) => new("EntryInUse", ErrorKind.ResourceUnavailable,
        $"{entry}: is being published, or opened by a container", "Wait until that has ended.", entry);

    public static SlipwayException ConfigurationUnreadable(string path, string reason, Exception why) => new(
        "ConfigurationInvalid", ErrorKind.ReadError,
        $"{path}: {reason}", "Make it a file of a few lines that all users may read: see docs/running.md.", path, why);

    public static SlipwayException BadLibrary(string path, string where, string library) => new(
        "ConfigurationInvalid", ErrorKind.InvalidData,
        $"{where}: '{library}' is not an absolute path below '/'", "Name a directory of libraries, e.g. '- /opt/vendor/lib'.", path);

    /// <summary>What to do about a disk that does not take a file.</summary>
    /// <param name="error">errno; .NET has it as HResult, and nowhere else (System.IO: Interop.GetExceptionForIoErrno).</param>
    static string Advice(int error) =>
        error == ENOSPC || error == EDQUOT ? FreeSpace
        : error == EROFS
            ? "The file system is mounted read-only: mount it anew, or name another directory ('cache' in /etc/slipway/config.yaml)."
        : "Check whether the node's disk is full (Clear-ImageCache, slipway cache clear), "
            + "who owns the directory, and what dmesg says.";

    static string Number(int error) => error.ToString(CultureInfo.InvariantCulture);
}
