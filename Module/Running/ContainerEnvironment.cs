namespace Slipway.Running;

/// <summary>The environment of a rank: the launcher's, less a listed set, plus the image's, the plan's and the user's.</summary>
internal static class ContainerEnvironment
{
    public const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>
    /// What speaks of the host's files and would mislead the image's programs: search paths of loader and shells, and prefixes of the host's MPI.
    /// Everything else is kept.
    /// </summary>
    static readonly HashSet<string> Dropped =
    [
        "PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT", "BASH_ENV", "ENV", "PYTHONHOME",
        "OPAL_PREFIX", "OPAL_LIBDIR", "PMIX_PREFIX", "PRTE_PREFIX", "OMPI_MCA_mca_base_component_path", "OMPI_MCA_mca_component_path", "MPIR_CVAR_HOME", "I_MPI_ROOT",
        "LOCPATH", "GCONV_PATH", "NLSPATH", "TERMINFO", "FI_PROVIDER_PATH", "RDMAV_DRIVERS", "IBV_DRIVERS", "UCX_MODULE_DIR",
    ];

    /// <summary>The variables of ours that a container does not get.</summary>
    public static IEnumerable<string> DroppedHere() => Dropped.Where(name => name != "PATH" && Environment.GetEnvironmentVariable(name) is not null).Order(StringComparer.Ordinal);

    public static List<string> Build(HolderEntry entry, RunRequest request)
    {
        Dictionary<string, string> variables = new(StringComparer.Ordinal) { ["PATH"] = DefaultPath };
        foreach (System.Collections.DictionaryEntry pair in Environment.GetEnvironmentVariables())
            if (!Dropped.Contains((string)pair.Key))
                variables[(string)pair.Key] = (string)pair.Value!;
        foreach (string assignment in entry.Environment)
            if (assignment.IndexOf('=', StringComparison.Ordinal) is > 0 and var at)
                variables[assignment[..at]] = assignment[(at + 1)..];
        foreach ((string name, string value) in request.Variables)
            variables[name] = value;
        List<string> list = new(variables.Count);
        foreach ((string name, string value) in variables)
            list.Add(name + "=" + value);
        return list;
    }
}
