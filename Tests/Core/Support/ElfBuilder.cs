using System.Buffers.Binary;
using System.Text;

namespace Slipway.Tests;

/// <summary>Writes small shared libraries that have what a loader reads, and no code.</summary>
public sealed class ElfBuilder
{
    public bool Is64 { get; init; } = true;
    public bool LittleEndian { get; init; } = true;
    public ushort Machine { get; init; } = 62;
    public string? Soname { get; init; }
    public string? Interpreter { get; init; }
    public string? Runpath { get; init; }
    public string? Rpath { get; init; }
    public string? Auxiliary { get; init; }
    public bool NoDefaultLibraries { get; init; }
    public ushort Type { get; init; } = 3;
    public IReadOnlyList<string> Needed { get; init; } = [];
    public IReadOnlyDictionary<string, string[]> VersionsNeeded { get; init; } = new Dictionary<string, string[]>();
    public IReadOnlyList<string> VersionsDefined { get; init; } = [];
    public IReadOnlyList<string> Exports { get; init; } = [];
    public IReadOnlyList<string> Imports { get; init; } = [];
    public uint X86Isa { get; init; }
    public string? DlopenNote { get; init; }

    readonly List<byte> names = [0];

    public byte[] Build()
    {
        int header = Is64 ? 64 : 52;
        int programHeader = Is64 ? 56 : 32;
        const int Segments = 4;
        int at = header + programHeader * Segments;
        (byte[]? symbols, byte[]? hash) = Symbols();
        byte[] need = Needs();
        byte[] define = Definitions();
        byte[] notes = Notes();
        byte[] interpreter = Bytes(Interpreter is null ? "" : Interpreter + "\0");
        int dynamicSize = (Needed.Count + 15) * (Is64 ? 16 : 8);

        // Names that only the dynamic section has must be in the table before its size is known.
        List<int> needed = Needed.Select(Name).ToList();
        int soname = Soname is null ? 0 : Name(Soname);
        int runpath = Runpath is null ? 0 : Name(Runpath);
        int rpath = Rpath is null ? 0 : Name(Rpath);
        int auxiliary = Auxiliary is null ? 0 : Name(Auxiliary);

        int dynamicAt = Align(at);
        int symbolsAt = Align(dynamicAt + dynamicSize);
        int hashAt = Align(symbolsAt + symbols.Length);
        int needAt = Align(hashAt + hash.Length);
        int defineAt = Align(needAt + need.Length);
        int notesAt = Align(defineAt + define.Length);
        int interpreterAt = Align(notesAt + notes.Length);
        int namesAt = Align(interpreterAt + interpreter.Length);
        byte[] file = new byte[namesAt + names.Count];

        List<(ulong Tag, ulong Value)> dynamic = new List<(ulong Tag, ulong Value)>();
        dynamic.AddRange(needed.Select(n => (1ul, (ulong)n)));
        if (soname != 0) dynamic.Add((14, (ulong)soname));
        if (runpath != 0) dynamic.Add((29, (ulong)runpath));
        if (rpath != 0) dynamic.Add((15, (ulong)rpath));
        if (auxiliary != 0) dynamic.Add((0x7ffffffd, (ulong)auxiliary));
        if (NoDefaultLibraries) dynamic.Add((0x6ffffffb, 0x800));
        dynamic.AddRange([(5, Address(namesAt)), (10, (ulong)names.Count), (6, Address(symbolsAt)), (4, Address(hashAt))]);
        if (need.Length > 0) dynamic.AddRange([(0x6ffffffe, Address(needAt)), (0x6fffffff, (ulong)VersionsNeeded.Count)]);
        if (define.Length > 0) dynamic.AddRange([(0x6ffffffc, Address(defineAt)), (0x6ffffffd, (ulong)VersionsDefined.Count + 1)]);
        dynamic.Add((0, 0));

        file[0] = 0x7f;
        "ELF"u8.CopyTo(file.AsSpan(1));
        file[4] = (byte)(Is64 ? 2 : 1);
        file[5] = (byte)(LittleEndian ? 1 : 2);
        file[6] = 1;
        Put(file, 16, 2, Type);
        Put(file, 18, 2, Machine);
        Put(file, 20, 4, 1);
        Put(file, Is64 ? 32 : 28, Is64 ? 8 : 4, (ulong)header);
        Put(file, Is64 ? 54 : 42, 2, (ulong)programHeader);
        Put(file, Is64 ? 56 : 44, 2, Segments);
        Segment(0, 1, 0, file.Length);
        Segment(1, 2, dynamicAt, dynamicSize);
        Segment(2, notes.Length > 0 ? 4u : 0, notesAt, notes.Length);
        Segment(3, Interpreter is not null ? 3u : 0, interpreterAt, interpreter.Length);
        for (int i = 0; i < dynamic.Count; i++)
        {
            int word = Is64 ? 8 : 4;
            Put(file, dynamicAt + i * 2 * word, word, dynamic[i].Tag);
            Put(file, dynamicAt + i * 2 * word + word, word, dynamic[i].Value);
        }
        symbols.CopyTo(file, symbolsAt);
        hash.CopyTo(file, hashAt);
        need.CopyTo(file, needAt);
        define.CopyTo(file, defineAt);
        notes.CopyTo(file, notesAt);
        interpreter.CopyTo(file, interpreterAt);
        names.CopyTo(file, namesAt);
        return file;

        void Segment(int index, uint type, int offset, int size)
        {
            int entry = header + index * programHeader;
            Put(file, entry, 4, type);
            Put(file, entry + (Is64 ? 8 : 4), Is64 ? 8 : 4, (ulong)offset);
            Put(file, entry + (Is64 ? 16 : 8), Is64 ? 8 : 4, Address(offset));
            Put(file, entry + (Is64 ? 32 : 16), Is64 ? 8 : 4, (ulong)size);
            Put(file, entry + (Is64 ? 48 : 28), Is64 ? 8 : 4, 8);
        }
    }

