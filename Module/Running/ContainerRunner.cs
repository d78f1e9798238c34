using System.Globalization;
using Slipway.Linux;

namespace Slipway.Running;

/// <summary><c>slipway run</c>: finds the container of this step on this node, joins it, and becomes the application.</summary>
internal static unsafe class ContainerRunner
{
    /// <summary>Never returns but by an error: the process becomes the command.</summary>
    /// <param name="held">Descriptor of the lock of this container's files, where it is ours already; else -1.</param>
    public static int Run(string[] arguments, int held = -1)
    {
        RunRequest request = RunRequest.Parse(arguments);
        ImageIdentity image = ImageIdentity.Find(request.Image);
        string step = StepKey.Find(request.Job, Environment.GetEnvironmentVariable, out string stepReason);
        string key = KeyOf(request, image, step, Environment.CurrentDirectory, Environment.GetEnvironmentVariable("HOME") ?? "");

        HolderFiles files = new(RuntimeDirectory.Open(), RuntimeDirectory.NameOf(key));
        bool started = false;
        HolderEntry entry = HolderClient.Join(files, key, held, () =>
        {
            Start(request, image, files, key, arguments);
            started = true;
        });
        if (request.Explain)
            foreach (string line in RunExplanation.Lines(request, image, step, stepReason, entry, started))
                Console.Error.WriteLine(Visible.Line(line));
        Become(entry, request, files);
        return 125;
    }

    /// <summary>What <c>slipway shell</c> is: a run of the image's shell.</summary>
    public static int Shell(string[] arguments) => Run(["--shell", .. arguments]);

    /// <summary>What the ranks that share a container have in common.</summary>
    public static string KeyOf(RunRequest request, ImageIdentity image, string step, string directory, string home)
    {
        // below home and /tmp all ranks share one, wherever they start
        bool everywhere = LauncherPaths.IsBelow(directory, "/tmp") || (home.Length > 1 && LauncherPaths.IsBelow(directory, home));
        return string.Join('\n', HolderEntry.Version, step, image.Given, image.Stamp, request.ContainerOptions, everywhere ? "" : directory);
    }

    static void Start(RunRequest request, ImageIdentity image, HolderFiles files, string key, string[] arguments)
    {
        ImageMount mount = ImageMount.Choose(image, request.WritableTmpfs, make: true);
        try
        {
            string plan = ContainerFabric.Look(request, mount.Image, what => Console.Error.Write(ContainerFabric.Warning(what)));
            HolderBirth.Start([files.Directory, files.Name, key, mount.Image, mount.Rung, mount.Directory ?? "", plan, .. arguments], mount);
        }
        finally
        {
            if (mount.Fd >= 0)
                close(mount.Fd);
        }
    }

    /// <exception cref="SlipwayException">No command was given, and the image has no runscript.</exception>
    public static string[] CommandOf(HolderEntry entry, RunRequest request) =>
        request.Shell ? ["/bin/sh", "-c", """if [ -x /bin/bash ]; then exec /bin/bash "$@"; fi; exec /bin/sh "$@" """.TrimEnd(), "sh", .. request.Command]
        : request.Command.Length > 0 ? request.Command
        : entry.Runscript is { } script ? [script]
        : throw new SlipwayException("NoRunscript", ErrorKind.ObjectNotFound, $"{request.Image}: the image has no runscript, and no command was given", "Name a command: slipway run IMAGE -- CMD…", request.Image);

    /// <summary>Where we are, if that is to be seen inside; else the root.</summary>
    public static string DirectoryInside(HolderEntry entry) =>
        entry.Visible.Exists(v => LauncherPaths.IsBelow(Environment.CurrentDirectory, v)) ? Environment.CurrentDirectory : "/";

    static void Become(HolderEntry entry, RunRequest request, HolderFiles files)
    {
        string[] command = CommandOf(entry, request);
        signal(SIGPIPE, 0); // .NET's runtime ignores it, and what is ignored stays so over an exec
        if (SlipwayProgram.Front is { } front)
        {
            IEnumerable<string> variables = request.Variables.Select(v => $"--env={v.Name}={v.Value}");
            // with the environment as it came to us, byte for byte
            execv(NativeStrings.Of(front), NativeStrings.Vector(["slipway", "join", $"{files.Directory}/{files.Name}", entry.Key, .. variables, request.Image, "--", .. command]));
            throw NotStarted(front);
        }
        string nsenter = HostProgram.Find("nsenter");
        byte** argv = NativeStrings.Vector(["nsenter", "--target", entry.Pid.ToString(CultureInfo.InvariantCulture), "--user", "--mount", "--preserve-credentials", $"--wdns={DirectoryInside(entry)}", "--", .. command]);
        byte** envp = NativeStrings.Vector(ContainerEnvironment.Build(entry, request, Environment.GetEnvironmentVariables()));
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        execve(NativeStrings.Of(nsenter), argv, envp);
        throw NotStarted(nsenter);
    }

    static SlipwayException NotStarted(string program) =>
        new("ExecFailed", ErrorKind.InvalidOperation, $"{program}: cannot be started (errno {errno})", null, program);
}
