using System.Runtime.InteropServices;
using Slipway.Linux;

namespace Slipway.Readers.Elf;

/// <summary><c>EI_CLASS</c> of elf(5).</summary>
public enum ElfClass { Elf32 = 1, Elf64 = 2 }

/// <summary><c>e_type</c> of elf(5).</summary>
public enum ElfType { None, Relocatable, Executable, SharedObject, Core }

/// <summary>
/// What the dynamic loader would read of one ELF file: elf(5), the generic ABI's chapter 5, and the LSB's chapter on symbol versioning.
/// </summary>
/// <remarks>
/// Everything comes from the program headers and the dynamic section, as in the loader; section headers may be stripped.
/// </remarks>
public sealed class ElfFile
{
    public required string Path { get; init; }

    public required ElfClass Class { get; init; }

    public required bool LittleEndian { get; init; }

    /// <summary><c>e_machine</c>, e.g. 62 for x86-64.</summary>
    public required ushort MachineId { get; init; }

    /// <summary>As <c>uname -m</c> names it, e.g. <c>x86_64</c>; <c>machine-N</c> where nobody gave it a name.</summary>
    public string Machine => ElfMachine.Name(MachineId, Class, LittleEndian);

    public required ElfType Type { get; init; }

    /// <summary><c>PT_INTERP</c>: the loader that the kernel starts; null for a library or a static program.</summary>
    public string? Interpreter { get; init; }

    /// <summary>False for a static program or an object file.</summary>
    public bool IsDynamic { get; init; }

    /// <summary><c>DT_SONAME</c>.</summary>
    public string? Soname { get; init; }

    /// <summary><c>DT_NEEDED</c>, in the file's order.</summary>
    public IReadOnlyList<string> Needed { get; init; } = [];

    /// <summary><c>DT_RPATH</c>, split at colons; the loader ignores it where there is a <see cref="Runpath"/>.</summary>
    public IReadOnlyList<string> Rpath { get; init; } = [];

    /// <summary><c>DT_RUNPATH</c>, split at colons.</summary>
    public IReadOnlyList<string> Runpath { get; init; } = [];

    /// <summary>
    /// <c>DT_AUXILIARY</c> and <c>DT_FILTER</c>: libraries whose symbols stand before the file's own; the loader loads them too.
    /// </summary>
    public IReadOnlyList<string> Filters { get; init; } = [];

    /// <summary><c>DF_1_NODEFLIB</c>: the loader does not look in its default directories.</summary>
    public bool NoDefaultLibraries { get; init; }

    /// <summary>
    /// <c>DT_VERNEED</c>: soname to the versions that must be defined there. Weak ones (<c>VER_FLG_WEAK</c>) are left out: the loader only
    /// warns.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> VersionsNeeded { get; init; } =
        new Dictionary<string, IReadOnlyList<string>>();

    /// <summary><c>DT_VERDEF</c> without the base entry, which is the file's own name.</summary>
    public IReadOnlyList<string> VersionsDefined { get; init; } = [];

    /// <summary>
    /// Bits of <c>GNU_PROPERTY_X86_ISA_1_NEEDED</c> (x86-64 psABI, 2.1): 1 baseline, 2 v2, 4 v3, 8 v4; 0 where the file does not say.
    /// </summary>
    public uint X86IsaNeeded { get; init; }

    /// <summary>JSON texts of <c>.note.dlopen</c>: libraries that the file opens at run time (systemd's ELF_DLOPEN_METADATA).</summary>
    public IReadOnlyList<string> DlopenNotes { get; init; } = [];

    /// <summary>Those of the symbols that <see cref="ReadIfElf"/> was asked about which the file imports; none otherwise.</summary>
    public IReadOnlyList<string> Imports { get; init; } = [];

    /// <summary>Why <see cref="Imports"/> could not be read; null where it could. The rest of such a file can still be used.</summary>
    public string? ImportsFault { get; init; }

