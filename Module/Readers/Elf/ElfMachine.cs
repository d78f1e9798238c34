namespace Slipway.Readers.Elf;

/// <summary><c>e_machine</c> (elf.h) and the name that <c>uname -m</c> has for it.</summary>
static class ElfMachine
{
    public const ushort S390 = 22;

    public static string Name(ushort machine, ElfClass elfClass, bool littleEndian) => machine switch
    {
        3 => "i686",
        20 => "ppc",
        21 => littleEndian ? "ppc64le" : "ppc64",
        S390 => elfClass == ElfClass.Elf64 ? "s390x" : "s390",
        40 => "armv7l",
        62 => elfClass == ElfClass.Elf64 ? "x86_64" : "x32",
        183 => "aarch64",
        243 => elfClass == ElfClass.Elf64 ? "riscv64" : "riscv32",
        258 => "loongarch64",
        _ => $"machine-{machine}",
    };
}
