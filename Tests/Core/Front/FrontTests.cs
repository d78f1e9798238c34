using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Slipway.Linux;
using static Slipway.Linux.LibC;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Front;

/// <summary>A test of the front itself, on a machine where images can be mounted.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class FrontFactAttribute : FactAttribute
{
    public FrontFactAttribute(bool needsLong = false) =>
        Skip = Needs.Missing([Needs.Front, .. TinyImage.Takes, .. needsLong ? [Needs.Long] : Array.Empty<string>()]);
}

/// <summary>The front as a program: what it does itself, what it hands over, and what it never does.</summary>
public sealed unsafe class FrontTests
{
    static bool IsLong => Environment.GetEnvironmentVariable("SLIPWAY_TEST_LONG") == "1";

    const int HandedOver = 77;

    /// <summary>The front beside a script in place of the full launcher, that tells by its exit code that it was started.</summary>
    static string Lonely(RunSite site)
    {
        string front = Path.Combine(site.Scratch, "slipway");
        File.Copy(Cli.Program, front, overwrite: true);
        File.WriteAllText(front + "-full", $"#!/bin/sh\necho handed over: $#\nexit {HandedOver}\n");
        Assert.Equal(0, HostProgram.Run("chmod", ["755", front, front + "-full"]));
        return front;
    }

    static string EntryOf(RunSite site) => Assert.Single(Directory.GetFiles(site.Runtime + "/slipway", "*.entry"));

    /// <summary>A rank that stays, so that there is a holder.</summary>
    static Cli.Running Stay(RunSite site)
    {
        Cli.Running rank = site.StartRun("--job", "k", TinyImage.File, "--", "sleep", "100");
        RunSite.WaitUntil(() => site.Pids("sleep").Any(), "a rank sleeps");
        return rank;
    }

    [FrontFact]
    public void TheFrontNeedsNoLibrary()
    {
        Slipway.Readers.Elf.ElfFile file = Slipway.Readers.Elf.ElfFile.Read(Cli.Program);
        Assert.Null(file.Interpreter);
        Assert.Empty(file.Needed);
    }

    [FrontFact]
    public void ARankJoinsWithoutTheFullLauncher()
    {
        using RunSite site = new(RunSite.Ordinary);
        string front = Lonely(site);
        Stay(site);
        Cli.Result result = site.Start(
            [front, "run", "--job=k", "--env", "A=b c", TinyImage.File, "--", "sh", "-c", "echo $$ $A; grep NoNewPrivs /proc/self/status"])
            .Wait(60);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("b c", result.Output, StringComparison.Ordinal);
        Assert.Contains("NoNewPrivs:\t1", result.Output, StringComparison.Ordinal);
        // a holder, though, is the full launcher
        Assert.Equal(HandedOver, site.Start([front, "run", "--job", "other", TinyImage.File, "--", "true"]).Wait(60).ExitCode);
    }

    [FrontFact]
    public void WhatItCannotDoIsHandedOver()
    {
        using RunSite site = new(RunSite.Ordinary);
        string front = Lonely(site);
        Stay(site);
        string[][] asked =
        [
            [], ["run"], ["inspect", TinyImage.File], ["--version"], ["run", "--help"],
            ["run", "--explain", "--job", "k", TinyImage.File, "--", "true"], ["shell", "--job", "k", TinyImage.File],
            ["run", "--job", "k", "/nowhere.sqfs", "--", "true"], ["run", "--job"], ["run", "--job", "k", "--unknown", TinyImage.File],
            ["run", "--job", "k", TinyImage.File],
            ["run", "--job", "k", "--env", "=x", TinyImage.File, "--", "true"],
            ["run", "--job", "k", "--bind", "a:b", TinyImage.File, "--", "true"], ["run", "--job", "k", "--", TinyImage.File, "true"],
        ];
        foreach (string[] arguments in asked)
        {
            Cli.Result result = site.Start([front, .. arguments]).Wait(60);
            Assert.True((result.ExitCode, result.Output) == (HandedOver, $"handed over: {arguments.Length}\n"),
                $"{string.Join(' ', arguments)}: {result}");
        }
    }

