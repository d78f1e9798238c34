using System.Buffers.Binary;
using System.Text;

namespace Slipway.Readers.Elf;

/// <summary>Takes an ELF file apart, trusting nothing in it: every offset is checked, every list has an end.</summary>
/// <remarks>Field offsets are those of the structures in elf(5); where both classes are given, 32 bit stands first.</remarks>
sealed class ElfReader : IDisposable
{
    public static ReadOnlySpan<byte> Magic => [0x7f, (byte)'E', (byte)'L', (byte)'F'];

    // Longer than any name a loader could use (PATH_MAX), and short enough that a made-up file cannot fill the memory.
    const int NameLimit = 4096;
    const int SearchPathLimit = 65536;
    const int NeededLimit = 4096;
    // Version indices have 15 bits (LSB, symbol version table).
    const int VersionLimit = 32767;
    // Of all names together, each with what a string costs beside its characters: a short file can have a long name over and over.
    const int NamesLimit = 1 << 20, ExportsLimit = 16 << 20, StringCost = 16;
    const long StringTableLimit = 64L << 20;
    // Far more than any library has; a file with holes could claim billions.
    const ulong SymbolLimit = 1 << 24, SegmentLimit = 1 << 16;

    readonly ElfWindow file;
    readonly ElfWindow names;
    readonly bool is64;
    readonly bool littleEndian;
    readonly ushort machine;
    readonly ushort type;
    readonly List<Segment> segments = [];
    readonly Dynamic dynamic = new();
    readonly List<ulong> needed = [];
    readonly List<ulong> filters = [];
    int named, namedLimit = NamesLimit;

    sealed record Segment(uint Type, ulong Offset, ulong Address, ulong Size, ulong Align);

    /// <summary>The dynamic section: of the tags that are read, which are few, the first of each.</summary>
    sealed class Dynamic
    {
        static readonly ulong[] Known =
            [DT_STRTAB, DT_STRSZ, DT_SONAME, DT_RPATH, DT_RUNPATH, DT_SYMTAB, DT_HASH, DT_GNU_HASH, DT_VERNEED, DT_VERNEEDNUM, DT_VERDEF,
                DT_VERDEFNUM, DT_FLAGS_1];

        readonly ulong[] values = new ulong[Known.Length];
        uint there;

        public bool IsThere { get; private set; }

        public void Add(ulong tag, ulong value)
        {
            IsThere = true;
            int at = Array.IndexOf(Known, tag);
            if (at < 0 || (there & 1u << at) != 0)
                return;
            there |= 1u << at;
            values[at] = value;
        }

        public bool TryGetValue(ulong tag, out ulong value)
        {
            int at = Array.IndexOf(Known, tag);
            value = values[at];
            return (there & 1u << at) != 0;
        }

        public ulong GetValueOrDefault(ulong tag) => TryGetValue(tag, out ulong value) ? value : 0;
    }

    public ElfReader(ElfWindow file)
    {
        this.file = file;
        ReadOnlySpan<byte> ident = file.Slice(0, 16, "the file header");
        if (!ident[..4].SequenceEqual(Magic))
            throw new ElfFormatException(file.Path, "it does not begin with the ELF magic number");
        if (ident[4] is not (1 or 2))
            throw new ElfFormatException(file.Path, $"EI_CLASS is {ident[4]}, not 1 or 2");
        if (ident[5] is not (1 or 2))
            throw new ElfFormatException(file.Path, $"EI_DATA is {ident[5]}, not 1 or 2");
        is64 = ident[4] == 2;
        littleEndian = ident[5] == 1;
        ReadOnlySpan<byte> header = file.Slice(0, is64 ? 64 : 52, "the file header");
        type = U16(header, 16);
        machine = U16(header, 18);
        ReadSegments();
        ReadDynamic();
        names = file.Another();
    }

    public void Dispose() => names.Dispose();

