using System.Buffers.Binary;
using System.Text;

namespace Slipway.Readers;

/// <param name="ForSomeProcessors">It lies in a directory of glibc-hwcaps.</param>
sealed record LoaderCacheEntry(string Path, bool ForSomeProcessors);

/// <summary>
/// <c>/etc/ld.so.cache</c>: soname to the files that have it (glibc's sysdeps/generic/dl-cache.h: <c>struct cache_file_new</c>, <c>struct
/// file_entry_new</c>).
/// </summary>
/// <remarks>What an entry says of its file's machine is not used: the file itself says it, and is read anyhow.</remarks>
sealed class LoaderCache
{
    /// <summary>Bytes; that of a host with everything installed has half a megabyte.</summary>
    public const int SizeLimit = 8 << 20;

    const int HeaderSize = 48, EntrySize = 24, OldHeaderSize = 16, OldEntrySize = 12, NameLimit = 4096;

    // of all names together: entries may share one
    const int NamesLimit = 16 << 20;

    static ReadOnlySpan<byte> OldMagic => "ld.so-1.7.0\0"u8;
    static ReadOnlySpan<byte> Magic => "glibc-ld.so.cache1.1"u8;

    readonly Dictionary<string, List<LoaderCacheEntry>> entries = new(StringComparer.Ordinal);

    /// <summary>In the loader's order of preference; those for some processors only (glibc-hwcaps) are marked.</summary>
    public IReadOnlyList<LoaderCacheEntry> Find(string soname) => entries.TryGetValue(soname, out List<LoaderCacheEntry>? found)
        ? found : [];

    /// <exception cref="InvalidDataException">It is no such file, or a damaged one; the message says what is off.</exception>
    public static LoaderCache Parse(ReadOnlySpan<byte> file)
    {
        if (file.Length > SizeLimit)
            throw new InvalidDataException($"it has {file.Length} bytes");
        if (file.StartsWith(OldMagic) && file.Length >= OldHeaderSize)
        {
            // the format of libc5's time stands before ours, for programs that know no other
            ulong skip = OldHeaderSize + BinaryPrimitives.ReadUInt32LittleEndian(file[12..]) * (ulong)OldEntrySize;
            skip = (skip + 7) & ~7ul;
            if (skip > (ulong)file.Length)
                throw new InvalidDataException("its first table is longer than the file");
            file = file[(int)skip..];
        }
        if (file.Length < HeaderSize || !file.StartsWith(Magic))
            throw new InvalidDataException("it does not begin as a cache of glibc does");
        // flags: 2 little-endian, 3 big-endian, 0 of a glibc that did not say
        bool big = (file[28] & 3) == 3;
        uint count = Word(file, 20, big);
        if (count > (ulong)(file.Length - HeaderSize) / EntrySize)
            throw new InvalidDataException($"it says that it has {count} entries, and is shorter than those");
        LoaderCache cache = new();
        int named = 0;
        for (int i = 0; i < (int)count; i++)
        {
            ReadOnlySpan<byte> entry = file.Slice(HeaderSize + i * EntrySize, EntrySize);
            (string? name, string? path) = (Text(file, Word(entry, 4, big)), Text(file, Word(entry, 8, big)));
            if ((named += name.Length + path.Length + EntrySize) > NamesLimit)
                throw new InvalidDataException($"its names come to more than {NamesLimit} characters");
            uint hwcap = Word(entry, 16, big) | Word(entry, 20, big);
            if (!cache.entries.TryGetValue(name, out List<LoaderCacheEntry>? found))
                cache.entries[name] = found = [];
            found.Add(new LoaderCacheEntry(path, hwcap != 0));
        }
        return cache;
    }

    static uint Word(ReadOnlySpan<byte> bytes, int at, bool big) =>
        big ? BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]) : BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    static string Text(ReadOnlySpan<byte> file, uint offset)
    {
        int end = offset < file.Length ? file[(int)offset..].IndexOf((byte)0) : -1;
        return end is >= 0 and <= NameLimit ? Encoding.UTF8.GetString(file.Slice((int)offset, end))
            : throw new InvalidDataException($"a name at offset {offset} has no end");
    }
}
