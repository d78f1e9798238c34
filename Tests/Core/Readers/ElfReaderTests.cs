using System.Diagnostics;
using System.Text.RegularExpressions;
using Slipway.Readers.Elf;

namespace Slipway.Tests.Readers;

public sealed partial class ElfReaderTests
{
    static ElfBuilder Sample(bool is64 = true, bool littleEndian = true, ushort machine = 62) => new()
    {
        Is64 = is64,
        LittleEndian = littleEndian,
        Machine = machine,
        Soname = "libsample.so.1",
        Needed = ["libibverbs.so.1", "libc.so.6"],
        Runpath = "$ORIGIN/../lib:/opt/x",
        VersionsNeeded = new Dictionary<string, string[]> { ["libibverbs.so.1"] = ["IBVERBS_1.1", "IBVERBS_PRIVATE_34"],
            ["libc.so.6"] = ["GLIBC_2.14"] },
        VersionsDefined = ["SAMPLE_1.0", "SAMPLE_1.1"],
        Exports = ["sample_open", "sample_close"],
        Imports = ["getpwnam", "iconv_open"],
        Rpath = "/opt/old",
        Auxiliary = "libaux.so",
        NoDefaultLibraries = true,
        X86Isa = 4,
        DlopenNote = """[{"soname":["libx.so.1"]}]""",
        Interpreter = "/lib64/ld-linux-x86-64.so.2",
    };

    [Theory]
    [InlineData(true, true, 62, "x86_64")]
    [InlineData(true, true, 183, "aarch64")]
    [InlineData(true, false, 22, "s390x")]
    [InlineData(false, true, 3, "i686")]
    [InlineData(false, false, 20, "ppc")]
    public void ReadsBothClassesAndByteOrders(bool is64, bool littleEndian, int machine, string name)
    {
        ElfFile elf = ElfFile.Parse(Sample(is64, littleEndian, (ushort)machine).Build(), "sample");

        Assert.Equal(is64 ? ElfClass.Elf64 : ElfClass.Elf32, elf.Class);
        Assert.Equal(littleEndian, elf.LittleEndian);
        Assert.Equal(name, elf.Machine);
        Assert.Equal(ElfType.SharedObject, elf.Type);
        Assert.Equal("libsample.so.1", elf.Soname);
        Assert.Equal("/lib64/ld-linux-x86-64.so.2", elf.Interpreter);
        Assert.Equal(["libibverbs.so.1", "libc.so.6"], elf.Needed);
        Assert.Equal(["$ORIGIN/../lib", "/opt/x"], elf.Runpath);
        Assert.Equal(["/opt/old"], elf.Rpath);
        Assert.Equal(["libaux.so"], elf.Filters);
        Assert.True(elf.NoDefaultLibraries);
        Assert.Equal(["IBVERBS_1.1", "IBVERBS_PRIVATE_34"], elf.VersionsNeeded["libibverbs.so.1"]);
        Assert.Equal(["GLIBC_2.14"], elf.VersionsNeeded["libc.so.6"]);
        Assert.Equal(["SAMPLE_1.0", "SAMPLE_1.1"], elf.VersionsDefined);
        Assert.Equal(4u, elf.X86IsaNeeded);
        Assert.Equal(["""[{"soname":["libx.so.1"]}]"""], elf.DlopenNotes);
    }

    [Fact]
    public void ReadsExports() =>
        Assert.Equal(["sample_open", "sample_close"], ElfFile.ParseExports(Sample().Build(), "sample"));

    [Theory]
    [InlineData(true, true), InlineData(false, false)]
    public void ReadsThoseImportsThatAreAskedFor(bool is64, bool littleEndian) =>
        Assert.Equal(["iconv_open"], ElfFile.ParseImports(
            Sample(is64, littleEndian).Build(), "sample", ["iconv_open", "sample_open", "tzset"]));

    [Theory]
    [MemberData(nameof(RealLibraries))]
    public void ImportsAreThoseOfReadelf(string path)
    {
        if (Run("readelf", "--dyn-syms", "-W", path) is not { } expected)
            return;
        HashSet<string> undefined = UndefinedLine().Matches(expected).Select(m => m.Groups[1].Value).ToHashSet();
        Assert.Equal(undefined.Order(), ElfFile.ReadImports(path, [.. undefined, .. ElfFile.ReadExports(path)]).Distinct().Order());
    }

    [Fact]
    public void AFileAndItsBytesReadTheSame()
    {
        using TemporaryDirectory directory = new TemporaryDirectory();
        string path = directory.Write("libsample.so.1", Sample().Build());
        Assert.Equal(ElfFile.Parse(File.ReadAllBytes(path), path).VersionsDefined, ElfFile.Read(path).VersionsDefined);
        Assert.Equal(["sample_open", "sample_close"], ElfFile.ReadExports(path));
    }