    /// <param name="among">For <see cref="ElfFile.Imports"/>.</param>
    public ElfFile Read(HashSet<string>? among = null)
    {
        (uint isa, List<string>? dlopen) = ReadNotes();
        IReadOnlyList<string> imports = [];
        string? fault = null;
        try
        {
            imports = among is null ? [] : ReadImports(among);
        }
        catch (ElfFormatException e)
        {
            fault = e.Message;
        }
        return new ElfFile
        {
            Path = file.Path,
            Class = is64 ? ElfClass.Elf64 : ElfClass.Elf32,
            LittleEndian = littleEndian,
            MachineId = machine,
            Type = type <= 4 ? (ElfType)type : ElfType.None,
            Interpreter = segments.Find(s => s.Type == PT_INTERP) is { } interpreter
                ? names.Text(interpreter.Offset, Math.Min(interpreter.Size, NameLimit), "the interpreter's name") : null,
            IsDynamic = dynamic.IsThere || needed.Count > 0,
            Soname = dynamic.TryGetValue(DT_SONAME, out ulong soname) ? Name(soname, NameLimit, "DT_SONAME") : null,
            Needed = needed.ConvertAll(n => Name(n, NameLimit, "DT_NEEDED")),
            Filters = filters.ConvertAll(n => Name(n, NameLimit, "DT_AUXILIARY")),
            NoDefaultLibraries = (dynamic.GetValueOrDefault(DT_FLAGS_1) & DF_1_NODEFLIB) != 0,
            Rpath = SearchPath(DT_RPATH, "DT_RPATH"),
            Runpath = SearchPath(DT_RUNPATH, "DT_RUNPATH"),
            VersionsNeeded = ReadVersionsNeeded(),
            VersionsDefined = ReadVersionsDefined(),
            X86IsaNeeded = isa,
            DlopenNotes = dlopen,
            Imports = imports,
            ImportsFault = fault,
            NamesLength = named,
        };
    }

    /// <summary>Defined symbols of the dynamic symbol table, whose length only the hash tables tell.</summary>
    public IReadOnlyList<string> ReadExports()
    {
        if (!dynamic.TryGetValue(DT_SYMTAB, out ulong address))
            return [];
        ulong table = Locate(address, "DT_SYMTAB");
        ulong count = CountSymbols();
        List<string> exports = new List<string>();
        namedLimit = ExportsLimit;
        LimitSymbols(count);
        for (ulong i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> symbol = file.Slice(table + i * (is64 ? 24u : 16u), is64 ? 24 : 16, "a dynamic symbol");
            uint name = U32(symbol, 0);
            int binding = symbol[is64 ? 4 : 12] >> 4;
            ushort section = U16(symbol, is64 ? 6 : 14);
            if (section == SHN_UNDEF || binding is not (STB_GLOBAL or STB_WEAK or STB_GNU_UNIQUE) || name == 0)
                continue;
            exports.Add(Name(name, SearchPathLimit, "a symbol's name"));
        }
        return exports;
    }

    /// <summary>
    /// The first of the given symbols that the file defines as data, read as a text that ends with a zero byte; null where it defines none.
    /// </summary>
    /// <param name="limit">Bytes; a longer text is cut.</param>
    public string? ReadText(IReadOnlyList<string> symbols, int limit)
    {
        if (!dynamic.TryGetValue(DT_SYMTAB, out ulong address))
            return null;
        ulong table = Locate(address, "DT_SYMTAB");
        ulong count = CountSymbols();
        namedLimit = int.MaxValue; // none of them is kept
        LimitSymbols(count);
        for (ulong i = 0; i < count; i++)
        {
            named = 0;
            ReadOnlySpan<byte> symbol = file.Slice(table + i * (is64 ? 24u : 16u), is64 ? 24 : 16, "a dynamic symbol");
            (uint name, ushort section) = (U32(symbol, 0), U16(symbol, is64 ? 6 : 14));
            (ulong value, ulong size) = (Word(symbol, 4, 8), Word(symbol, 8, 16));
            if (section == SHN_UNDEF || name == 0 || size == 0 || !symbols.Contains(Name(name, SearchPathLimit, "a symbol's name")))
                continue;
            return names.Text(Locate(value, "a symbol"), Math.Min(size, (ulong)limit), "a symbol's text");
        }
        return null;
    }

