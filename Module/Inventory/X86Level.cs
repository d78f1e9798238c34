using Slipway.Readers;

namespace Slipway.Inventory;

/// <summary>Levels of x86-64 CPUs: x86-64 psABI, 3.1.1; names of flags as Linux writes them (arch/x86/include/asm/cpufeatures.h).</summary>
static class X86Level
{
    /// <summary>The flags of the first CPU stand well within this.</summary>
    const int CpuInfoLimit = 16384;

    static readonly string[][] Flags =
    [
        ["cx16", "lahf_lm", "popcnt", "pni", "ssse3", "sse4_1", "sse4_2"],
        ["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"],
        ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"],
    ];

    /// <summary>1 to 4 by <c>/proc/cpuinfo</c>; null where there is none, or no x86-64.</summary>
    public static int? OfCpu(RootTree files)
    {
        string? line = files.Small("/proc/cpuinfo", CpuInfoLimit)?.Split('\n')
            .FirstOrDefault(l => l.StartsWith("flags", StringComparison.Ordinal));
        HashSet<string>? flags = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToHashSet();
        return flags?.Contains("lm") == true ? 1 + Flags.TakeWhile(level => level.All(flags.Contains)).Count() : null;
    }

    /// <summary>Of the bits of <c>GNU_PROPERTY_X86_ISA_1_NEEDED</c>; 0 where a file says nothing.</summary>
    public static int Of(uint isaNeeded) => isaNeeded == 0 ? 0 : System.Numerics.BitOperations.Log2(isaNeeded) + 1;

    /// <summary>Why a CPU cannot run a file; null where it can, or nothing is known.</summary>
    public static string? Misfit(string what, int needed, int? cpu) =>
        cpu < needed ? $"{what} needs an x86-64-v{needed} CPU, and the node's is x86-64-v{cpu}" : null;
}
