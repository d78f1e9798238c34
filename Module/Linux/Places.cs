using System.Globalization;

namespace Slipway.Linux;

/// <summary>
/// Which directories of a node are ours or this user's: each decision about a well-known directory or variable stands here once. Where
/// holders have their sockets is <see cref="RuntimeDirectory"/>'s.
/// </summary>
static class Places
{
    /// <summary>What root keeps for all users.</summary>
    public const string RootCache = "/var/cache/slipway";

    /// <summary>A node's own disk, where everybody may make a directory, and what lies there stays (hier(7)).</summary>
    const string OwnDisk = "/var/tmp";

    /// <summary>What this user keeps: <see cref="RootCache"/>, else <c>$XDG_CACHE_HOME/slipway</c> or <c>~/.cache/slipway</c>.</summary>
    public static string Cache => geteuid() == 0 ? RootCache : Path.Combine(CacheHome, "slipway");

    // a relative path is to be ignored (XDG Base Directory Specification)
    static string CacheHome => Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } set && set.StartsWith('/') ? set
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");

    /// <summary>This user's directory on the node's own disk, <c>DISK/slipway-UID</c>: a name that another may have taken.</summary>
    /// <param name="disk">The directory below which it lies; null is <c>/var/tmp</c>.</param>
    public static string OnDisk(string? disk = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{disk ?? OwnDisk}/slipway-{geteuid()}");

    /// <summary>Where large files go that are soon removed: <c>$TMPDIR</c>, else <c>/var/tmp</c>.</summary>
    public static string Temporary => Environment.GetEnvironmentVariable("TMPDIR") is { Length: > 0 } set ? Path.GetFullPath(set) : OwnDisk;

    /// <summary><c>$HOME</c>; empty where it is not set.</summary>
    public static string Home => Environment.GetEnvironmentVariable("HOME") ?? "";
}
