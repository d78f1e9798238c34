using System.Diagnostics;
using System.Globalization;
using Slipway.Inventory;
using Slipway.Linux;
using Slipway.Running;
using Slipway.Shared;

namespace Slipway.Preflight;

/// <summary>
/// <c>slipway preflight</c>: the program that a launcher starts on each node in a rank's place, where <see cref="MpiPreflight"/> has
/// planned so, with <see cref="PreflightArguments"/>. It looks at the node, starts the container as a rank would, and becomes a rank
/// inside: the probe (Launcher/Probe), or the parent of the image's own launcher, which starts probes. It writes what it finds in lines
/// on standard output (<see cref="PreflightLine"/>), and nothing else there.
/// </summary>
public static unsafe class PreflightProgram
{
    /// <summary>Inside, what PMIx's security component munge takes.</summary>
    const string MungeLibrary = "libmunge.so.2";

    /// <summary>Before glibc 2.34 dlopen(3) is in a library of its own, which is always there.</summary>
    const string DynamicLoading = "libdl.so.2";

    /// <summary>Seconds for cleaning up, where ranks are not what this process becomes.</summary>
    const uint Grace = 3;

    static readonly string[] MungeSockets = ["/run/munge/munge.socket.2", "/var/run/munge/munge.socket.2"];

    /// <param name="words"><see cref="PreflightArguments"/>.</param>
    /// <param name="probe">The probe; null where this build has none.</param>
    public static int Run(string[] words, Stream? probe)
    {
        PreflightArguments arguments = PreflightArguments.Parse(words);
        RunRequest request = arguments.Run;
        // whatever hangs, this process ends, and so does what it becomes (alarm(2) outlives execve)
        alarm(arguments.Seconds + Grace);
        string node = Environment.MachineName;
        PreflightLine.Say(node, PreflightLine.Begin);
        string? Variable(string name) => request.Variables.LastOrDefault(v => v.Name == name).Value
            ?? Environment.GetEnvironmentVariable(name);
        NodeChecks checks = new(node, "/", Variable, geteuid());
        void Say(PreflightCheck check) => PreflightLine.Say(check);

        Say(checks.UserNamespaces());
        FabricInventory inventory = FabricInventoryReader.Read();
        List<string> devices = [.. inventory.Devices.Select(d => d.Name)];
        Say(checks.Memlock(inventory.MemlockSoft, devices));
        Say(checks.SharedMemory(arguments.Ranks));
        bool ownLauncher = request.Command.Length > 0;
        if (!ownLauncher)
            Say(checks.ProcessManagement());

        string container = "container";
        try
        {
            ImageMount mount = ImageMount.Choose(ImageIdentity.Find(request.Image), request.WritableTmpfs, make: false);
            Say(checks.Fuse(mount.Server is not null, mount.Reasons[^1]));
            container = "fabric";
            void LeftOut(string what) => Say(checks.Check("fabric", PreflightStatus.Warning, what));
            Say(checks.Fabric(ContainerFabric.Read(request, mount.Image, ContainerFabric.Look(request, mount.Image, LeftOut),
                Slipway.Cache.SiteConfiguration.Read(), LeftOut), devices));
        }
        catch (SlipwayException e)
        {
            Say(checks.Check(container, PreflightStatus.Failed, e.Message, e.Recommendation));
            return 125;
        }
        if (probe is null)
        {
            Say(checks.Check("mpi", PreflightStatus.Warning, "this build has no program to try MPI with: it takes x86-64",
                "Try the job with two ranks first."));
            return 0;
        }
        string program = MakeProbe(probe);
        RunRequest inside = request with { Command = [] };
        if (!LookInside(checks, ref inside, program, arguments))
            return 125;
        string[] rank = ["init", arguments.Library ?? PreflightArguments.None,
            arguments.Seconds.ToString(CultureInfo.InvariantCulture), node];
        return ownLauncher ? StartRanks(file => inside with { Command = [.. request.Command, file, .. rank] }, probe, arguments.Seconds)
            : BecomeRank(inside with { Command = [program, .. rank] });
    }