    [FrontFact]
    public void AMissingFullLauncherIsNamed()
    {
        using RunSite site = new(RunSite.Ordinary);
        string front = Lonely(site);
        File.Delete(front + "-full");
        Cli.Result result = site.Start([front, "inspect", "x"]).Wait(60);
        Assert.Equal(125, result.ExitCode);
        Assert.Contains(front + "-full", result.Error, StringComparison.Ordinal);
    }

    [FrontFact]
    public void CommandsThatCannotBeStarted()
    {
        using RunSite site = new(RunSite.Ordinary);
        string image = TinyImage.Make(Path.Combine(site.Scratch, "odd.sqfs"), root =>
        {
            File.WriteAllText(root + "/bin/plain", "echo plain \"$@\"\n");
            File.WriteAllText(root + "/bin/lost", "#!/no/such/interpreter\n");
            File.WriteAllText(root + "/bin/data", "data");
            Assert.Equal(0, HostProgram.Run("chmod", ["755", root + "/bin/plain", root + "/bin/lost"]));
        });
        (int, string, string) Run(params string[] command)
        {
            Cli.Result result = site.Run(["--job", "k", image, "--", .. command]);
            return (result.ExitCode, result.Output, result.Error.Split('\n')[0]);
        }
        Assert.Equal((0, "plain a b\n", ""), Run("plain", "a", "b")); // as execvp(3) has it
        Assert.Equal((127, "", "slipway: nope: this command is not in the container (errno 2)"), Run("nope"));
        Assert.Equal((127, "", "slipway: : this command is not in the container (errno 2)"), Run(""));
        Assert.Equal((127, "", "slipway: /bin/nope: this command is not in the container (errno 2)"), Run("/bin/nope"));
        Assert.Equal((127, "", "slipway: /bin/lost: the interpreter or loader that this file names is not in the container (errno 2)"),
            Run("/bin/lost"));
        Assert.Equal((126, "", "slipway: data: this command cannot be executed in the container (errno 13)"), Run("data"));
        Assert.Equal((126, "", "slipway: /bin: this command cannot be executed in the container (errno 13)"), Run("/bin"));
    }

    [FrontFact]
    public void ArgumentsOfTwoMegabytes()
    {
        using RunSite site = new(RunSite.Ordinary);
        string[] large = [.. Enumerable.Range(0, 20).Select(_ => new string('x', 100_000))];
        for (int i = 0; i < 2; i++) // the first starts the container
        {
            // a shell would hold them all: count what is there
            Cli.Result result = site.Run(["--job", "k", TinyImage.File, "--", "sh", "-c", "echo $# ${#20}", "sh", .. large]);
            Assert.Equal((0, "20 100000\n"), (result.ExitCode, result.Output));
        }
        Cli.Result option = site.Run(["--job", new string('k', 120_000), TinyImage.File, "--", "echo", "in"]);
        Assert.Equal((0, "in\n"), (option.ExitCode, option.Output));
    }

    [FrontFact]
    public void AnEnvironmentOfTenThousandVariables()
    {
        using RunSite site = new(RunSite.Ordinary);
        Dictionary<string, string> variables = Enumerable.Range(0, 10_000)
            .ToDictionary(i => string.Create(CultureInfo.InvariantCulture, $"VARIABLE_{i}"), i => i.ToString(CultureInfo.InvariantCulture));
        for (int i = 0; i < 2; i++)
        {
            Cli.Result result = site.Start([Cli.Program, "run", "--job", "k", TinyImage.File, "--", "env"], variables).Wait(60);
            Assert.Equal(0, result.ExitCode);
            Assert.Equal(10_000, result.Output.Split('\n').Count(l => l.StartsWith("VARIABLE_", StringComparison.Ordinal)));
        }
    }

