namespace Slipway.Building.Archives;

/// <summary>What an entry of an archive is.</summary>
enum ArchiveKind { File, Directory, SymbolicLink, HardLink, Fifo, Device, Socket }

/// <summary>One entry, as the archive has it: nothing of it is trusted.</summary>
/// <param name="Number">Its place in the archive, from 1.</param>
/// <param name="Target">Of a link.</param>
/// <param name="Mode">Permission bits, with set-id and sticky.</param>
/// <param name="Modified">Seconds since 1970.</param>
/// <param name="Size">Bytes of a file, as the entry's header says.</param>
/// <param name="Content">Of a file; to be read before the next entry is asked for.</param>
sealed record ArchiveEntry(int Number, string Path, ArchiveKind Kind, string? Target, uint Mode, uint Owner, uint Group, long Modified,
    long Size, Stream? Content)
{
    /// <summary>Inode number of a cpio entry that has more than one name; null where it has but one.</summary>
    public string? Shared { get; init; }

    /// <summary>
    /// Extended attributes, as pax names and writes them (<c>SCHILY.xattr.NAME</c> of star(1) and GNU tar); none for other formats.
    /// </summary>
    public IEnumerable<KeyValuePair<string, string>> Attributes { get; init; } = [];
}
