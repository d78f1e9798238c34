using System.Buffers.Binary;
using System.Text;

namespace Slipway.Readers.Packages;

/// <summary>
/// The package of each path, by 64-bit hashes: a host has some hundred thousand files, of which a few thousand are asked for.
/// </summary>
/// <remarks>Lists of 150,000 paths are read in a twentieth of a second; most of them are never made a string.</remarks>
sealed class PathOwners
{
    readonly Dictionary<ulong, InstalledPackage> owners = new(1 << 18);

    /// <summary>One path a line; a path that is there already stays the first one's.</summary>
    public void AddLines(ReadOnlySpan<byte> list, InstalledPackage package)
    {
        while (list.Length > 0)
        {
            int end = list.IndexOf((byte)'\n');
            owners.TryAdd(Hash(end < 0 ? list : list[..end]), package);
            list = end < 0 ? [] : list[(end + 1)..];
        }
    }

    public InstalledPackage? Find(string path) => owners.GetValueOrDefault(Hash(Encoding.UTF8.GetBytes(path)));

    /// <summary>FNV-1a (Fowler, Noll, Vo), eight bytes at a time.</summary>
    static ulong Hash(ReadOnlySpan<byte> text)
    {
        const ulong Prime = 0x100000001b3;
        ulong hash = 0xcbf29ce484222325 ^ (ulong)text.Length;
        for (; text.Length >= 8; text = text[8..])
        {
            hash = (hash ^ BinaryPrimitives.ReadUInt64LittleEndian(text)) * Prime;
            hash ^= hash >> 29;
        }
        foreach (byte b in text)
            hash = (hash ^ b) * Prime;
        return hash;
    }
}