    // Addresses differ from offsets, so that a reader that mixes them up is found out.
    static ulong Address(int offset) => 0x10000ul + (ulong)offset;

    static int Align(int value) => (value + 7) & ~7;

    byte[] Needs()
    {
        List<byte> result = new List<byte>();
        foreach ((int index, (string? soname, string[]? versions)) in VersionsNeeded.Index())
        {
            byte[] entry = new byte[16 + 16 * versions.Length];
            Put(entry, 0, 2, 1);
            Put(entry, 2, 2, (ulong)versions.Length);
            Put(entry, 4, 4, (ulong)Name(soname));
            Put(entry, 8, 4, 16);
            Put(entry, 12, 4, index + 1 < VersionsNeeded.Count ? (ulong)entry.Length : 0);
            for (int i = 0; i < versions.Length; i++)
            {
                Put(entry, 16 + 16 * i + 8, 4, (ulong)Name(versions[i]));
                Put(entry, 16 + 16 * i + 12, 4, i + 1 < versions.Length ? 16u : 0);
            }
            result.AddRange(entry);
        }
        return [.. result];
    }

    byte[] Definitions()
    {
        if (VersionsDefined.Count == 0)
            return [];
        string[] all = [Soname ?? "base", .. VersionsDefined];
        byte[] result = new byte[28 * all.Length];
        for (int i = 0; i < all.Length; i++)
        {
            Put(result, 28 * i, 2, 1);
            Put(result, 28 * i + 2, 2, i == 0 ? 1u : 0);
            Put(result, 28 * i + 4, 2, (ulong)i + 1);
            Put(result, 28 * i + 6, 2, 1);
            Put(result, 28 * i + 12, 4, 20);
            Put(result, 28 * i + 16, 4, i + 1 < all.Length ? 28u : 0);
            Put(result, 28 * i + 20, 4, (ulong)Name(all[i]));
        }
        return result;
    }

    (byte[] Symbols, byte[] Hash) Symbols()
    {
        int size = Is64 ? 24 : 16;
        // what is imported stands before what is defined, as linkers have it
        string[] all = [.. Imports, .. Exports];
        byte[] symbols = new byte[size * (all.Length + 1)];
        for (int i = 0; i < all.Length; i++)
        {
            Put(symbols, size * (i + 1), 4, (ulong)Name(all[i]));
            symbols[size * (i + 1) + (Is64 ? 4 : 12)] = 0x12;
            Put(symbols, size * (i + 1) + (Is64 ? 6 : 14), 2, i < Imports.Count ? 0u : 1);
        }
        byte[] hash = new byte[8];
        Put(hash, 4, 4, (ulong)all.Length + 1);
        return (symbols, hash);
    }

    byte[] Notes()
    {
        List<byte> result = new List<byte>();
        if (X86Isa != 0)
        {
            byte[] property = new byte[Is64 ? 16 : 12];
            Put(property, 0, 4, 0xc0008002);
            Put(property, 4, 4, 4);
            Put(property, 8, 4, X86Isa);
            AddNote("GNU\0", 5, property);
        }
        if (DlopenNote is not null)
            AddNote("FDO\0", 0x407c0c0a, Bytes(DlopenNote + "\0"));
        return [.. result];

        void AddNote(string owner, uint type, byte[] content)
        {
            byte[] header = new byte[12];
            Put(header, 0, 4, (ulong)owner.Length);
            Put(header, 4, 4, (ulong)content.Length);
            Put(header, 8, 4, type);
            result.AddRange([.. header, .. Bytes(owner), .. content]);
            while (result.Count % 8 != 0)
                result.Add(0);
        }
    }

    int Name(string name)
    {
        int at = names.Count;
        names.AddRange(Bytes(name + "\0"));
        return at;
    }

    static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    void Put(byte[] bytes, int at, int size, ulong value)
    {
        Span<byte> all = stackalloc byte[8];
        if (LittleEndian)
            BinaryPrimitives.WriteUInt64LittleEndian(all, value);
        else
            BinaryPrimitives.WriteUInt64BigEndian(all, value);
        (LittleEndian ? all[..size] : all[(8 - size)..]).CopyTo(bytes.AsSpan(at));
    }
}
