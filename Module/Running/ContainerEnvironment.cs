using System.Text;
using Slipway.Shared;

namespace Slipway.Running;

/// <summary>The environment of a rank: the launcher's, less a listed set, plus the image's, the plan's and the user's.</summary>
static class ContainerEnvironment
{
    public static readonly string DefaultPath = Encoding.UTF8.GetString(RankTables.DefaultPath);

    static readonly HashSet<string> Dropped = [.. Encoding.UTF8.GetString(RankTables.Dropped).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries)];

    /// <summary>The variables of ours that a container does not get.</summary>
    public static IEnumerable<string> DroppedHere() => Dropped.Where(name => name != "PATH" && Environment.GetEnvironmentVariable(name) is not null).Order(StringComparer.Ordinal);

    /// <summary>True for a variable that changes what a program of the host does before its own code runs: ld.so(8), mallopt(3), iconv(1), setlocale(3).</summary>
    public static bool IsOfTheLoader(string assignment) =>
        assignment.StartsWith("LD_", StringComparison.Ordinal) || assignment.StartsWith("GLIBC_", StringComparison.Ordinal) || assignment.StartsWith("MALLOC_", StringComparison.Ordinal)
        || assignment[..assignment.IndexOf('=', StringComparison.Ordinal)] is "GCONV_PATH" or "LOCPATH" or "NLSPATH" or "TZDIR" or "TZ" or "LOCALDOMAIN" or "RES_OPTIONS" or "HOSTALIASES" or "RESOLV_HOST_CONF" or "GETCONF_DIR" or "NIS_PATH";

    /// <param name="ours">The launcher's environment.</param>
    public static List<string> Build(HolderEntry entry, RunRequest request, System.Collections.IDictionary ours)
    {
        Dictionary<string, string> variables = new(StringComparer.Ordinal) { ["PATH"] = DefaultPath };
        foreach (System.Collections.DictionaryEntry pair in ours)
            if (!Dropped.Contains((string)pair.Key))
                variables[(string)pair.Key] = (string)pair.Value!;
        foreach (string assignment in entry.Environment)
            if (assignment.IndexOf('=', StringComparison.Ordinal) is > 0 and var at)
                variables[assignment[..at]] = assignment[(at + 1)..];
        foreach ((string name, string value, _) in request.Variables)
            variables[name] = value;
        List<string> list = new(variables.Count);
        foreach ((string name, string value) in variables)
            list.Add(name + "=" + value);
        return list;
    }
}
