using Slipway.Linux;
using Slipway.Readers.Elf;

namespace Slipway.Tests.Readers;

/// <summary>The ways into a file; what is read of it is for <see cref="ElfReaderTests"/>.</summary>
public sealed class ElfFileTests : IDisposable
{
    readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    static ElfBuilder Library() => new()
    {
        Soname = "liba.so.1", Needed = ["libb.so.2", "libc.so.6"], Runpath = "/x:/y", Exports = ["a_open"],
        Imports = ["iconv_open", "tzset"],
    };

    [Fact]
    public void AFileIsReadByItsName()
    {
        string path = directory.Write("liba.so.1.0", Library().Build());
        ElfFile file = ElfFile.Read(path);
        Assert.Equal(path, file.Path);
        Assert.Equal((ElfClass.Elf64, ElfType.SharedObject, (ushort)62, "x86_64"), (file.Class, file.Type, file.MachineId, file.Machine));
        Assert.True(file.LittleEndian && file.IsDynamic);
        Assert.Equal("liba.so.1", file.Soname);
        Assert.Equal(["libb.so.2", "libc.so.6"], file.Needed);
        Assert.Equal(["/x", "/y"], file.Runpath);
        Assert.Empty(file.Rpath);
        Assert.Null(file.Interpreter);
        Assert.Equal(["a_open"], ElfFile.ReadExports(path));
        Assert.Equal(["tzset"], ElfFile.ReadImports(path, ["tzset", "a_open"]));
    }

    [Fact]
    public void ImportsAreReadOnlyWhereSomebodyAsks()
    {
        string path = directory.Write("liba.so.1.0", Library().Build());
        Assert.Empty(ElfFile.ReadIfElf(path)!.Imports);
        Assert.Equal(["iconv_open"], ElfFile.ReadIfElf(path, ["iconv_open"])!.Imports);
        Assert.Equal(["iconv_open"], ElfFile.ReadIfElf(path, ["iconv_open"], new FileInfo(path).Length)!.Imports);
        Assert.Null(ElfFile.ReadIfElf(path, ["iconv_open"], 0));
    }

    /// <summary>To open a FIFO would wait for its writer.</summary>
    [Fact]
    public void WhatIsNoRegularFileIsNone()
    {
        string fifo = Path.Combine(directory.Path, "fifo");
        Assert.Equal(0, HostProgram.Run("mkfifo", [fifo]));
        foreach (string path in new[] { fifo, directory.Path, "/dev/null" })
        {
            Assert.Null(ElfFile.ReadIfElf(path));
            Assert.Contains(path, Assert.Throws<ElfFormatException>(() => ElfFile.Read(path)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ThreeBytesOfTheMagicNumberAreNoElfFile()
    {
        Assert.Null(ElfFile.ReadIfElf(directory.Write("short", "\u007fEL"u8.ToArray())));
        Assert.Throws<ElfFormatException>(() => ElfFile.ReadIfElf(directory.Write("magic", "\u007fELF"u8.ToArray())));
    }

    [Fact]
    public void AFileThatIsNotThereIsToldOf()
    {
        string path = Path.Combine(directory.Path, "nowhere.so");
        Assert.Contains(path, Assert.Throws<FileNotFoundException>(() => ElfFile.Read(path)).Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => ElfFile.ReadIfElf(path));
        Assert.Throws<FileNotFoundException>(() => ElfFile.ReadExports(path));
    }

    /// <summary>Open MPI keeps its version in such a symbol.</summary>
    [NeedsFact("gcc")]
    public void TheTextOfASymbolIsRead()
    {
        directory.Write("a.c", "const char first[] = \"one\", second[] = \"two and more\"; int a(void) { return 0; }");
        string path = Path.Combine(directory.Path, "liba.so");
        Assert.Equal(0, HostProgram.Run("gcc", ["-shared", "-fPIC", "-nostdlib", "-o", path, Path.Combine(directory.Path, "a.c")]));
        Assert.Equal("two and more", ElfFile.ReadText(path, ["second"]));
        Assert.Contains(ElfFile.ReadText(path, ["first", "second"]), (string[])["one", "two and more"]);
        Assert.Null(ElfFile.ReadText(path, ["third"]));
        Assert.Throws<ElfFormatException>(() => ElfFile.ReadText(path, ["second"], limit: 3));
    }
}
