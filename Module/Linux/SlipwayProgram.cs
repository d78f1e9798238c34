namespace Slipway.Linux;

/// <summary>Where the native launcher <c>slipway</c> is: the module starts it for whatever needs a namespace.</summary>
public static class SlipwayProgram
{
    static string? path;

    /// <summary>The full launcher's name where the small program that each rank starts lies beside it as <c>slipway</c>.</summary>
    const string FullName = "slipway-full";

    /// <summary>
    /// Absolute path of <c>slipway</c>. In the launcher itself, its own, or the small program's beside it; in the module,
    /// <c>bin/slipway</c> beside the assemblies.
    /// </summary>
    /// <exception cref="SlipwayException">It is not installed with the module.</exception>
    public static string Path
    {
        get => path ??= Locate();
        set => path = value;
    }

    /// <summary>The small program that each rank starts, where it lies beside this process's full launcher; else null.</summary>
    public static string? Front { get; } = Environment.ProcessPath is { } self && System.IO.Path.GetFileName(self) == FullName
        && System.IO.Path.Combine(System.IO.Path.GetDirectoryName(self)!, "slipway") is var beside && File.Exists(beside) ? beside : null;

    /// <summary>The same; null where it is not installed with the module.</summary>
    internal static string? TryPath
    {
        get
        {
            try
            {
                return Path;
            }
            catch (SlipwayException)
            {
                return null;
            }
        }
    }

    static string Locate()
    {
        if (Environment.ProcessPath is { } self && System.IO.Path.GetFileName(self).StartsWith("slipway", StringComparison.Ordinal))
            return Front ?? self;
        string directory = AppDirectory();
        foreach (string candidate in new[] { "bin/slipway", "../bin/slipway" })
            if (System.IO.Path.GetFullPath(candidate, directory) is { } found && File.Exists(found))
                return found;
        return HostProgram.TryFind("slipway") ?? throw LinuxErrors.SlipwayNotFound(directory);
    }

    // The single-file warning does not apply: in the native launcher the method has returned before.
    [System.Diagnostics.CodeAnalysis.UnconditionalSuppressMessage(
        "SingleFile", "IL3000", Justification = "only reached where assemblies are files")]
    static string AppDirectory() =>
        typeof(SlipwayProgram).Assembly.Location is { Length: > 0 } location ? System.IO.Path.GetDirectoryName(location)! + "/"
        : AppContext.BaseDirectory;
}