    [FrontFact]
    public void TheEnvironmentIsTheOneThatTheFullLauncherGives()
    {
        using RunSite site = new(RunSite.Ordinary);
        string alone = Path.Combine(site.Scratch, "alone");
        Directory.CreateDirectory(alone);
        File.Copy(Cli.Program + "-full", alone + "/slipway");
        Stay(site);
        string Sorted(string program) =>
            site.Start(
                ["/bin/sh", "-c", "env -i HOME=\"$HOME\" XDG_RUNTIME_DIR=\"$XDG_RUNTIME_DIR\" PATH=/usr/bin:/bin LD_PRELOAD= A= 'B=x y' "
                    + "ENV=z OMPI_COMM_WORLD_RANK=3 É=ü \"$1\" run --job k --env A=1 --env PATH=/bin --env A=2 \"$2\" -- env | sort", "sh",
                    program, TinyImage.File]).Wait(60).Output;
        string front = Sorted(Cli.Program);
        Assert.Equal(Sorted(alone + "/slipway"), front);
        Assert.Contains("\nB=x y\n", front, StringComparison.Ordinal);
        Assert.Contains("A=2\n", front, StringComparison.Ordinal);
    }

    [FrontFact]
    public void EntriesThatAreNotAsTheyShouldBe()
    {
        using RunSite site = new(RunSite.Ordinary);
        string front = Lonely(site);
        Stay(site);
        string entry = EntryOf(site);
        byte[] whole = File.ReadAllBytes(entry);
        string text = Encoding.UTF8.GetString(whole);
        int holder = site.Holder, rank = site.Pids("sleep").First();
        string[] command = [front, "run", "--job", "k", TinyImage.File, "--", "true"];
        Assert.Equal(0, site.Start(command).Wait(60).ExitCode);

        Dictionary<string, byte[]> bad = new()
        {
            ["cut"] = whole[..^3],
            ["empty"] = [],
            ["another version"] = Encoding.UTF8.GetBytes(text.Replace("vslipway-holder ", "vslipway-holder 0", StringComparison.Ordinal)),
            ["another key"] = Encoding.UTF8.GetBytes(text.Replace("job=k", "job=l", StringComparison.Ordinal)),
            ["a process that is not the holder"] =
                Encoding.UTF8.GetBytes(text.Replace($"\0p{holder}\0", $"\0p{rank}\0", StringComparison.Ordinal)),
            ["no process"] = Encoding.UTF8.GetBytes(text.Replace($"\0p{holder}\0", "\0p-1\0", StringComparison.Ordinal)),
            ["init"] = Encoding.UTF8.GetBytes(text.Replace($"\0p{holder}\0", "\0p1\0", StringComparison.Ordinal)),
        };
        foreach ((string what, byte[] content) in bad)
        {
            Assert.NotEqual(whole, content);
            File.WriteAllBytes(entry, content);
            Assert.True(site.Start(command).Wait(60).ExitCode == HandedOver, what);
        }
        File.WriteAllBytes(entry, whole);
        Assert.Equal(0, site.Start(command).Wait(60).ExitCode);
        // and with the full launcher it goes on, with another holder where need be
        File.WriteAllBytes(entry, whole[..^3]);
        Assert.Equal(0, site.Run("--job", "k", TinyImage.File, "--", "true").ExitCode);
    }