    /// <summary>What all these names cost to keep: characters, and some for each name.</summary>
    internal int NamesLength { get; init; }

    /// <exception cref="ElfFormatException">It is no ELF file, or a damaged one.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static ElfFile Read(string path)
    {
        using ElfWindow file = Open(path) ?? throw Empty(path);
        using ElfReader reader = new(file);
        return reader.Read();
    }

    /// <summary>As <see cref="Read"/>, but null for a file that does not begin with the ELF magic number.</summary>
    /// <param name="imports">Symbols that <see cref="Imports"/> is to tell of.</param>
    /// <param name="size">Its size where the caller has just seen that it is a regular file; -1 where not.</param>
    public static ElfFile? ReadIfElf(string path, HashSet<string>? imports = null, long size = -1)
    {
        using ElfWindow? file = size < 0 ? Open(path) : size == 0 ? null : new ElfWindow(path, size);
        if (file is null || file.Length < 4 || !file.Slice(0, 4, "the magic number").SequenceEqual(ElfReader.Magic))
            return null;
        using ElfReader reader = new(file);
        return reader.Read(imports);
    }

    /// <param name="name">What errors call it.</param>
    public static ElfFile Parse(ReadOnlyMemory<byte> bytes, string name)
    {
        using ElfReader reader = new(new ElfWindow(bytes, name));
        return reader.Read();
    }

    /// <summary>
    /// Names of the dynamic symbols that the file defines for others. Read apart from the rest: most questions need none.
    /// </summary>
    /// <exception cref="ElfFormatException">It is no ELF file, or a damaged one.</exception>
    public static IReadOnlyList<string> ReadExports(string path)
    {
        using ElfWindow file = Open(path) ?? throw Empty(path);
        using ElfReader reader = new(file);
        return reader.ReadExports();
    }

    /// <summary>As <see cref="ReadExports(string)"/>, from memory.</summary>
    public static IReadOnlyList<string> ParseExports(ReadOnlyMemory<byte> bytes, string name)
    {
        using ElfReader reader = new(new ElfWindow(bytes, name));
        return reader.ReadExports();
    }

    /// <summary>The text that the first of the given data symbols holds; null where the file defines none of them.</summary>
    /// <exception cref="ElfFormatException">It is no ELF file, or a damaged one.</exception>
    public static string? ReadText(string path, IReadOnlyList<string> symbols, int limit = 256)
    {
        using ElfWindow file = Open(path) ?? throw Empty(path);
        using ElfReader reader = new(file);
        return reader.ReadText(symbols, limit);
    }

    /// <summary>
    /// Those of the given names that the file imports: undefined symbols of its dynamic symbol table. None where it has no such table.
    /// </summary>
    /// <exception cref="ElfFormatException">It is no ELF file, or a damaged one.</exception>
    public static IReadOnlyList<string> ReadImports(string path, HashSet<string> among)
    {
        using ElfWindow file = Open(path) ?? throw Empty(path);
        using ElfReader reader = new(file);
        return reader.ReadImports(among);
    }

    /// <summary>As <see cref="ReadImports(string, HashSet{string})"/>, from memory.</summary>
    public static IReadOnlyList<string> ParseImports(ReadOnlyMemory<byte> bytes, string name, HashSet<string> among)
    {
        using ElfReader reader = new(new ElfWindow(bytes, name));
        return reader.ReadImports(among);
    }

    /// <returns>Null for an empty file, and for a FIFO, socket or device, which has st_size 0 (inode(7)).</returns>
    static ElfWindow? Open(string path)
    {
        int error = stat(path, out statx found);
        if (error != 0)
            throw error == EACCES || error == EPERM ? new UnauthorizedAccessException($"{path}: permission denied")
                : new FileNotFoundException($"{path}: {Marshal.GetPInvokeErrorMessage(error)}", path);
        return found.IsRegular && found.stx_size > 0 ? new ElfWindow(path, (long)found.stx_size) : null;
    }

    static ElfFormatException Empty(string path) => new(path, "it is empty");
}