    /// <summary>
    /// Undefined symbols of the dynamic symbol table, as far as their names are among the given ones. A GNU hash table holds only what is
    /// defined, and what it holds stands last: so nothing behind its first symbol needs a look.
    /// </summary>
    public IReadOnlyList<string> ReadImports(HashSet<string> among)
    {
        if (!dynamic.TryGetValue(DT_SYMTAB, out ulong address) || !dynamic.TryGetValue(DT_STRTAB, out ulong strings)
            || !dynamic.TryGetValue(DT_STRSZ, out ulong size))
            return [];
        ulong table = Locate(address, "DT_SYMTAB");
        ulong count = dynamic.TryGetValue(DT_GNU_HASH, out ulong gnu)
            ? Math.Max(U32(file.Slice(Locate(gnu, "DT_GNU_HASH"), 16, "DT_GNU_HASH"), 4), CountUnhashed(address)) : CountSymbols();
        LimitSymbols(count);
        // names lie all over the table: in one piece they are read once
        ReadOnlySpan<byte> text = names.Whole(Locate(strings, "DT_STRTAB"), Math.Min(size, StringTableLimit), "the string table");
        HashSet<string>.AlternateLookup<ReadOnlySpan<char>> wanted = among.GetAlternateLookup<ReadOnlySpan<char>>();
        HashSet<string> imports = new HashSet<string>(StringComparer.Ordinal);
        Span<char> name = stackalloc char[128];
        for (ulong i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> symbol = file.Slice(Add(table, i * (is64 ? 24u : 16u), "a dynamic symbol"), is64 ? 24 : 16,
                "a dynamic symbol");
            uint at = U32(symbol, 0);
            if (U16(symbol, is64 ? 6 : 14) != SHN_UNDEF || at == 0 || at >= text.Length)
                continue;
            ReadOnlySpan<byte> rest = text.Slice((int)at, (int)Math.Min(text.Length - at, name.Length));
            int length = rest.IndexOf((byte)0);
            if (length > 0 && Encoding.ASCII.TryGetChars(rest[..length], name, out int written)
                && wanted.TryGetValue(name[..written], out string? import))
                imports.Add(import);
        }
        return [.. imports];
    }

    /// <summary>
    /// Where nothing is defined the GNU hash table is empty, and its first symbol means nothing: linkers then write 1, and the symbol table
    /// ends where the string table begins (they put them in that order).
    /// </summary>
    ulong CountUnhashed(ulong symbols)
    {
        ReadOnlySpan<byte> header = file.Slice(Locate(dynamic.GetValueOrDefault(DT_GNU_HASH), "DT_GNU_HASH"), 16, "DT_GNU_HASH");
        ulong strings = dynamic.GetValueOrDefault(DT_STRTAB);
        return U32(header, 4) <= 1 && strings > symbols ? (strings - symbols) / (is64 ? 24u : 16u) : 0;
    }

    void ReadSegments()
    {
        ReadOnlySpan<byte> header = file.Slice(0, is64 ? 64 : 52, "the file header");
        ulong offset = Word(header, 28, 32);
        ulong sections = Word(header, 32, 40);
        ushort entrySize = U16(header, is64 ? 54 : 42);
        ulong count = U16(header, is64 ? 56 : 44);
        // PN_XNUM: the true number is in sh_info of the first section header.
        if (count == 0xffff && sections != 0)
            count = U32(file.Slice(sections, is64 ? 64 : 40, "the first section header"), is64 ? 44 : 28);
        if (count == 0 || offset == 0)
            return;
        if (entrySize != (is64 ? 56 : 32))
            throw new ElfFormatException(file.Path, $"e_phentsize is {entrySize}");
        for (ulong i = 0; i < Math.Min(count, SegmentLimit); i++)
        {
            ReadOnlySpan<byte> entry = file.Slice(Add(offset, i * entrySize, "a program header"), entrySize, "a program header");
            Segment segment = new Segment(U32(entry, 0), Word(entry, 4, 8), Word(entry, 8, 16), Word(entry, 16, 32), Word(entry, 28, 48));
            if (segment.Type is PT_LOAD or PT_DYNAMIC or PT_INTERP or PT_NOTE)
                segments.Add(segment);
        }
    }