    [NeedsFact(Needs.Front, Needs.OtherUser, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll")]
    public void AnEntryOrADirectoryOfAnotherUser()
    {
        using RunSite site = new(RunSite.Ordinary);
        string front = Lonely(site);
        Stay(site);
        string[] command = [front, "run", "--job", "k", TinyImage.File, "--", "true"];
        string entry = EntryOf(site);
        Assert.Equal(0, HostProgram.Run("chown", ["root", entry]));
        Assert.Equal(0, HostProgram.Run("chmod", ["644", entry]));
        Assert.Equal(HandedOver, site.Start(command).Wait(60).ExitCode);
        Assert.Equal(0, HostProgram.Run("chown", [site.User, entry]));
        Assert.Equal(0, site.Start(command).Wait(60).ExitCode);
        Assert.Equal(0, HostProgram.Run("chmod", ["755", site.Runtime + "/slipway"]));
        Assert.Equal(HandedOver, site.Start(command).Wait(60).ExitCode);
    }

    [FrontFact]
    public void AnEntryThatIsReplacedWhileRanksRead()
    {
        using RunSite site = new(RunSite.Ordinary);
        string front = Lonely(site);
        Stay(site);
        string entry = EntryOf(site);
        byte[] whole = File.ReadAllBytes(entry);
        using CancellationTokenSource stop = new();
        Task writer = Task.Run(() =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                File.WriteAllBytes(site.Runtime + "/next", i % 2 == 0 ? whole : whole[..^1]);
                if (site.User != Environment.UserName)
                    HostProgram.Run("chown", [site.User, site.Runtime + "/next"]);
                File.Move(site.Runtime + "/next", entry, overwrite: true);
            }
        });
        // each joins or hands over; nothing else
        Cli.Result result = site.Script("""
            joined=0; handed=0
            for i in $(seq 100); do
                "$3" run --job k "$2" -- true >/dev/null; case $? in 0) joined=$((joined+1)) ;; 77) handed=$((handed+1)) ;; esac
            done; echo $((joined+handed)) $joined
            """, TinyImage.File, front);
        stop.Cancel();
        writer.Wait();
        Assert.StartsWith("100 ", result.Output, StringComparison.Ordinal);
        Assert.Equal("", result.Error);
    }

    /// <summary>
    /// Random arguments and environments for the program itself: it ends by itself, with an exit code of its own or of what it became.
    /// </summary>
    [FrontFact]
    public void TheProgramNeverCrashes()
    {
        using RunSite site = new();
        string front = Lonely(site);
        File.Delete(front + "-full"); // 125, at once
        byte[] program = CString(front);
        using FrontInput input = new(5);
        string[] words = ["run", "join", "--job", "--bind", "--env", "--fabric", "=", "k", "/", "..", TinyImage.File, "--",
            "--writable-tmpfs", ":", "sha256:", "é", "\n", "x"];
        int nothing = open("/dev/null", O_RDWR | O_CLOEXEC, 0);
        Dictionary<int, int> ended = [];
        byte* actions = stackalloc byte[256]; // posix_spawn_file_actions_t has 80
        Assert.Equal(0, posix_spawn_file_actions_init(actions));
        posix_spawn_file_actions_adddup2(actions, nothing, 1);
        posix_spawn_file_actions_adddup2(actions, nothing, 2);
        for (int i = 0; i < (IsLong ? 5_000 : 500); i++, input.Clear())
        {
            List<byte[]> arguments = ["slipway"u8.ToArray(), Encoding.UTF8.GetBytes(input.Pick("run", "run", "run", "join"))];
            for (int n = input.Random.Next(7); n > 0; n--)
                arguments.Add(input.Random.Next(30) == 0 ? new byte[0] : input.Word(words));
            List<byte[]> variables = [Encoding.UTF8.GetBytes("XDG_RUNTIME_DIR=" + site.Runtime)];
            for (int n = input.Random.Next(7); n > 0; n--)
                variables.Add(input.Word("HOME", "=", "/", "SLURM_JOB_ID", "PMIX_NAMESPACE", "XDG_RUNTIME_DIR=", "PATH=", ":", "x"));
            int pid, status;
            fixed (byte* path = program)
                Assert.Equal(0, posix_spawn(&pid, path, actions, null, input.Vector(arguments), input.Vector(variables)));
            Assert.Equal(pid, waitpid(pid, &status, 0));
            Assert.True((status & 0x7f) == 0,
                $"signal {status & 0x7f} after: {string.Join(' ', arguments.Select(Encoding.UTF8.GetString))}");
            int code = status >> 8;
            ended[code] = ended.GetValueOrDefault(code) + 1;
        }
        close(nothing);
        // 125: what it hands over cannot be started here
        Assert.True(ended.GetValueOrDefault(125) > 0 && ended.Keys.All(c => c is 125 or 126 or 127 or 0), string.Join(", ", ended));
    }