    [Fact]
    public void WhatIsNoElfFileIsNullOrAnErrorThatNamesIt()
    {
        using TemporaryDirectory directory = new TemporaryDirectory();
        string text = directory.Write("script", "#!/bin/sh\n"u8.ToArray());
        string empty = directory.Write("empty.so", []);
        Assert.Null(ElfFile.ReadIfElf(text));
        Assert.Null(ElfFile.ReadIfElf(empty));
        Assert.Contains(text, Assert.Throws<ElfFormatException>(() => ElfFile.Read(text)).Message);
        Assert.Contains(empty, Assert.Throws<ElfFormatException>(() => ElfFile.Read(empty)).Message);
    }

    [Fact]
    public void AnyTruncationIsATypedErrorOrReads()
    {
        byte[] whole = Sample().Build();
        for (int length = 0; length < whole.Length; length++)
            AssertSafe(whole.AsMemory(0, length));
    }

    [Fact]
    public void AnyChangedByteIsATypedErrorOrReads()
    {
        foreach (byte[]? whole in new[] { Sample().Build(), Sample(is64: false, littleEndian: false, machine: 20).Build() })
            for (int at = 0; at < whole.Length; at++)
                foreach (byte value in (byte[])[0, 1, 0x7f, 0x80, 0xff])
                {
                    byte[] changed = whole.ToArray();
                    changed[at] = value;
                    AssertSafe(changed);
                }
    }

    [Fact]
    public void AnyWordThatIsAnExtremeIsATypedErrorOrReads()
    {
        using TemporaryDirectory directory = new TemporaryDirectory();
        foreach (byte[]? whole in new[] { Sample().Build(), Sample(is64: false, littleEndian: false, machine: 20).Build() })
            // headers, tables, offsets and counts have 2, 4 or 8 bytes, and are aligned to them
            foreach (int size in (int[])[2, 4, 8])
                foreach (ulong value in (ulong[])[0, 1, (ulong)whole.Length - 1, (ulong)whole.Length,
                    0x7ffffffffffffffful >> (64 - 8 * size), ulong.MaxValue - 7, ulong.MaxValue])
                    for (int at = 0; at + size <= whole.Length; at += size)
                    {
                        byte[] changed = whole.ToArray();
                        for (int i = 0; i < size; i++)
                            changed[at + i] = (byte)(value >> (8 * (whole[5] == 1 ? i : size - 1 - i)));
                        AssertSafe(changed);
                    }
    }

    [Theory]
    [MemberData(nameof(RealLibraries))]
    public void AnyWordOfARealLibrarysTablesThatIsAnExtremeIsATypedErrorOrReads(string path)
    {
        byte[] whole = File.ReadAllBytes(path);
        // the file's header, all program headers, the dynamic section; and the heads of the tables that it leads to, such as those of its
        // hash table
        List<int> words = [.. Enumerable.Range(0, 16 + 14 * 14).Select(i => 4 * i)];
        int headers = BitConverter.ToInt32(whole, 32);
        for (int i = 0; i < BitConverter.ToUInt16(whole, 56); i++)
            if (BitConverter.ToUInt32(whole, headers + 56 * i) == 2)
                for ((int at, int end) = (BitConverter.ToInt32(whole, headers + 56 * i + 8),
                    BitConverter.ToInt32(whole, headers + 56 * i + 8) + BitConverter.ToInt32(whole, headers + 56 * i + 32));
                    at < end; at += 8)
                {
                    words.Add(at);
                    if (BitConverter.ToUInt64(whole, at) is var target && target < (ulong)whole.Length - 32)
                        words.AddRange(Enumerable.Range(0, 8).Select(w => (int)target / 4 * 4 + 4 * w));
                }
        foreach (int at in words.Distinct())
            foreach (uint value in (uint[])[0, 1, 0x7fffffff, 0xffffffff, (uint)whole.Length])
            {
                byte[] before = whole[at..(at + 4)];
                BitConverter.TryWriteBytes(whole.AsSpan(at), value);
                AssertSafe(whole);
                before.CopyTo(whole, at);
            }
    }