    /// <summary>
    /// A file in memory, which everything that we start inherits: it is there inside the container, and nothing is left of it.
    /// </summary>
    static string MakeProbe(Stream probe)
    {
        using MemoryStream bytes = new();
        probe.CopyTo(bytes);
        int fd;
        fixed (byte* name = "slipway-probe\0"u8)
            fd = memfd_create(name, 0);
        if (fd < 0)
            throw PreflightErrors.ProbeNotMade(errno);
        fixed (byte* from = bytes.GetBuffer())
            for (long written = 0, n; written < bytes.Length; written += n)
                if ((n = write(fd, from + written, (int)(bytes.Length - written))) <= 0)
                    throw PreflightErrors.ProbeNotWritten(errno);
        return string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{fd}");
    }

    /// <summary>What is to be seen in the container: two processes in it, beside the one that we shall be.</summary>
    /// <param name="inside">Less the command; gets what the probe needs in this image besides.</param>
    /// <returns>False where no rank could start.</returns>
    static bool LookInside(NodeChecks checks, ref RunRequest inside, string program, PreflightArguments arguments)
    {
        uint seconds = Math.Max(1, arguments.Seconds / 2);
        bool ownLauncher = arguments.Run.Command.Length > 0;
        IReadOnlyDictionary<string, string> directories = checks.LauncherDirectories;
        string[] paths = [.. directories.Values.Distinct()];
        List<string> said = [], errors = [];
        int exit;
        using CancellationTokenSource late = new(TimeSpan.FromSeconds(seconds));
        int Ask(RunRequest inside)
        {
            RunRequest facts = inside with
            {
                Command = [program, "facts", arguments.Library ?? PreflightArguments.None, MungeLibrary, .. MungeSockets, .. paths],
            };
            return HostProgram.Run(SlipwayProgram.Path, ["run", .. facts.ToArguments()], said.Add, errors.Add, cancel: late.Token);
        }
        try
        {
            exit = Ask(inside);
            if (exit != 0 && errors.Exists(l => l.Contains("undefined symbol: dl", StringComparison.Ordinal)))
            {
                IEnumerable<string> preloaded = inside.Variables.Where(v => v.Name == "LD_PRELOAD").TakeLast(1).Select(v => v.Value)
                    .Prepend(DynamicLoading);
                inside = inside with { Variables = [.. inside.Variables, new RunVariable("LD_PRELOAD", string.Join(':', preloaded))] };
                errors.Clear();
                exit = Ask(inside);
            }
        }
        catch (OperationCanceledException)
        {
            PreflightLine.Say(checks.Check("container", PreflightStatus.Failed, $"the container was not there after {seconds} s",
                "See whether the image's filesystem answers on this node."));
            return false;
        }
        if (exit != 0 || said.Count == 0)
        {
            string what = string.Join("; ",
                errors.Select(l => l.StartsWith("slipway: ", StringComparison.Ordinal) ? l["slipway: ".Length..] : l));
            PreflightLine.Say(errors.Exists(l => l.Contains(program, StringComparison.Ordinal))
                ? checks.Check("container", PreflightStatus.Warning, $"MPI cannot be tried: the image has no glibc for x86-64 ({what})",
                    "Try the job with two ranks first.")
                : checks.Check("container", PreflightStatus.Failed, what.Length > 0 ? what : $"it ended with exit code {exit}",
                    "See slipway run --explain with the same image on this node."));
            return false;
        }
        PreflightLine.Say(checks.Check("container", PreflightStatus.Ok, said[0].StartsWith("library ", StringComparison.Ordinal)
            ? said[0]["library ".Length..] : "it starts"));
        HashSet<string> seen = [.. said.Where(l => l.StartsWith("seen ", StringComparison.Ordinal)).Select(l => l["seen ".Length..])];
        if (!ownLauncher && checks.SecurityModes.Count > 0)
            PreflightLine.Say(checks.Security(seen.Contains(MungeLibrary), MungeSockets.Any(seen.Contains)));
        foreach (PreflightCheck check in ownLauncher ? [] : checks.Directories(paths.Where(p => !seen.Contains(p)).ToHashSet()))
            PreflightLine.Say(check);
        PreflightLine.Say(checks.CrossMemoryAttach(TryToRead(inside, program, late.Token)));
        if (said[0].StartsWith("library ", StringComparison.Ordinal))
            return true;
        if (arguments.Library is null)
        {
            PreflightLine.Say(
                checks.Check("mpi", PreflightStatus.Warning, "the image has no MPI library that was recognised: MPI is not tried",
                    "A program that is linked statically with MPI is right so; else install an MPI in the image."));
            return false;
        }
        PreflightLine.Say(
            checks.Check("mpi", PreflightStatus.Failed, $"the image's MPI library cannot be loaded: {said[0]["no-library ".Length..]}",
                "See slipway compare IMAGE for what the image lacks; a program that is linked statically with MPI cannot be tried."));
        return false;
    }