    void ReadDynamic()
    {
        int entrySize = is64 ? 16 : 8;
        if (segments.Find(s => s.Type == PT_DYNAMIC) is { } segment)
            for (ulong at = 0; at + (ulong)entrySize <= segment.Size; at += (ulong)entrySize)
            {
                ReadOnlySpan<byte> entry = file.Slice(Add(segment.Offset, at, "the dynamic section"), entrySize, "the dynamic section");
                (ulong tag, ulong value) = (Word(entry, 0, 0), Word(entry, 4, 8));
                if (tag == DT_NULL)
                    return;
                if (tag is not (DT_NEEDED or DT_AUXILIARY or DT_FILTER))
                    dynamic.Add(tag, value);
                else if (needed.Count + filters.Count < NeededLimit)
                    (tag == DT_NEEDED ? needed : filters).Add(value);
                else
                    throw new ElfFormatException(file.Path, $"it needs more than {NeededLimit} libraries");
            }
    }

    Dictionary<string, IReadOnlyList<string>> ReadVersionsNeeded()
    {
        Dictionary<string, IReadOnlyList<string>> result = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        if (!dynamic.TryGetValue(DT_VERNEED, out ulong address))
            return result;
        ulong at = Locate(address, "DT_VERNEED");
        int total = 0;
        for (ulong left = dynamic.GetValueOrDefault(DT_VERNEEDNUM); left > 0; left--)
        {
            ReadOnlySpan<byte> need = file.Slice(at, 16, "a needed version");
            (ushort count, uint fileName, uint next) = (U16(need, 2), U32(need, 4), U32(need, 12));
            ulong aux = Add(at, U32(need, 8), "a needed version");
            List<string> versions = new List<string>();
            for (; count > 0; count--)
            {
                CountVersion(ref total);
                ReadOnlySpan<byte> entry = file.Slice(aux, 16, "a needed version");
                (ushort flags, uint nameOffset, uint step) = (U16(entry, 4), U32(entry, 8), U32(entry, 12));
                if ((flags & VER_FLG_WEAK) == 0)
                    versions.Add(Name(nameOffset, NameLimit, "a needed version's name"));
                if (step == 0)
                    break;
                aux = Add(aux, step, "a needed version");
            }
            CountVersion(ref total);
            string soname = Name(fileName, NameLimit, "DT_VERNEED");
            result[soname] = result.TryGetValue(soname, out IReadOnlyList<string>? earlier) ? [.. earlier, .. versions] : versions;
            if (next == 0)
                break;
            at = Add(at, next, "a needed version");
        }
        return result;
    }

    List<string> ReadVersionsDefined()
    {
        List<string> result = new List<string>();
        if (!dynamic.TryGetValue(DT_VERDEF, out ulong address))
            return result;
        ulong at = Locate(address, "DT_VERDEF");
        int total = 0;
        for (ulong left = dynamic.GetValueOrDefault(DT_VERDEFNUM); left > 0; left--)
        {
            CountVersion(ref total);
            ReadOnlySpan<byte> definition = file.Slice(at, 20, "a defined version");
            (ushort flags, ushort count, uint next) = (U16(definition, 2), U16(definition, 6), U32(definition, 16));
            ulong aux = Add(at, U32(definition, 12), "a defined version");
            // The first name is the version's own, those after it are its parents'.
            if ((flags & VER_FLG_BASE) == 0 && count > 0)
                result.Add(Name(U32(file.Slice(aux, 8, "a defined version"), 0), NameLimit, "a defined version's name"));
            if (next == 0)
                break;
            at = Add(at, next, "a defined version");
        }
        return result;
    }

