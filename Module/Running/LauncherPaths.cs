namespace Slipway.Running;

/// <summary>
/// Paths that the launcher hands to its ranks in variables: session directories, sockets, host files. They are visible at the same path.
/// </summary>
static class LauncherPaths
{
    static readonly string[] Prefixes =
        ["PMIX_", "PMI_", "OMPI_", "PRTE_", "ORTE_", "SLURM_", "PBS_", "SGE_", "PE_", "LSB_", "LS_", "FLUX_", "PALS_", "HYDRA_", "HYDI_",
            "I_MPI_", "MPICH_", "SLINGSHOT_"];

    static readonly string[] Names = ["TMPDIR", "TMP", "TEMP", "XDG_RUNTIME_DIR", "KRB5CCNAME", "SSH_AUTH_SOCK"];

    /// <summary>Never covered by the host's: they are what an image is made of.</summary>
    static readonly string[] OfTheImage =
        ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/var/lib", "/boot", "/.slipway",
            "/.singularity.d"];

    /// <summary>True for a directory of the host that may stand at the same path in an image without covering one of its own.</summary>
    public static bool MayBeBound(string path) =>
        path.Count(c => c == '/') >= 1 && path is not ("/" or "/var" or "/run" or "/mnt" or "/media" or "/srv")
        && !Array.Exists(OfTheImage, top => IsBelow(path, top));

    public static bool IsBelow(string path, string directory) =>
        path.StartsWith(directory, StringComparison.Ordinal)
        && (path.Length == directory.Length || path[directory.Length] == '/' || directory == "/");

    /// <summary>The variable, and the path that it holds.</summary>
    public static IEnumerable<(string Variable, string Path)> Find()
    {
        foreach (System.Collections.DictionaryEntry pair in Environment.GetEnvironmentVariables())
        {
            string name = (string)pair.Key, value = (string)pair.Value!;
            if (!Names.Contains(name) && !Array.Exists(Prefixes, p => name.StartsWith(p, StringComparison.Ordinal)))
                continue;
            // local:///run/… (Flux), FILE:/tmp/… (Kerberos)
            int scheme = value.IndexOf(":/", StringComparison.Ordinal);
            if (scheme > 0)
                value = "/" + value[(scheme + 1)..].TrimStart('/');
            if (value.Length > 1 && value[0] == '/' && !value.Contains(':') && Path.Exists(value) && MayBeBound(Path.GetFullPath(value)))
                yield return (name, Path.GetFullPath(value));
        }
    }
}
