using Slipway.Building.Repositories;
using Slipway.Linux;

namespace Slipway.Building;

/// <summary>The RPM database of an image: where it lies, how it is read, and how it is left so that it opens on a read-only file system.</summary>
static class RpmDatabase
{
    /// <summary>Where an image's rpm may look (rpm's macro <c>_dbpath</c>): Fedora since 36 and SUSE; EL, and all before.</summary>
    static readonly string[] Places = ["/usr/lib/sysimage/rpm", "/var/lib/rpm"];

    /// <summary>Where the rpm among these packages looks: it owns that directory. Without one, where most do.</summary>
    public static string PlaceFor(IReadOnlyList<PackageCache.Held> packages, BuildContext context, CancellationToken cancel)
    {
        if (packages.FirstOrDefault(p => p.Package.Name == "rpm")?.File is not { } rpm)
            return Places[^1];
        HashSet<string> owned = [];
        context.Run("rpm", ["-qlp", "--nosignature", rpm], line: line => owned.Add(line), cancel: cancel);
        return Places.FirstOrDefault(owned.Contains) ?? Places[^1];
    }

    /// <summary>
    /// What to tell of an image whose rpm cannot read the database that this host's rpm writes; null where it can. rpm reads SQLite since 4.16; EL 8's 4.14 knows
    /// Berkeley DB alone, which newer ones do not write any more (rpm: release notes of 4.16 and 4.17). Its packages tell by the libraries that they need.
    /// </summary>
    public static string? WarnOfOld(IReadOnlyList<PackageCache.Held> packages, BuildContext context, CancellationToken cancel)
    {
        // rpm's own library is in rpm-libs or librpmN
        string[] files = [.. packages.Where(p => p.Package.Name is "rpm" or "rpm-libs" || p.Package.Name.StartsWith("librpm", StringComparison.Ordinal)).Select(p => p.File)];
        if (files.Length == 0)
            return null;
        List<string> needed = [];
        context.Run("rpm", ["-qp", "--requires", "--nosignature", .. files], line: needed.Add, cancel: cancel);
        bool Needs(string library) => needed.Any(n => n.StartsWith(library, StringComparison.Ordinal));
        return Needs("libdb-") && !Needs("libsqlite3.so")
            ? "the rpm of this image reads databases of Berkeley DB alone, and this host's rpm writes SQLite: 'rpm' in the image will not list its packages (the manifest does)" : null;
    }

    /// <summary>The installed packages, as the image's own rpm would list them; null where there is no database.</summary>
    public static IReadOnlyList<ImagePackage>? Read(RootDirectory root, BuildContext context)
    {
        if (Places.FirstOrDefault(place => root.IsDirectory(place) && root.Names(place).Any(n => n is "rpmdb.sqlite" or "Packages" or "Packages.db")) is not { } found)
            return null;
        if (HostProgram.TryFind("rpm") is null)
        {
            context.Log($"{found}: the packages are not listed, since rpm is not installed here");
            return null;
        }
        List<ImagePackage> packages = [];
        HostProgram.Run("rpm", ["--root", root.Path, "--dbpath", found, "-qa", "--qf", "%{NAME}\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\t%{ARCH}\n"], line =>
        {
            if (line.Split('\t') is [var name, var version, var architecture] && name != "gpg-pubkey")
                packages.Add(new ImagePackage(name, version.StartsWith("0:", StringComparison.Ordinal) ? version[2..] : version, architecture));
        }, context.Log);
        Settle(root, found);
        return [.. packages.OrderBy(p => p.Name, StringComparer.Ordinal).ThenBy(p => p.Version, StringComparer.Ordinal).ThenBy(p => p.Architecture, StringComparer.Ordinal)];
    }

    /// <summary>
    /// Out of write-ahead logging, which needs a writable directory even to read (sqlite.org/wal.html, "Read-Only Databases"), and without what
    /// earlier writes have left in its free pages.
    /// </summary>
    public static void Settle(RootDirectory root, string place)
    {
        if (!root.IsDirectory(place) || !root.Names(place).Contains("rpmdb.sqlite"))
            return;
        root.InDirectory(place, directory =>
        {
            Sqlite.Execute(directory + "/rpmdb.sqlite", "PRAGMA journal_mode=DELETE; VACUUM;");
            foreach (string name in new[] { "rpmdb.sqlite-wal", "rpmdb.sqlite-shm", ".rpm.lock" })
                unlink(directory + "/" + name);
        });
    }
}
