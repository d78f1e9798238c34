namespace Slipway.Running;

/// <summary>What a rank becomes, and where.</summary>
static class ContainerCommand
{
    /// <exception cref="SlipwayException">No command was given, and the image has no runscript.</exception>
    public static string[] Of(HolderEntry entry, RunRequest request) =>
        request.Shell ? ["/bin/sh", "-c", """if [ -x /bin/bash ]; then exec /bin/bash "$@"; fi; exec /bin/sh "$@" """.TrimEnd()
            , "sh", .. request.Command]
        : request.Command.Length > 0 ? request.Command
        : entry.Runscript is { } script ? [script]
        : throw RunningErrors.NoRunscript(request.Image);

    /// <summary>Where we are, if that is to be seen inside; else the root.</summary>
    public static string Directory(HolderEntry entry) =>
        entry.Visible.Exists(v => LauncherPaths.IsBelow(Environment.CurrentDirectory, v)) ? Environment.CurrentDirectory : "/";
}