    /// <summary>
    /// Notes are advice that no loader depends on: a damaged one ends the list, and is no reason to call the file unusable.
    /// </summary>
    (uint Isa, List<string> Dlopen) ReadNotes()
    {
        uint isa = 0;
        List<string> dlopen = new List<string>();
        foreach (Segment? segment in segments.Where(s => s.Type == PT_NOTE))
        {
            ulong align = segment.Align == 8 ? 8ul : 4ul;
            for (ulong at = 0; at + 12 <= segment.Size && Inside(segment, at, 12);)
            {
                ReadOnlySpan<byte> header = file.Slice(segment.Offset + at, 12, "a note");
                (uint nameSize, uint size, uint kind) = (U32(header, 0), U32(header, 4), U32(header, 8));
                ulong body = at + Round(12ul + nameSize, align);
                if (nameSize > 16 || size > NameLimit || !Inside(segment, body, size))
                    break;
                string owner = Encoding.ASCII.GetString(file.Slice(segment.Offset + at + 12, (int)nameSize, "a note")).TrimEnd('\0');
                ReadOnlySpan<byte> content = file.Slice(segment.Offset + body, (int)size, "a note");
                if (owner == "GNU" && kind == NT_GNU_PROPERTY_TYPE_0)
                    isa |= IsaNeeded(content);
                else if (owner == "FDO" && kind == NT_FDO_DLOPEN && dlopen.Count < NeededLimit)
                    dlopen.Add(Encoding.UTF8.GetString(content).TrimEnd('\0'));
                at = Round(body + size, align);
            }
        }
        return (isa, dlopen);
    }

    bool Inside(Segment segment, ulong at, ulong size) =>
        at <= segment.Size && size <= segment.Size - at && segment.Offset <= (ulong)file.Length
        && at <= (ulong)file.Length - segment.Offset && size <= (ulong)file.Length - segment.Offset - at;

    /// <summary>Properties are (pr_type, pr_datasz, data), padded to a word: Linux extensions to the generic ABI.</summary>
    uint IsaNeeded(ReadOnlySpan<byte> properties)
    {
        while (properties.Length >= 8)
        {
            (uint kind, uint size) = (U32(properties, 0), U32(properties, 4));
            if (size > (uint)properties.Length - 8)
                break;
            if (kind == GNU_PROPERTY_X86_ISA_1_NEEDED && size >= 4)
                return U32(properties, 8);
            properties = properties[(int)Math.Min((ulong)properties.Length, 8 + Round(size, is64 ? 8ul : 4ul))..];
        }
        return 0;
    }

    ulong CountSymbols()
    {
        if (dynamic.TryGetValue(DT_GNU_HASH, out ulong gnu))
            return CountByGnuHash(Locate(gnu, "DT_GNU_HASH"));
        if (!dynamic.TryGetValue(DT_HASH, out ulong hash))
            return 0;
        // The words of this table have 64 bits on s390x (and Alpha), against the generic ABI.
        bool wide = is64 && machine == ElfMachine.S390;
        ReadOnlySpan<byte> header = file.Slice(Locate(hash, "DT_HASH"), wide ? 16 : 8, "DT_HASH");
        return wide ? U64(header, 8) : U32(header, 4);
    }

    /// <summary>The last symbol is the end of the chain of the highest bucket; 0 where nothing is hashed.</summary>
    ulong CountByGnuHash(ulong table)
    {
        ReadOnlySpan<byte> header = file.Slice(table, 16, "DT_GNU_HASH");
        (uint buckets, uint first, uint bloom) = (U32(header, 0), U32(header, 4), U32(header, 8));
        ulong at = table + 16 + bloom * (is64 ? 8ul : 4ul);
        ulong last = 0;
        LimitSymbols(buckets);
        for (uint i = 0; i < buckets; i++)
            last = Math.Max(last, U32(file.Slice(at + i * 4ul, 4, "DT_GNU_HASH"), 0));
        if (last < first || last == 0)
            return 0;
        ulong chain = at + buckets * 4ul;
        while ((U32(file.Slice(chain + (last - first) * 4, 4, "DT_GNU_HASH"), 0) & 1) == 0)
            LimitSymbols(++last);
        return last + 1;
    }

