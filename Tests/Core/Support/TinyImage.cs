using Slipway.Linux;

namespace Slipway.Tests;

/// <summary>An image of one static busybox: made in milliseconds, knows nothing of Slipway.</summary>
static class TinyImage
{
    static readonly Lazy<string> Shared = new(() => Make(Path.Combine(MakeShared().FullName, "tiny.sqfs")));

    static readonly Lazy<string> Other =
        new(() => Make(Path.Combine(MakeShared().FullName, "published.sqfs"),
            root => System.IO.File.WriteAllText(Path.Combine(root, "etc/published"), Guid.NewGuid().ToString())));

    static DirectoryInfo MakeShared()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("slipway-images-");
        directory.UnixFileMode |= UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => directory.Delete(recursive: true);
        return directory;
    }

    /// <summary>The programs and packages that making one takes.</summary>
    public static readonly string[] Takes = [Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll"];

    /// <summary>In no cache of this machine: tests that publish take another.</summary>
    public static string File => Shared.Value;

    /// <summary>For tests that publish, or try to: whatever cache it gets into, no other test sees it there.</summary>
    public static string Published => Other.Value;

    /// <param name="change">What is different in this one, given its root.</param>
    public static string Make(string path, Action<string>? change = null)
    {
        using TemporaryDirectory work = new();
        string root = Path.Combine(work.Path, "root");
        foreach (string directory in new[] { "bin", "dev", "etc", "home", "proc", "sys", "tmp", "usr", "var" })
            Directory.CreateDirectory(Path.Combine(root, directory));
        string busybox = Path.Combine(root, "bin/busybox");
        System.IO.File.Copy(HostProgram.Find("busybox"), busybox);
        foreach (string applet in new[] { "sh", "ls", "cat", "id", "true", "env", "pwd", "echo", "sleep", "touch", "readlink", "mount",
            "kill", "stat", "grep" })
            System.IO.File.CreateSymbolicLink(Path.Combine(root, "bin", applet), "busybox");
        System.IO.File.WriteAllText(Path.Combine(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
        change?.Invoke(root);
        Pack(root, path);
        return path;
    }

    public static void Pack(string root, string path)
    {
        int exit = HostProgram.Run("mksquashfs",
            [root, path, "-noappend", "-no-progress", "-quiet", "-all-root", "-comp", "zstd", "-Xcompression-level", "1"],
            _ => { }, _ => { });
        Assert.Equal(0, exit);
    }
}
