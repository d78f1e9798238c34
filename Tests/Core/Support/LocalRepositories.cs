using System.Diagnostics;

namespace Slipway.Tests;

/// <summary>Signed repositories with two tiny distributions in them (repositories.sh), made once for all tests.</summary>
static class LocalRepositories
{
    /// <summary>What making them, and building from them, takes.</summary>
    public static readonly string[] DebTakes =
        [Needs.Launcher, "bash", "gpg", "dpkg-deb", "apt-ftparchive", "rpmbuild", "rpmsign", "createrepo_c", "busybox", "mmdebstrap",
            "mksquashfs", "unsquashfs", "newuidmap", "curl"];

    public static readonly string[] RpmTakes = [.. DebTakes, "dnf", "rpmkeys"];

    static readonly Lazy<string> Made = new(Make);

    public static string Path => Made.Value;

    /// <summary>URL of a repository, e.g. <c>rpm/site</c>.</summary>
    public static string Url(string name) => $"file://{Path}/{name}";

    public static string Key(string name) => $"{Path}/{name}.asc";

    static string Make()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("slipway-repositories-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => directory.Delete(recursive: true);
        directory.UnixFileMode |= UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        using Process process = Process.Start(
            new ProcessStartInfo("bash", [System.IO.Path.Combine(AppContext.BaseDirectory, "Support", "repositories.sh"),
                directory.FullName]) { RedirectStandardError = true })!;
        string said = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, said);
        return directory.FullName;
    }
}
