using Slipway.Building.Repositories;
using Slipway.Linux;
using Slipway.Readers;
using Slipway.Readers.Packages;

namespace Slipway.Building;

/// <summary>
/// The RPM database of an image that is being made: where it is put, and how it is left so that it opens on a read-only file system.
/// </summary>
static class ImageRpmDatabase
{
    /// <summary>Where the rpm among these packages looks: it owns that directory. Without one, where most do.</summary>
    public static string PlaceFor(IReadOnlyList<PackageCache.Held> packages, BuildContext context, CancellationToken cancel)
    {
        if (packages.FirstOrDefault(p => p.Package.Name == "rpm")?.File is not { } rpm)
            return RpmDatabase.Places[^1];
        HashSet<string> owned = [];
        context.Run("rpm", ["-qlp", "--nosignature", rpm], line: line => owned.Add(line), cancel: cancel);
        return RpmDatabase.Places.FirstOrDefault(owned.Contains) ?? RpmDatabase.Places[^1];
    }

    /// <summary>
    /// What to tell of an image whose rpm cannot read the database that this host's rpm writes; null where it can. rpm reads SQLite since
    /// 4.16; EL 8's 4.14 knows Berkeley DB alone, which newer ones do not write any more (rpm: release notes of 4.16 and 4.17). Its
    /// packages tell by the libraries that they need.
    /// </summary>
    public static string? WarnOfOld(IReadOnlyList<PackageCache.Held> packages, BuildContext context, CancellationToken cancel)
    {
        // rpm's own library is in rpm-libs or librpmN
        string[] files =
            [.. packages.Where(p => p.Package.Name is "rpm" or "rpm-libs" || p.Package.Name.StartsWith("librpm", StringComparison.Ordinal))
                .Select(p => p.File)];
        if (files.Length == 0)
            return null;
        List<string> needed = [];
        context.Run("rpm", ["-qp", "--requires", "--nosignature", .. files], line: needed.Add, cancel: cancel);
        bool Needs(string library) => needed.Any(n => n.StartsWith(library, StringComparison.Ordinal));
        return Needs("libdb-") && !Needs("libsqlite3.so")
            ? "the rpm of this image reads databases of Berkeley DB alone, and this host's rpm writes SQLite: "
            + "'rpm' in the image will not list its packages (the manifest does)" : null;
    }

    /// <summary>
    /// The installed packages, as the image's own rpm would list them; nothing where there is no database, or no rpm that reads it.
    /// </summary>
    public static IReadOnlyList<ImagePackage> Installed(BuildRoot root, RootTree tree, BuildContext context)
    {
        if (RpmDatabase.PlaceIn(tree) is not { } place)
            return [];
        if (RpmDatabase.TryOpen(tree, context.Log) is not { } database)
        {
            context.Log($"{place}: the packages are not listed, since rpm is not installed here");
            return [];
        }
        IReadOnlyList<ImagePackage> packages = database.Installed();
        Settle(root, place);
        return packages;
    }

    /// <summary>
    /// Out of write-ahead logging, which needs a writable directory even to read (sqlite.org/wal.html, "Read-Only Databases"), and without
    /// what earlier writes have left in its free pages.
    /// </summary>
    public static void Settle(BuildRoot root, string place)
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