    string[] SearchPath(ulong tag, string what) =>
        dynamic.TryGetValue(tag, out ulong offset)
            ? Name(offset, SearchPathLimit, what).Split(':', StringSplitOptions.RemoveEmptyEntries)
            : [];

    string Name(ulong offset, int limit, string what)
    {
        if (!dynamic.TryGetValue(DT_STRTAB, out ulong address) || !dynamic.TryGetValue(DT_STRSZ, out ulong size))
            throw new ElfFormatException(file.Path, $"{what} names something, but there is no string table");
        if (offset >= size)
            throw new ElfFormatException(file.Path, $"{what} is outside the string table");
        string name = names.Text(Add(Locate(address, "DT_STRTAB"), offset, what), Math.Min(size - offset, (ulong)limit), what);
        return (named += name.Length + StringCost) <= namedLimit
            ? name : throw new ElfFormatException(file.Path, "its names are longer than any file has them");
    }

    /// <summary>Where an address of the loaded file lies in the file.</summary>
    ulong Locate(ulong address, string what)
    {
        foreach (Segment segment in segments)
            if (segment.Type == PT_LOAD && address >= segment.Address && address - segment.Address < segment.Size)
                return Add(segment.Offset, address - segment.Address, what);
        throw new ElfFormatException(file.Path, $"{what} has the address 0x{address:x}, which no segment holds");
    }

    void LimitSymbols(ulong count)
    {
        if (count > SymbolLimit)
            throw new ElfFormatException(file.Path, $"it claims more than {SymbolLimit} symbols");
    }

    void CountVersion(ref int total)
    {
        if (++total > VersionLimit)
            throw new ElfFormatException(file.Path, $"it has more than {VersionLimit} versions");
    }

    ulong Add(ulong offset, ulong distance, string what) =>
        offset <= ulong.MaxValue - distance ? offset + distance
        : throw new ElfFormatException(file.Path, $"{what} has an impossible offset");

    static ulong Round(ulong value, ulong to) => (value + to - 1) & ~(to - 1);

    ushort U16(ReadOnlySpan<byte> bytes, int at) =>
        littleEndian ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]) : BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);

    uint U32(ReadOnlySpan<byte> bytes, int at) =>
        littleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]) : BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);

    ulong U64(ReadOnlySpan<byte> bytes, int at) =>
        littleEndian ? BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]) : BinaryPrimitives.ReadUInt64BigEndian(bytes[at..]);

    ulong Word(ReadOnlySpan<byte> bytes, int at32, int at64) => is64 ? U64(bytes, at64) : U32(bytes, at32);

    // elf.h's own names.
#pragma warning disable CA1707
    const uint PT_LOAD = 1, PT_DYNAMIC = 2, PT_INTERP = 3, PT_NOTE = 4;
    const ulong DT_NULL = 0, DT_NEEDED = 1, DT_HASH = 4, DT_STRTAB = 5, DT_SYMTAB = 6, DT_STRSZ = 10, DT_SONAME = 14, DT_RPATH = 15,
        DT_RUNPATH = 29, DT_GNU_HASH = 0x6ffffef5, DT_VERDEF = 0x6ffffffc, DT_VERDEFNUM = 0x6ffffffd, DT_VERNEED = 0x6ffffffe,
        DT_VERNEEDNUM = 0x6fffffff, DT_FLAGS_1 = 0x6ffffffb, DT_AUXILIARY = 0x7ffffffd, DT_FILTER = 0x7fffffff, DF_1_NODEFLIB = 0x800;
    const int VER_FLG_BASE = 1, VER_FLG_WEAK = 2, SHN_UNDEF = 0, STB_GLOBAL = 1, STB_WEAK = 2, STB_GNU_UNIQUE = 10;
    const uint NT_GNU_PROPERTY_TYPE_0 = 5, NT_FDO_DLOPEN = 0x407c0c0a, GNU_PROPERTY_X86_ISA_1_NEEDED = 0xc0008002;
#pragma warning restore CA1707
}
