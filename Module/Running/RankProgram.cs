using System.Globalization;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Running;

/// <summary>
/// <c>slipway run</c> and <c>slipway shell</c>: the process finds the container of its step on this node, joins it, and becomes the
/// application.
/// </summary>
/// <remarks>
/// A launcher, a user or the module starts it; or the front does where it cannot do the same itself, which may have the right to start the
/// holder already
/// (<c>slipway run-locked</c>). It owns nothing: the container is its holder's (<see cref="HolderProgram"/>).
/// </remarks>
static unsafe class RankProgram
{
    /// <summary>Never returns but by an error: the process becomes the command.</summary>
    /// <param name="claim">The right to start the holder of this container, where this process has it already.</param>
    public static int Run(string[] arguments, HolderClaim? claim = null)
    {
        RunRequest request = RunRequest.Parse(arguments);
        ImageIdentity image = ImageIdentity.Find(request.Image);
        byte** environment = NativeStrings.Vector(NativeStrings.Environment());
        RankKey key = RankKey.Of(request, image, environment, Environment.CurrentDirectory);

        HolderFiles files = new(RuntimeDirectory.Open(), KeyName.Of(key.Value));
        bool started = false;
        JoinedHolder holder = HolderClient.Join(files, key.Value, claim, ours =>
        {
            Start(request, image, files, key.Value, ours);
            started = true;
        });
        if (request.Explain)
            foreach (string line in RunExplanation.OfRank(files, holder.Entry, started, key, request))
                Console.Error.WriteLine(Visible.Line(line));
        Become(holder, request);
        return 125;
    }

    /// <summary>What <c>slipway shell</c> is: a run of the image's shell.</summary>
    public static int Shell(string[] arguments) => Run(["--shell", .. arguments]);

    static void Start(RunRequest request, ImageIdentity image, HolderFiles files, string key, HolderClaim claim)
    {
        ImageMount mount = ImageMount.Choose(image, request.WritableTmpfs, make: true);
        try
        {
            List<string> leftOut = [];
            string plan = ContainerFabric.Look(request, mount.Image, leftOut.Add);
            leftOut.ForEach(why => Console.Error.Write(ContainerFabric.Warning(why)));
            HolderArguments arguments = new()
            {
                Files = files,
                Key = key,
                Image = mount.Image,
                Content = mount.Digest ?? image.Stamp,
                Rung = mount.Rung,
                Reasons = mount.Reasons,
                Mounted = mount.Directory,
                Plan = plan,
                LeftOut = leftOut,
                Options = [.. request.ContainerArguments],
            };
            Console.Error.Write(HolderBirth.Start(arguments, mount, claim));
            Console.Error.Write(RuntimeDirectory.WarningOf(files.Directory));
        }
        finally
        {
            mount.Close();
        }
    }

    static void Become(JoinedHolder holder, RunRequest request)
    {
        string[] command = ContainerCommand.Of(holder.Entry, request);
        signal(SIGPIPE, 0); // .NET's runtime ignores it, and what is ignored stays so over an exec
        if (SlipwayProgram.Front is { } front)
        {
            // what came from our environment is taken from it again: a value that was not on the command line is on none
            RunRequest ours = new() { Image = request.Image, Variables = request.Variables, Command = command };
            int entry = Passed(holder.Entry.Text());
            fcntl(holder.Pidfd, F_SETFD, 0);
            // with the environment as it came to us, byte for byte
            execv(NativeStrings.Of(front),
                NativeStrings.Vector(["slipway", "join", Number(holder.Pidfd), Number(entry), .. ours.ToArguments()]));
            throw RunningErrors.NotExecuted(front, errno);
        }
        string nsenter = HostProgram.Find("nsenter");
        List<string> environment = ContainerEnvironment.Build(holder.Entry, request, NativeStrings.Vector(NativeStrings.Environment()));
        List<string> inside = environment.FindAll(ContainerEnvironment.IsOfTheLoader);
        byte** argv = NativeStrings.Vector(["nsenter", "--target", Number(holder.Entry.Pid), "--user", "--mount",
            "--preserve-credentials", $"--wdns={ContainerCommand.Directory(holder.Entry)}", "--",
            .. Setting(inside), .. command]);
        byte** envp = NativeStrings.Vector([.. environment.Except(inside)]);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        execve(NativeStrings.Of(nsenter), argv, envp);
        throw RunningErrors.NotExecuted(nsenter, errno);
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

    /// <summary>
    /// The start of a command that sets variables by the image's own shell: nsenter(1) is the host's, and its loader would take them for
    /// itself.
    /// </summary>
    static IEnumerable<string> Setting(IReadOnlyList<string> variables) =>
        variables.Count == 0 ? [] : ["/bin/sh", "-c", """while [ "$1" != -- ]; do export "$1"; shift; done; shift; exec "$@" """.TrimEnd(),
            "sh", .. variables, "--"];
}
