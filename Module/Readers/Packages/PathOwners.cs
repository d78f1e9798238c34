using System.Text;

namespace Slipway.Readers.Packages;

/// <summary>The package of each path, by 64-bit hashes: a host has some hundred thousand files, of which a few thousand are asked for.</summary>
/// <remarks>
/// A table of its own, with open addressing, and pointers: a Dictionary with such keys, and spans, are compiled anew, or not inlined, in each session's first
/// call.
/// </remarks>
sealed unsafe class PathOwners
{
    // a power of two, at most half of it in use
    ulong[] keys = new ulong[1 << 19];
    InstalledPackage?[] owners = new InstalledPackage?[1 << 19];
    int count;

    /// <summary>One path a line; a path that is there already stays the first one's.</summary>
    public void AddLines(ReadOnlySpan<byte> list, InstalledPackage package)
    {
        while (list.Length > 0)
        {
            int end = list.IndexOf((byte)'\n');
            Add(Hash(end < 0 ? list : list[..end]), package);
            list = end < 0 ? [] : list[(end + 1)..];
        }
    }

    public InstalledPackage? Find(string path) => owners[Slot(Hash(Encoding.UTF8.GetBytes(path)))];

    void Add(ulong key, InstalledPackage package)
    {
        int at = Slot(key);
        if (owners[at] is not null)
            return;
        (keys[at], owners[at]) = (key, package);
        if (++count > keys.Length / 2)
            Grow();
    }

    int Slot(ulong key)
    {
        int mask = keys.Length - 1;
        int at = (int)(key >> 20) & mask;
        while (owners[at] is not null && keys[at] != key)
            at = (at + 1) & mask;
        return at;
    }

    void Grow()
    {
        (ulong[]? oldKeys, InstalledPackage?[]? oldOwners) = (keys, owners);
        (keys, owners) = (new ulong[oldKeys.Length * 2], new InstalledPackage?[oldKeys.Length * 2]);
        for (int i = 0; i < oldKeys.Length; i++)
            if (oldOwners[i] is { } owner)
            {
                int at = Slot(oldKeys[i]);
                (keys[at], owners[at]) = (oldKeys[i], owner);
            }
    }

    /// <summary>FNV-1a (Fowler, Noll, Vo), eight bytes at a time.</summary>
    static ulong Hash(ReadOnlySpan<byte> text)
    {
        const ulong Prime = 0x100000001b3;
        ulong hash = 0xcbf29ce484222325 ^ (ulong)text.Length;
        fixed (byte* first = text)
        {
            byte* at = first, end = first + text.Length;
            for (; end - at >= 8; at += 8)
            {
                hash = (hash ^ *(ulong*)at) * Prime;
                hash ^= hash >> 29;
            }
            for (; at < end; at++)
                hash = (hash ^ *at) * Prime;
        }
        return hash;
    }
}