    /// <summary>
    /// The error of one process in the container that reads another's memory; 0 where it can, null where it was not to be found out.
    /// </summary>
    static int? TryToRead(RunRequest inside, string program, CancellationToken cancel)
    {
        string[] Arguments(params string[] words) => ["run", .. (inside with { Command = [program, .. words] }).ToArguments()];
        using Process holding = new()
        {
            StartInfo = new ProcessStartInfo(SlipwayProgram.Path, Arguments("hold"))
            {
                RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
            },
        };
        holding.Start();
        using CancellationTokenRegistration end = cancel.Register(holding.Kill);
        string? line = null, answer = null;
        try
        {
            if (holding.StandardOutput.ReadLine()?.Split(' ') is ["hold", var pid, var address])
                HostProgram.Run(SlipwayProgram.Path, Arguments("read", pid, address), l => line ??= l, _ => { }, cancel: cancel);
            answer = line;
        }
        catch (OperationCanceledException)
        {
            // it was not to be found out
        }
        finally
        {
            holding.StandardInput.Close();
            holding.WaitForExit();
        }
        return answer?.Split(' ') switch
        {
            ["read"] => 0,
            ["not-read", var error] when int.TryParse(error, NumberStyles.None, CultureInfo.InvariantCulture, out int number) => number,
            _ => null,
        };
    }

    /// <summary>Returns only where it cannot be.</summary>
    static int BecomeRank(RunRequest rank)
    {
        signal(SIGPIPE, 0); // .NET's runtime ignores it, and what is ignored stays so over an exec
        byte** argv = NativeStrings.Vector(["slipway", "run", .. rank.ToArguments()]);
        execve(NativeStrings.Of(SlipwayProgram.Path), argv, NativeStrings.Vector(NativeStrings.Environment()));
        throw PreflightErrors.RankNotStarted(SlipwayProgram.Path, errno);
    }

    /// <summary>
    /// By the image's own launcher, which closes what it inherits before it starts them: so the probe is a file, where the container shows
    /// the node's.
    /// </summary>
    /// <param name="starting">What starts the ranks, of the probe's path.</param>
    static int StartRanks(Func<string, RunRequest> starting, Stream probe, uint seconds)
    {
        string file = string.Create(CultureInfo.InvariantCulture, $"{RuntimeDirectory.Open()}/probe-{Environment.ProcessId}");
        try
        {
            probe.Position = 0;
            FileStreamOptions options = new()
            {
                Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = (UnixFileMode)Mode.r_x______,
            };
            using (FileStream to = new(file, options))
                probe.CopyTo(to);
            using CancellationTokenSource late = new(TimeSpan.FromSeconds(seconds));
            return HostProgram.Run(SlipwayProgram.Path, ["run", .. starting(file).ToArguments()], grace: TimeSpan.FromSeconds(2),
                cancel: late.Token);
        }
        catch (OperationCanceledException)
        {
            return 124;
        }
        finally
        {
            unlink(file);
        }
    }
}
