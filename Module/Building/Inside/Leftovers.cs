using Slipway.Linux;

namespace Slipway.Building.Inside;

/// <summary>
/// What a builder leaves, and what differs between two builds: it stays out of every image, so that one definition and lock give the same
/// bytes.
/// </summary>
static class Leftovers
{
    static readonly string[] EmptyDirectories =
    [
        "dev", "proc", "sys", "run", "tmp", "var/tmp", "var/cache/apt", "var/lib/apt/lists", "var/cache/ldconfig",
        "var/cache/dnf", "var/cache/yum", "var/lib/dnf",
    ];

    static readonly string[] Files =
    [
        "etc/resolv.conf", "etc/hostname", "etc/.pwd.lock", "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-", "etc/subuid-",
        "etc/subgid-",
        "var/lib/dpkg/status-old", "var/lib/dpkg/diversions-old", "var/lib/dpkg/statoverride-old", "var/cache/debconf/config.dat-old",
        "var/cache/debconf/templates.dat-old",
        "var/lib/apt/extended_states-old", "var/lib/dbus/machine-id", "etc/apt/apt.conf.d/99mmdebstrap", "root/.bash_history",
        "var/lib/systemd/catalog/database",
    ];

    /// <summary>True for what no image keeps, so that a source need not bring it.</summary>
    /// <param name="path">Absolute.</param>
    public static bool Has(string path) => EmptyDirectories.Any(d => path.StartsWith($"/{d}/", StringComparison.Ordinal))
        || path.StartsWith("/var/log/", StringComparison.Ordinal) || Files.Contains(path[1..]);

    /// <summary>Takes it out of a root.</summary>
    public static void Remove(BuildRoot root)
    {
        foreach (string directory in EmptyDirectories)
            root.Empty(directory);
        foreach (string file in Files)
            root.Delete(file);
        // logs go, the directories that programs write them to stay
        string log = Path.Combine(root.Path, "var/log");
        if (stat(log, out statx found, follow: false) == 0 && found.IsDirectory)
            foreach (string path in FilesBelow.Of(log).ToList())
                if (stat(path, out statx entry, follow: false) == 0 && !entry.IsDirectory)
                    unlink(path);
        if (root.Read("etc/machine-id") is not null)
            root.Write("etc/machine-id", "");
    }
}
