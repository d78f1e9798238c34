namespace Slipway.Linux;

/// <summary>What can go wrong with programs, directories and libraries of the host.</summary>
static class LinuxErrors
{
    static string Install(string deb, string rpm) => $"Install it: apt-get install {deb} (Debian family), dnf install {rpm} (RPM family).";

    /// <param name="package">The packages that have it, by family; null where that is not known.</param>
    public static SlipwayException ProgramNotFound(string name, (string Deb, string Rpm)? package) =>
        new("ProgramNotFound", ErrorKind.NotInstalled, $"{name}: this program is not on the PATH",
            package is var (deb, rpm) ? Install(deb, rpm) : "Install it, or give its absolute path.", name) { ExitCode = 127 };

    public static SlipwayException LibraryNotFound(string name, string deb, string rpm, Exception e) =>
        new("ProgramNotFound", ErrorKind.NotInstalled, $"{name} is not there", Install(deb, rpm), name, e);

    public static SlipwayException ProgramNotStarted(string path, Exception e) =>
        new("ProgramNotStarted", ErrorKind.InvalidOperation, $"{path}: {e.Message}", null, path, e);

    /// <param name="most">In bytes.</param>
    public static SlipwayException OutputTooLarge(string program, IEnumerable<string> arguments, long most) =>
        new("ProgramOutputTooLarge", ErrorKind.LimitsExceeded, $"{program}: its answer is longer than {most} bytes",
            $"See what '{program} {string.Join(' ', arguments)}' says.", program);

    public static SlipwayException SlipwayNotFound(string directory) =>
        new("LauncherNotFound", ErrorKind.NotInstalled, $"the launcher 'slipway' is neither in {directory}bin nor on the PATH",
            "Build it: ./bootstrap.sh build (build.ps1 Build), or put it on the PATH.", "slipway");

    public static SlipwayException DigestFailed(string path) =>
        new("DigestFailed", ErrorKind.ReadError, $"{path}: sha256sum could not read it", null, path);

    public static SlipwayException DatabaseInvalid(string path, int error, string? said) =>
        new("DatabaseInvalid", ErrorKind.InvalidData, $"{path}: sqlite3 error {error}: {said}", null, path);

    public static SlipwayException TextInvalid(string text) =>
        new("TextInvalid", ErrorKind.InvalidData,
            $"'{text.Replace("\0", "\\0")}': a path, an argument or a variable cannot contain a null character",
                "Remove that character.", text);

    /// <param name="others">The places that were tried too.</param>
    public static SlipwayException RuntimeDirectoryNotOurs(string path, IEnumerable<string> others) =>
        new("RuntimeDirectoryNotOurs", ErrorKind.SecurityError,
            $"{path}: the runtime directory belongs to somebody else, or others may enter it, "
            + $"and no other place can be had ({string.Join(", ", others)})",
            "Have it removed, or set XDG_RUNTIME_DIR to a directory of your own with mode 0700.", path);

    public static SlipwayException NoRuntimeDirectory(string path, int error) =>
        new("NoRuntimeDirectory", ErrorKind.WriteError, $"{path}: the runtime directory cannot be made (errno {error})",
            "Check that /tmp has space and is writable.", path);
}
