using System.Globalization;
using Slipway.Images;
using Slipway.Linux;

namespace Slipway.Running;

/// <summary><c>slipway run</c>: finds the container of this step on this node, joins it, and becomes the application.</summary>
internal static unsafe class ContainerRunner
{
    /// <summary>Never returns but by an error: the process becomes the command.</summary>
    public static int Run(string[] arguments)
    {
        RunRequest request = RunRequest.Parse(arguments);
        ImageIdentity image = ImageIdentity.Find(request.Image);
        string step = StepKey.Find(request.Job, out string stepReason);
        string key = string.Join('\n', HolderEntry.Version, step, image.Given, image.Stamp, request.ContainerOptions, OutsideDirectory());
        if (request.Explain)
            Explain(image, step, stepReason);

        HolderFiles files = new(RuntimeDirectory.Open(), RuntimeDirectory.NameOf(key));
        HolderEntry entry = HolderClient.Join(files, key, () => Start(request, image, files, key, arguments));
        Become(entry, request);
        return 125;
    }

    /// <summary>The working directory where it decides what the container must show: below home and /tmp all ranks share one.</summary>
    static string OutsideDirectory()
    {
        string directory = Environment.CurrentDirectory, home = Environment.GetEnvironmentVariable("HOME") ?? "";
        return LauncherPaths.IsBelow(directory, "/tmp") || (home.Length > 1 && LauncherPaths.IsBelow(directory, home)) ? "" : directory;
    }

    static void Start(RunRequest request, ImageIdentity image, HolderFiles files, string key, string[] arguments)
    {
        (string path, _) = image.Locate();
        int mount = -1;
        if (image.IsDirectory)
            mount = LibC.open_tree(LibC.AT_FDCWD, path, LibC.OPEN_TREE_CLOEXEC);
        else
            SquashFsSuperblock.Read(path);
        HolderBirth.Start([files.Directory, files.Name, key, path, .. arguments], image.IsDirectory ? null : path, mount);
    }

    static void Explain(ImageIdentity image, string step, string reason)
    {
        (string path, string? digest) = image.Locate();
        Console.Error.WriteLine($"image      {path} ({digest ?? image.Stamp})");
        Console.Error.WriteLine($"mount      {(image.IsDirectory ? "the unpacked directory" : "squashfuse_ll")}");
        Console.Error.WriteLine($"step key   {step} (from {reason})");
    }

    static void Become(HolderEntry entry, RunRequest request)
    {
        string[] command = request.Command.Length > 0 ? request.Command
            : entry.Runscript is { } script ? [script]
            : throw new SlipwayException("NoRunscript", ErrorKind.ObjectNotFound, $"{request.Image}: the image has no runscript, and no command was given", "Name a command: slipway run IMAGE -- CMD…", request.Image) { ExitCode = 125 };
        string directory = Environment.CurrentDirectory;
        if (!entry.Visible.Exists(v => LauncherPaths.IsBelow(directory, v)))
            directory = "/";
        string nsenter = HostProgram.Find("nsenter");
        byte** argv = NativeStrings.Vector(["nsenter", "--target", entry.Pid.ToString(CultureInfo.InvariantCulture), "--user", "--mount", "--preserve-credentials", $"--wdns={directory}", "--", .. command]);
        byte** envp = NativeStrings.Vector(ContainerEnvironment.Build(entry, request));
        LibC.prctl(LibC.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        LibC.signal(LibC.SIGPIPE, 0); // .NET's runtime ignores it, and what is ignored stays so over an exec
        LibC.execve(NativeStrings.Of(nsenter), argv, envp);
        throw new SlipwayException("ExecFailed", ErrorKind.InvalidOperation, $"{nsenter}: cannot be started (errno {LibC.errno})", null, nsenter) { ExitCode = 126 };
    }
}
