using System.Runtime.InteropServices;
using System.Text;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Running;

/// <summary>The environment of a rank (<see cref="RankEnvironment"/>), and the variables that it takes care with.</summary>
static unsafe class ContainerEnvironment
{
    public static readonly string DefaultPath = Encoding.UTF8.GetString(RankTables.DefaultPath);

    static readonly HashSet<string> Dropped =
        [.. Encoding.UTF8.GetString(RankTables.Dropped).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries)];

    /// <summary>The variables of ours that a container does not get.</summary>
    public static IEnumerable<string> DroppedHere() =>
        Dropped.Where(name => name != "PATH" && Environment.GetEnvironmentVariable(name) is not null).Order(StringComparer.Ordinal);

    /// <summary>
    /// True for a variable that changes what a program of the host does before its own code runs: ld.so(8), mallopt(3), iconv(1),
    /// setlocale(3).
    /// </summary>
    public static bool IsOfTheLoader(string assignment) =>
        assignment.StartsWith("LD_", StringComparison.Ordinal) || assignment.StartsWith("GLIBC_", StringComparison.Ordinal)
        || assignment.StartsWith("MALLOC_", StringComparison.Ordinal)
        || assignment[..assignment.IndexOf('=', StringComparison.Ordinal)] is "GCONV_PATH" or "LOCPATH" or "NLSPATH" or "TZDIR" or "TZ"
        or "LOCALDOMAIN" or "RES_OPTIONS" or "HOSTALIASES" or "RESOLV_HOST_CONF" or "GETCONF_DIR" or "NIS_PATH";

    /// <param name="ours">The launcher's environment, as environ(7) has it.</param>
    public static List<string> Build(HolderEntry entry, RunRequest request, byte** ours)
    {
        List<string> sets = ["PATH=" + DefaultPath, .. entry.Environment, .. request.Variables.Select(v => $"{v.Name}={v.Value}")];
        int most = sets.Count + 1;
        while (ours[most - sets.Count - 1] != null)
            most++;
        byte** result = (byte**)NativeMemory.Alloc((nuint)most * (nuint)sizeof(byte*));
        RankEnvironment.Make(result, NativeStrings.Vector(sets), ours);
        List<string> list = [];
        for (byte** variable = result; *variable != null; variable++)
            list.Add(Marshal.PtrToStringUTF8((nint)(*variable))!);
        NativeMemory.Free(result);
        return list;
    }
}
