using System.Globalization;
using System.Text;
using Slipway.Linux;

namespace Slipway.Running;

/// <summary>Where the holders of a user have their sockets and entries on this node: <c>$XDG_RUNTIME_DIR/slipway</c>, or <c>/tmp/slipway-UID</c>.</summary>
internal static class RuntimeDirectory
{
    /// <summary>A socket's path must fit sun_path (108 bytes): this much is left for the directory.</summary>
    const int LongestDirectory = 60;

    /// <summary>The directory, made if it is not there.</summary>
    /// <exception cref="SlipwayException">It cannot be made, or belongs to somebody else.</exception>
    public static string Open()
    {
        uint uid = geteuid();
        string path = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 1 and < LongestDirectory } set && set.StartsWith('/') && IsOwn(set, uid)
            ? set.TrimEnd('/') + "/slipway"
            : string.Create(CultureInfo.InvariantCulture, $"/tmp/slipway-{uid}");
        if (mkdir(path, 0x1c0) != 0 && errno is var error && error != EEXIST)
            throw new SlipwayException("NoRuntimeDirectory", ErrorKind.WriteError, $"{path}: the runtime directory cannot be made (errno {error})", "Check that /tmp has space and is writable.", path);
        if (!IsOwn(path, uid))
            throw new SlipwayException("RuntimeDirectoryNotOurs", ErrorKind.SecurityError, $"{path}: the runtime directory belongs to somebody else, or others may enter it", $"Have it removed, or set XDG_RUNTIME_DIR to a directory of your own with mode 0700.", path);
        return path;
    }

    static bool IsOwn(string path, uint uid) =>
        stat(path, out statx found, follow: false) == 0 && found.IsDirectory && found.stx_uid == uid && (found.stx_mode & 0x3f) == 0;

    /// <summary>A file name for a key of any length (FNV-1a, 128 bits; the directory is private, so collisions need not be made hard, only rare).</summary>
    public static string NameOf(string key)
    {
        UInt128 hash = new(0x6c62272e07bb0142, 0x62b821756295c58d), prime = new(0x0000000001000000, 0x000000000000013b);
        foreach (byte b in Encoding.UTF8.GetBytes(key))
            hash = (hash ^ b) * prime;
        return hash.ToString("x32", CultureInfo.InvariantCulture);
    }
}
