using System.Globalization;
using Slipway.Linux;

namespace Slipway.Running;

/// <summary><c>slipway run</c>: finds the container of this step on this node, joins it, and becomes the application.</summary>
static unsafe class ContainerRunner
{
    /// <summary>Never returns but by an error: the process becomes the command.</summary>
    /// <param name="claim">The right to start the holder of this container, where this process has it already.</param>
    public static int Run(string[] arguments, HolderClaim? claim = null)
    {
        RunRequest request = RunRequest.Parse(arguments);
        ImageIdentity image = ImageIdentity.Find(request.Image);
        string step = StepKey.Find(request.Job, Environment.GetEnvironmentVariable, out string stepReason);
        string key = KeyOf(request, image, step, Environment.CurrentDirectory, Places.Home);

        HolderFiles files = new(RuntimeDirectory.Open(), RuntimeDirectory.NameOf(key));
        bool started = false;
        JoinedHolder holder = HolderClient.Join(files, key, claim, ours =>
        {
            Start(request, image, files, key, ours);
            started = true;
        });
        if (request.Explain)
            foreach (string line in RunExplanation.Lines(request, image, step, stepReason, holder.Entry, started))
                Console.Error.WriteLine(Visible.Line(line));
        Become(holder, request);
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

    static void Start(RunRequest request, ImageIdentity image, HolderFiles files, string key, HolderClaim claim)
    {
        ImageMount mount = ImageMount.Choose(image, request.WritableTmpfs, make: true);
        try
        {
            string plan = ContainerFabric.Look(request, mount.Image, what => Console.Error.Write(ContainerFabric.Warning(what)));
            HolderBirth.Start([files.Directory, files.Name, key, mount.Image, mount.Rung, mount.Directory ?? "", plan, .. request.ContainerArguments], mount, claim);
            Console.Error.Write(RuntimeDirectory.WarningOf(files.Directory));
        }
        finally
        {
            mount.Close();
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

    static void Become(JoinedHolder holder, RunRequest request)
    {
        string[] command = CommandOf(holder.Entry, request);
        signal(SIGPIPE, 0); // .NET's runtime ignores it, and what is ignored stays so over an exec
        if (SlipwayProgram.Front is { } front)
        {
            // what came from our environment is taken from it again: a value that was not on the command line is on none
            IEnumerable<string> variables = request.Variables.Select(v => v.Inherited ? $"--env={v.Name}" : $"--env={v.Name}={v.Value}");
            int entry = Passed(holder.Entry.Text());
            fcntl(holder.Pidfd, F_SETFD, 0);
            // with the environment as it came to us, byte for byte
            execv(NativeStrings.Of(front), NativeStrings.Vector(["slipway", "join", Number(holder.Pidfd), Number(entry), .. variables, request.Image, "--", .. command]));
            throw NotStarted(front);
        }
        string nsenter = HostProgram.Find("nsenter");
        List<string> environment = ContainerEnvironment.Build(holder.Entry, request, Environment.GetEnvironmentVariables());
        List<string> inside = environment.FindAll(ContainerEnvironment.IsOfTheLoader);
        byte** argv = NativeStrings.Vector(["nsenter", "--target", Number(holder.Entry.Pid), "--user", "--mount", "--preserve-credentials", $"--wdns={DirectoryInside(holder.Entry)}", "--", .. Setting(inside), .. command]);
        byte** envp = NativeStrings.Vector([.. environment.Except(inside)]);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        execve(NativeStrings.Of(nsenter), argv, envp);
        throw NotStarted(nsenter);
    }

    static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>A descriptor of a text, for the program that this process becomes.</summary>
    static int Passed(string text)
    {
        byte name = 0;
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        int fd = memfd_create(&name, 0), done = 0;
        fixed (byte* from = bytes)
            while (done < bytes.Length && write(fd, from + done, bytes.Length - done) is var n && n > 0)
                done += (int)n;
        return fd;
    }

    /// <summary>The start of a command that sets variables by the image's own shell: nsenter(1) is the host's, and its loader would take them for itself.</summary>
    static IEnumerable<string> Setting(IReadOnlyList<string> variables) =>
        variables.Count == 0 ? [] : ["/bin/sh", "-c", """while [ "$1" != -- ]; do export "$1"; shift; done; shift; exec "$@" """.TrimEnd(), "sh", .. variables, "--"];

    static SlipwayException NotStarted(string program) =>
        new("ExecFailed", ErrorKind.InvalidOperation, $"{program}: cannot be started (errno {errno})", null, program);
}
