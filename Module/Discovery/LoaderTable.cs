using Slipway.Readers.Elf;

namespace Slipway.Discovery;

/// <summary>What a dynamic loader takes as given on one machine.</summary>
/// <param name="Machine">As <c>uname -m</c> names it.</param>
/// <param name="Interpreters">Where the loader of a library lies that no program was named for: glibc's, then musl's (their ABI
/// documents).</param>
/// <param name="Triplet">Debian's name for its library directories (multiarch specification).</param>
/// <param name="Platforms">What <c>$PLATFORM</c> may stand for: AT_PLATFORM, and what glibc before 2.37 made of it on some processors
/// (ld.so(8)).</param>
sealed record LoaderRow(string Machine, IReadOnlyList<string> Interpreters, string Triplet, IReadOnlyList<string> Platforms);

static class LoaderTable
{
    public static IReadOnlyList<LoaderRow> Rows { get; } =
    [
        new("x86_64", ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"], "x86_64-linux-gnu", ["x86_64", "haswell", "xeon_phi"]),
        new("x32", ["/libx32/ld-linux-x32.so.2"], "x86_64-linux-gnux32", ["x86_64", "haswell", "xeon_phi"]),
        new("i686", ["/lib/ld-linux.so.2", "/lib/ld-musl-i386.so.1"], "i386-linux-gnu", ["i686", "i586", "i486", "i386"]),
        new("aarch64", ["/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-aarch64.so.1"], "aarch64-linux-gnu", ["aarch64"]),
        new("armv7l", ["/lib/ld-linux-armhf.so.3", "/lib/ld-musl-armhf.so.1"], "arm-linux-gnueabihf", ["v7l", "v8l"]),
        new("ppc64le", ["/lib64/ld64.so.2", "/lib/ld-musl-powerpc64le.so.1"], "powerpc64le-linux-gnu", ["power8", "power9", "power10"]),
        new("s390x", ["/lib/ld64.so.1", "/lib/ld-musl-s390x.so.1"], "s390x-linux-gnu", ["z13", "z14", "z15", "z16"]),
        new("riscv64", ["/lib/ld-linux-riscv64-lp64d.so.1", "/lib/ld-musl-riscv64.so.1"], "riscv64-linux-gnu", []),
    ];

    public static LoaderRow For(ElfFile elf) => Rows.FirstOrDefault(r => r.Machine == elf.Machine)
        ?? new LoaderRow(elf.Machine, [], elf.Machine + "-linux-gnu", [elf.Machine]);

    /// <summary>
    /// The directory below which glibc finds what fits better to some processors (<c>DIR/glibc-hwcaps/x86-64-v3/NAME</c>).
    /// </summary>
    public const string Hwcaps = "glibc-hwcaps";

    public const string Cache = "/etc/ld.so.cache";

    /// <summary>Libraries that musl's loader is itself (ldso/dynlink.c: <c>reserved</c>).</summary>
    public static readonly IReadOnlyList<string> MuslItself = ["libc", "libpthread", "librt", "libm", "libdl", "libutil", "libxnet"];

    /// <summary>Where musl looks when <c>/etc/ld-musl-MACHINE.path</c> is not there.</summary>
    public static readonly IReadOnlyList<string> MuslDirectories = ["/lib", "/usr/local/lib", "/usr/lib"];
}