    static void Storm(int rounds, int ranks)
    {
        using RunSite site = new(RunSite.Ordinary);
        for (int round = 0; round < rounds; round++)
        {
            Cli.Result result = site.Script("""
                i=0; pids=
                while [ $i -lt $3 ]; do "$1" run --job "$4" "$2" -- true & pids="$pids $!"; i=$((i+1)); done
                bad=0; for p in $pids; do wait $p || bad=$((bad+1)); done; echo $bad
                """, TinyImage.File, ranks.ToString(CultureInfo.InvariantCulture), "storm" + round.ToString(CultureInfo.InvariantCulture));
            Assert.True(result.Output == "0\n", $"round {round}: {result.Output.Trim()} of {ranks} ranks failed: {result.Error}");
        }
        site.AssertNothingLeft();
    }

    [FrontFact]
    public void FiveHundredRanksAtOnceThreeTimes() => Storm(3, 500);

    [FrontFact(needsLong: true)]
    public void FiveHundredRanksAtOnceTwentyTimes() => Storm(20, 500);

    [FrontFact]
    public void OneHolderForAllThatComeAtOnce()
    {
        using RunSite site = new(RunSite.Ordinary);
        Cli.Running[] ranks = [.. Enumerable.Range(0, 40).Select(_ => site.StartRun("--job", "k", TinyImage.File, "--", "sleep", "100"))];
        RunSite.WaitUntil(() => site.Pids("sleep").Count() == ranks.Length, "all ranks sleep");
        Assert.Single(site.Pids("slipway-holder"));
        Assert.InRange(site.Pids("squashfuse_ll").Count(), 0, 1); // root has none
        Assert.Empty(site.Pids("slipway-full"));
    }

    /// <summary>
    /// Where the front cannot decide how to start a container, one rank's full launcher does, and the others wait for it.
    /// </summary>
    [FrontFact]
    public void OneFullLauncherForAllThatComeAtOnce()
    {
        using RunSite site = new(RunSite.Ordinary);
        string front = Lonely(site), real = Path.Combine(site.Scratch, "real"), log = Path.Combine(site.Scratch, "log");
        Directory.CreateDirectory(real);
        File.Copy(Cli.Program + "-full", real + "/slipway-full");
        File.WriteAllText(front + "-full", $"#!/bin/sh\necho \"$1\" >>{log}\nexec {real}/slipway-full \"$@\"\n");
        File.WriteAllText(site.Scratch + "/config.yaml", "");
        Cli.Result result = site.Script("""
            export SLIPWAY_CONFIG=$4; i=0; pids=
            while [ $i -lt 30 ]; do "$3" run --job k "$2" -- true & pids="$pids $!"; i=$((i+1)); done
            bad=0; for p in $pids; do wait $p || bad=$((bad+1)); done; echo $bad
            """, TinyImage.File, front, site.Scratch + "/config.yaml");
        Assert.Equal(("0\n", ""), (result.Output, result.Error));
        Assert.Equal("run-locked\n", File.ReadAllText(log));
        site.AssertNothingLeft();
    }

    [DllImport("libc")] static extern int posix_spawn(int* pid, byte* path, byte* actions, void* attributes, byte** argv, byte** envp);
    [DllImport("libc")] static extern int posix_spawn_file_actions_init(byte* actions);
    [DllImport("libc")] static extern int posix_spawn_file_actions_adddup2(byte* actions, int from, int to);
}
