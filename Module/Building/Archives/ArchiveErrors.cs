namespace Slipway.Building.Archives;

/// <summary>What can be wrong with an archive and its entries. Whoever reads it says which archive it is.</summary>
static class ArchiveErrors
{
    const string MakeAnew = "Copy or make the archive anew.",
        MakeFromRoot = "Make the archive anew from the root filesystem's own directory, e.g. tar -C ROOT -cf root.tar .";

    // the archive

    /// <param name="what">What is wrong, to follow the archive's name.</param>
    static SlipwayException Invalid(string what, Exception? inner = null) =>
        new("ArchiveInvalid", ErrorKind.InvalidData, what, MakeAnew, null, inner);

    public static SlipwayException Damaged(string why, Exception inner) => Invalid($"is damaged or cut off: {why}", inner);

    public static SlipwayException NotDecompressed(string program, int exit, string said) =>
        Invalid($"is damaged: {program} ended with exit code {exit}: {said}");

    public static SlipwayException NoArchive(IEnumerable<string> compressions) =>
        new("ArchiveInvalid", ErrorKind.InvalidData, "is neither a tar nor a cpio archive, or has no entry",
        $"Give a tar (plain, or {string.Join(", ", compressions)}) or cpio (newc) archive.");

    // an entry

    /// <param name="what">What is wrong, to follow the entry's name.</param>
    public static SlipwayException Unsafe(ArchiveEntry entry, string what) =>
        OfEntry("ArchiveUnsafe", ErrorKind.SecurityError, entry, what, MakeFromRoot);

    public static SlipwayException NotWritten(ArchiveEntry entry, string what) =>
        OfEntry("ArchiveInvalid", ErrorKind.SecurityError, entry, what, MakeFromRoot);

    public static SlipwayException TooMany(ArchiveEntry entry, int most) =>
        OfEntry("ArchiveTooLarge", ErrorKind.LimitsExceeded, entry, $"the archive has more than {most} entries", MakeFromRoot);

    /// <param name="bytes">Of all files together.</param>
    public static SlipwayException TooLarge(ArchiveEntry entry, long bytes, long limit) =>
        OfEntry("ArchiveTooLarge", ErrorKind.LimitsExceeded, entry, $"brings what is unpacked to {bytes} bytes, and the limit is {limit}",
            "If the archive really is that large, set 'size-limit', e.g. 20G.");

    static SlipwayException OfEntry(string id, ErrorKind kind, ArchiveEntry entry, string what, string advice) =>
        new(id, kind, $"entry {entry.Number}, '{Shown(entry.Path)}', {what}", advice);

    public static SlipwayException NoSuchOwner(ArchiveEntry entry, int error) =>
        new("ArchiveOwner", ErrorKind.PermissionDenied,
            $"entry {entry.Number}, '{entry.Path}': belongs to user {entry.Owner} and group {entry.Group}, "
            + $"which the builder's user namespace does not have (errno {error})",
            "Build as root or with more subordinate ids, or make the archive with --owner=0 --group=0.");

    public static SlipwayException UnknownKind(int number, string name, object kind) =>
        new("ArchiveInvalid", ErrorKind.InvalidData, $"entry {number}, '{name}', is of a kind that Slipway does not know ({kind})",
            "Make the archive anew with tar --format=pax and without --sparse.");

    /// <summary>A name that cannot move a terminal's cursor.</summary>
    public static string Shown(string path) => new([.. path.Take(200).Select(c => char.IsControl(c) ? '?' : c)]);
}