    [Fact]
    public void CountsOfBillionsInAFileWithHolesEnd()
    {
        using TemporaryDirectory directory = new TemporaryDirectory();
        byte[] whole = Sample().Build();
        // DT_HASH's second word counts the symbols: it is the one word that is their number
        uint count = (uint)(Sample().Exports.Count + Sample().Imports.Count + 1);
        int at = Enumerable.Range(0, whole.Length / 4).Select(i => 4 * i)
            .Last(i => BitConverter.ToUInt32(whole, i) == count && BitConverter.ToUInt32(whole, i - 4) == 0);
        BitConverter.TryWriteBytes(whole.AsSpan(at), 0xffffffffu);
        // the first segment, which holds all, goes as far as the file
        BitConverter.TryWriteBytes(whole.AsSpan(64 + 32), 1L << 40);
        string path = directory.Write("libholes.so", whole);
        using (FileStream file = File.OpenWrite(path))
            file.SetLength(1L << 40);
        Assert.Contains("symbols", Assert.Throws<ElfFormatException>(() => ElfFile.ReadExports(path)).Message);
        Assert.Contains("symbols", ElfFile.ReadIfElf(path, ["iconv_open"])!.ImportsFault);
    }

    [Theory]
    [MemberData(nameof(RealLibraries))]
    public void ADamagedRealLibraryIsATypedErrorOrReads(string path)
    {
        byte[] whole = File.ReadAllBytes(path);
        for (int length = 0; length < whole.Length; length += 1 + whole.Length / 500)
            AssertSafe(whole.AsMemory(0, length));
        Random random = new Random(20261121);
        for (int i = 0; i < 500; i++)
        {
            byte[] changed = whole.ToArray();
            for (int flips = 0; flips < 8; flips++)
                changed[random.Next(Math.Min(changed.Length, 16384))] ^= (byte)(1 << random.Next(8));
            AssertSafe(changed);
        }
    }

    [Fact]
    public void ChainsThatGoOnForEverEnd()
    {
        byte[] library = new ElfBuilder { Soname = "liblong.so.1", VersionsDefined = Enumerable.Range(0, 40000).Select(i => $"V_{i}")
            .ToArray() }.Build();
        Assert.Contains("versions", Assert.Throws<ElfFormatException>(() => ElfFile.Parse(library, "liblong.so.1")).Message);
    }

    [Theory]
    [MemberData(nameof(RealLibraries))]
    public void AgreesWithReadelf(string path)
    {
        if (Run("readelf", "-d", "-V", "-W", path) is not { } expected)
            return;
        ElfFile elf = ElfFile.Read(path);

        Assert.Equal(NeededLine().Matches(expected).Select(m => m.Groups[1].Value), elf.Needed);
        Assert.Equal(SonameLine().Match(expected) is { Success: true } s ? s.Groups[1].Value : null, elf.Soname);
        string definitions = Between(expected, "Version definition section", "Version needs section");
        Assert.Equal(DefinedLine().Matches(definitions).Where(m => m.Groups[1].Value != "BASE").Select(m => m.Groups[2].Value),
            elf.VersionsDefined);
        string needs = Between(expected, "Version needs section", "Version definition section");
        Assert.Equal(NeededVersionLine().Matches(needs).Select(m => m.Groups[1].Value).Order(),
            elf.VersionsNeeded.SelectMany(v => v.Value).Order());
    }

    public static TheoryData<string> RealLibraries()
    {
        TheoryData<string> data = new TheoryData<string>();
        foreach (string name in (string[])["libc.so.6", "libm.so.6", "libstdc++.so.6", "libibverbs.so.1", "libmlx5.so.1", "libgcc_s.so.1"])
            foreach (string directory in (string[])["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64"])
                if (File.Exists($"{directory}/{name}"))
                    data.Add($"{directory}/{name}");
        return data;
    }

    static void AssertSafe(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            ElfFile.Parse(bytes, "damaged");
            ElfFile.ParseExports(bytes, "damaged");
            ElfFile.ParseImports(bytes, "damaged", ["iconv_open"]);
        }
        catch (ElfFormatException e)
        {
            Assert.StartsWith("damaged: ", e.Message);
        }
    }

    static string Between(string text, string from, string to)
    {
        int start = text.IndexOf(from, StringComparison.Ordinal);
        if (start < 0)
            return "";
        int end = text.IndexOf(to, start, StringComparison.Ordinal);
        return end < 0 ? text[start..] : text[start..end];
    }

    static string? Run(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
            return process.StandardOutput.ReadToEnd();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    [GeneratedRegex(@" UND ([^@\s]+)")] private static partial Regex UndefinedLine();

    [GeneratedRegex(@"\(NEEDED\).*\[(.*)\]")]
    private static partial Regex NeededLine();

    [GeneratedRegex(@"\(SONAME\).*\[(.*)\]")]
    private static partial Regex SonameLine();

    [GeneratedRegex(@"Rev: \d+  Flags: (\S+).*  Name: (\S+)")]
    private static partial Regex DefinedLine();

    [GeneratedRegex(@"  Name: (\S+)  Flags: (?!WEAK)")]
    private static partial Regex NeededVersionLine();
}
