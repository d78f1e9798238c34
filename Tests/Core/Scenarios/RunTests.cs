using Slipway.Linux;

namespace Slipway.Tests.Scenarios;

/// <summary>What a command sees inside, and what it becomes: the real launcher, as root and as an ordinary user.</summary>
public sealed class RunTests
{
    public static TheoryData<string> Users => Cli.Users;

    [RunTheory]
    [MemberData(nameof(Users))]
    public void TheUserAndTheEtcFilesAreRight(string user)
    {
        using RunSite site = new(user);
        string uid = HostProgram.Read("id", "-u", user)!, gid = HostProgram.Read("id", "-g", user)!;
        Cli.Result result = site.Run(TinyImage.File, "--", "sh", "-c",
            "id -u; id -g; grep -c . /etc/passwd; grep '^'$(id -un): /etc/passwd; grep -c . /etc/group; cat /etc/hosts");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        string[] lines = result.Output.Split('\n');
        Assert.Equal([uid, gid], lines[..2]);
        Assert.Contains($":x:{uid}:{gid}:", lines[3], StringComparison.Ordinal);
        Assert.EndsWith(":/bin/sh", lines[3], StringComparison.Ordinal);
        Assert.Contains(File.ReadAllText("/etc/hosts"), result.Output, StringComparison.Ordinal);
        site.AssertNothingLeft();
    }

    [RunTheory]
    [MemberData(nameof(Users))]
    public void ItIsTheProcessThatWasStarted(string user)
    {
        using RunSite site = new(user);
        // the shell becomes slipway, which becomes the command: one pid through all of them, and nothing of ours beside it
        string[] lines = site.Script("""echo $$; exec "$1" run "$2" -- sh -c 'echo $$; readlink /proc/self/fd/7' 7</etc/passwd""",
            TinyImage.File).Output.TrimEnd().Split('\n');
        Assert.Equal(lines[0], lines[1]);
        Assert.Equal("/etc/passwd", lines[2]);
        // every descriptor is kept, and none is added
        Assert.Equal(site.Script("exec ls /proc/self/fd 7</etc/passwd").Output,
            site.Script("""exec "$1" run "$2" -- ls /proc/self/fd 7</etc/passwd""", TinyImage.File).Output);
        // nor a process: the only child of the shell is the command itself
        Assert.Equal("sleep", site.Script("""
            "$1" run "$2" -- sleep 20 & p=$!
            until [ "$(cat /proc/$p/comm)" = sleep ]; do :; done
            for c in $(cat /proc/$$/task/$$/children) $(cat /proc/$p/task/$p/children); do
                cat /proc/$c/comm
            done 2>/dev/null | grep -v -x -e cat -e sh -e grep
            kill $p
            """, TinyImage.File).Output.Trim());
        site.AssertNothingLeft();
    }

    /// <summary>MPI would go over TCP without a word; one line a container is enough for all of its ranks.</summary>
    [RunTheory]
    [MemberData(nameof(Users))]
    public void AFabricThatWasRefusedIsSaidOnce(string user)
    {
        using RunSite site = new(user);
        string plan = site.Scratch + "/refused.json";
        File.WriteAllText(plan, PlanSample.Text(
            TinyImage.File, p => (p.Verdict, p.Reason) = (FabricRung.Refuse, "mlx5_0: the image's libibverbs\u001b is too old")));
        Cli.Result result = site.Script("""for i in 1 2 3; do "$1" run --job k --fabric "$3" "$2" -- true || exit; done""",
            TinyImage.File, plan);
        Assert.Equal(
            (0, "slipway: warning: fabric: mlx5_0: the image's libibverbs\\x1b is too old (slipway fabric --explain tells more, "
                + "--fabric none silences this)\n"), (result.ExitCode, result.Error));
        site.AssertNothingLeft();
    }

    [RunTheory]
    [MemberData(nameof(Users))]
    public void NamespacesOfTheHostAreKept(string user)
    {
        using RunSite site = new(user);
        string script = "for n in net pid ipc uts; do readlink /proc/self/ns/$n; done";
        Assert.Equal(site.Script(script).Output, site.Run(TinyImage.File, "--", "sh", "-c", script).Output);
        // two ranks of a step are in one user namespace, else they could not read each other's memory
        site.StartRun("--job", "one", TinyImage.File, "--", "sleep", "100");
        RunSite.WaitUntil(() => site.Pids("sleep").Any(), "a rank stays");
        string[] users = [.. Enumerable.Range(0, 2)
            .Select(_ => site.Run("--job", "one", TinyImage.File, "--", "readlink", "/proc/self/ns/user").Output)];
        Assert.Equal(users[0], users[1]);
    }

    [RunTheory]
    [MemberData(nameof(Users))]
    public void ExitCodesAndSignals(string user)
    {
        using RunSite site = new(user);
        Assert.Equal(42, site.Run(TinyImage.File, "--", "sh", "-c", "exit 42").ExitCode);
        Assert.Equal("137", site.Script("""("$1" run "$2" -- sh -c 'kill -9 $$'); echo $?""", TinyImage.File).Output.Trim());
        // SIGPIPE ends it, as it would outside: .NET's runtime ignores it
        Assert.Equal("141", site.Script("""("$1" run "$2" -- sh -c 'kill -PIPE $$; exit 3'); echo $?""", TinyImage.File).Output.Trim());
        Cli.Result missing = site.Run(TinyImage.File, "--", "no-such-command");
        Assert.Equal(127, missing.ExitCode);
        Assert.Contains("no-such-command", missing.Error, StringComparison.Ordinal);
        Assert.Equal(126, site.Run(TinyImage.File, "--", "/etc").ExitCode);
        Cli.Result option = site.Run("--no-such-option", TinyImage.File);
        Assert.Equal(125, option.ExitCode);
        Assert.Contains("'--no-such-option'", option.Error, StringComparison.Ordinal);
        Cli.Result absent = site.Run(site.Scratch + "/absent.sqfs", "--", "true");
        Assert.Equal(125, absent.ExitCode);
        Assert.Contains(site.Scratch + "/absent.sqfs", absent.Error, StringComparison.Ordinal);
        site.AssertNothingLeft();
    }

    [RunTheory]
    [MemberData(nameof(Users))]
    public void EnvironmentIsKeptButForAListedSet(string user)
    {
        using RunSite site = new(user);
        Cli.Result result = site.Start([Cli.Program, "run", "--env", "GIVEN=last one", TinyImage.File, "--", "env"],
            new Dictionary<string, string>
        {
            ["KEPT"] = "a=b c", ["LD_PRELOAD"] = "/host/lib.so", ["OPAL_PREFIX"] = "/host/openmpi", ["PYTHONHOME"] = "/host/python",
            ["GIVEN"] = "first",
        }).Wait();
        string[] lines = result.Output.Split('\n');
        Assert.Contains("KEPT=a=b c", lines);
        Assert.Contains("GIVEN=last one", lines);
        Assert.DoesNotContain(lines, l => l.StartsWith("LD_PRELOAD=", StringComparison.Ordinal)
            || l.StartsWith("OPAL_PREFIX=", StringComparison.Ordinal) || l.StartsWith("PYTHONHOME=", StringComparison.Ordinal)
            || l.StartsWith("GIVEN=first", StringComparison.Ordinal));
        Assert.Contains("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", lines);
    }

    [RunTheory]
    [MemberData(nameof(Users))]
    public void VariablesOfTheImageInBothForms(string user)
    {
        using RunSite site = new(user);
        string ours = TinyImage.Make(site.Scratch + "/ours.sqfs", root =>
        {
            Directory.CreateDirectory(root + "/ch");
            File.WriteAllText(root + "/ch/environment", "FROM_IMAGE=one two\nBROKEN\n");
        });
        Assert.Contains("FROM_IMAGE=one two\n", site.Run(ours, "--", "env").Output, StringComparison.Ordinal);

        // as Apptainer's images have them: scripts, which are the image's to run
        string scripts = TinyImage.Make(site.Scratch + "/scripts.sqfs", root =>
        {
            Directory.CreateDirectory(root + "/.singularity.d/env");
            File.WriteAllText(root + "/.singularity.d/env/10-first.sh", "export FIRST=\"a\nb\"\nPRIVATE=1\n");
            File.WriteAllText(root + "/.singularity.d/env/90-last.sh", "export PATH=/opt/app/bin:$PATH LAST=\"$FIRST\"\necho noise\n");
        });
        string environment = site.Run(scripts, "--", "env").Output;
        Assert.Contains("FIRST=a\nb\n", environment, StringComparison.Ordinal);
        Assert.Contains("LAST=a\nb\n", environment, StringComparison.Ordinal);
        Assert.Contains("PATH=/opt/app/bin:/usr/local/sbin:", environment, StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE=", environment, StringComparison.Ordinal);
        Assert.DoesNotContain("noise", environment, StringComparison.Ordinal);

        string broken = TinyImage.Make(site.Scratch + "/broken.sqfs", root =>
        {
            Directory.CreateDirectory(root + "/.singularity.d/env");
            File.WriteAllText(root + "/.singularity.d/env/10-first.sh", "exit 3\n");
        });
        Cli.Result failed = site.Run(broken, "--", "true");
        Assert.Equal(125, failed.ExitCode);
        Assert.Contains("/.singularity.d/env", failed.Error, StringComparison.Ordinal);
        site.AssertNothingLeft();
    }

    [RunTheory]
    [MemberData(nameof(Users))]
    public void DirectoriesOfTheHost(string user)
    {
        using RunSite site = new(user);
        string data = site.Scratch + "/data";
        Directory.CreateDirectory(data);
        File.WriteAllText(data + "/file", "of the host\n");
        Cli.Result result = site.Run("--bind", data + ":/mnt/deep/data:ro", "--bind", $"{data}/file:/one", TinyImage.File, "--", "sh", "-c",
            "cat /mnt/deep/data/file /one; touch /mnt/deep/data/new; ls -d /dev/null /proc/1 /sys/kernel /tmp; pwd");
        Assert.Equal($"of the host\nof the host\n/dev/null\n/proc/1\n/sys/kernel\n/tmp\n{(user == "root" ? "/root" : "/home/" + user)}\n",
            result.Output);
        Assert.Contains("Read-only", result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(data + "/new"));

        Cli.Result missing = site.Run("--bind", data + "/absent", TinyImage.File, "--", "true");
        Assert.Equal(125, missing.ExitCode);
        Assert.Contains($"{data}/absent", missing.Error, StringComparison.Ordinal);
        site.AssertNothingLeft();
    }

    [RunFact]
    public void PathsInLaunchersVariablesAreVisible()
    {
        using RunSite site = new(RunSite.Ordinary, below: "/var/tmp");
        string session = site.Scratch + "/session";
        Directory.CreateDirectory(session);
        File.WriteAllText(session + "/contact", "uri\n");
        foreach ((string variable, string value) in new[] { ("PMIX_SERVER_TMPDIR", session),
            ("OMPI_MCA_orte_local_daemon_uri", session + "/contact"), ("FLUX_URI", "local://" + session) })
        {
            Cli.Result result = site.Start([Cli.Program, "run", "--job", variable, TinyImage.File, "--", "cat", session + "/contact"],
                new Dictionary<string, string> { [variable] = value }).Wait();
            Assert.Equal((0, "uri\n"), (result.ExitCode, result.Output));
        }
        // nothing else of that disk is
        Assert.NotEqual(0, site.Run(TinyImage.File, "--", "cat", session + "/contact").ExitCode);
    }

    [RunFact]
    public void TheSitesConfiguration()
    {
        using RunSite site = new(RunSite.Ordinary, below: "/var/tmp");
        Directory.CreateDirectory(site.Scratch + "/shared");
        File.WriteAllText(site.Scratch + "/shared/file", "shared\n");
        string configuration = site.Scratch + "/config.yaml";
        Cli.Result Try(string text, params string[] arguments)
        {
            File.WriteAllText(configuration, text);
            return site.Start([Cli.Program, "run", "--job", text.GetHashCode().ToString(System.Globalization.CultureInfo.InvariantCulture),
                .. arguments], new Dictionary<string, string> { ["SLIPWAY_CONFIG"] = configuration }).Wait();
        }
        Assert.Equal("shared\n", Try($"binds:\n  - {site.Scratch}/shared:/mnt:ro\n  - /only/on/other/nodes\n", TinyImage.File, "--", "cat",
            "/mnt/file").Output);
        Cli.Result explained = Try($"binds: ['{site.Scratch}/shared:/mnt']\n", "--explain", TinyImage.File, "--", "true");
        Assert.Contains($"{site.Scratch}/shared at /mnt (the site's configuration ({configuration}:1:9))", explained.Error,
            StringComparison.Ordinal);
        foreach ((string text, string says) in new[] { ("bind: [/x]\n", ":1:1: unknown key 'bind'"),
            ("cache: here\n", ":1:8: 'cache: here' is not an absolute path"), ("binds:\n- [\n", ":3:1"), ("binds: ['a:b']\n", ":1:9") })
        {
            Cli.Result bad = Try(text, TinyImage.File, "--", "true");
            Assert.Equal(125, bad.ExitCode);
            Assert.Contains(configuration + says, bad.Error, StringComparison.Ordinal);
        }
        site.AssertNothingLeft();
    }

    [RunTheory]
    [MemberData(nameof(Users))]
    public void TheRootIsReadOnlyOrScratch(string user)
    {
        using RunSite site = new(user);
        Cli.Result locked = site.Run(TinyImage.File, "--", "sh", "-c", "touch /usr/new; echo x >> /etc/passwd; touch /etc/new");
        Assert.Equal(3, locked.Error.Split("Read-only file system").Length - 1);
        // files that are root's in the image too
        Cli.Result scratch = site.Run(
            "--writable-tmpfs", TinyImage.File, "--", "sh", "-c",
            "touch /usr/new /bin/new && echo more >> /etc/passwd && busybox rm /bin/ls && busybox ls /usr");
        Assert.Equal((0, "new\n", ""), (scratch.ExitCode, scratch.Output, scratch.Error));
        site.AssertNothingLeft();
    }

    [RunTheory]
    [MemberData(nameof(Users))]
    public void NothingIsGainedBySetuidFiles(string user)
    {
        using RunSite site = new(user);
        string image = TinyImage.Make(site.Scratch + "/setuid.sqfs", root =>
        {
            Directory.CreateDirectory(root + "/gain");
            File.Copy(root + "/bin/busybox", root + "/gain/busybox");
            File.SetUnixFileMode(root + "/gain/busybox", (UnixFileMode)0xded /* 6755 */);
        });
        Cli.Result result = site.Run(image, "--", "sh", "-c",
            "grep -e NoNewPrivs -e CapEff /proc/self/status; exec /gain/busybox grep -e Uid /proc/self/status");
        string uid = HostProgram.Read("id", "-u", user)!;
        Assert.Contains("NoNewPrivs:\t1", result.Output, StringComparison.Ordinal);
        Assert.Contains($"Uid:\t{uid}\t{uid}\t{uid}\t{uid}", result.Output, StringComparison.Ordinal);
        if (user != "root")
            Assert.Contains("CapEff:\t0000000000000000", result.Output, StringComparison.Ordinal);
    }

    [RunFact]
    public void ScriptShellAndInput()
    {
        using RunSite site = new(RunSite.Ordinary);
        string image = TinyImage.Make(site.Scratch + "/script.sqfs", root =>
        {
            Directory.CreateDirectory(root + "/.singularity.d");
            File.WriteAllText(root + "/.singularity.d/runscript", "#!/bin/sh\necho from the script\n");
            File.SetUnixFileMode(root + "/.singularity.d/runscript", (UnixFileMode)0x1ed);
        });
        Assert.Equal("from the script\n", site.Run(image).Output);
        Cli.Result none = site.Run(TinyImage.File);
        Assert.Equal(125, none.ExitCode);
        Assert.Contains("no runscript", none.Error, StringComparison.Ordinal);
        Assert.Equal("in the shell b\n", site.Script("""echo 'echo in the shell $2' | "$1" shell "$2" -- -s a b""", TinyImage.File).Output);
        Assert.Equal("through\n", site.Script("""echo through | "$1" run "$2" -- cat""", TinyImage.File).Output);
    }

    [RunFact]
    public void JobControlAndTerminalStayTheCallers()
    {
        using RunSite site = new(RunSite.Ordinary);
        // a stopped and continued rank, in the process group of its shell
        Cli.Result result = site.Script("""
            "$1" run "$2" -- sh -c 'echo in; sleep 1; echo out' & p=$!
            while ! grep -q sleep /proc/$p/task/$p/children /proc/[0-9]*/comm 2>/dev/null; do :; done
            kill -STOP $p; sleep 0.2
            grep State /proc/$p/status; cut -d' ' -f5 /proc/$p/stat; cut -d' ' -f5 /proc/$$/stat
            kill -CONT $p; wait $p; echo $?
            """, TinyImage.File);
        string[] lines = result.Output.TrimEnd().Split('\n');
        Assert.Contains(lines, l => l.StartsWith("State:\tT", StringComparison.Ordinal));
        Assert.Equal("0", lines[^1]);
        int state = Array.FindIndex(lines, l => l.StartsWith("State:", StringComparison.Ordinal));
        Assert.Equal(lines[state + 1], lines[state + 2]);
    }

    [RunTheory]
    [MemberData(nameof(Users))]
    public void AnUnpackedDirectoryIsAnImageToo(string user)
    {
        using RunSite site = new(user);
        Assert.Equal(0, HostProgram.Run("unsquashfs", ["-q", "-n", "-d", site.Scratch + "/unpacked", TinyImage.File], _ => { }));
        Cli.Result result = site.Run("--explain", site.Scratch + "/unpacked", "--", "ls", "/bin/busybox");
        Assert.Equal((0, "/bin/busybox\n"), (result.ExitCode, result.Output));
        Assert.Contains("directory: the image is an unpacked directory", result.Error, StringComparison.Ordinal);
        // who owns the directory may write there, and a container may not
        Assert.Equal(0, HostProgram.Run("chown", ["-R", user, site.Scratch + "/unpacked"], _ => { }));
        result = site.Run(site.Scratch + "/unpacked", "--", "sh", "-c", "touch /new /bin/new /etc/new");
        Assert.Equal(3, result.Error.Split('\n').Count(l => l.Contains("Read-only file system", StringComparison.Ordinal)));
        Assert.False(File.Exists(site.Scratch + "/unpacked/bin/new"));
        site.AssertNothingLeft();
    }

    [RunFact]
    public void ExplainTellsTheRungTheBindsAndTheCommand()
    {
        using RunSite site = new(RunSite.Ordinary);
        string[] lines = site.Run("--explain", "--job", "k", "--env", "A=B", TinyImage.File, "--", "true").Error.Split('\n');
        foreach (string expected in new[]
        {
            $"image      {TinyImage.File} (not in this node's cache;", "mount      prolog: no,", "root       read-only",
            "step key   job=k (from --job)", "fabric     no plan",
            "bind       /dev (always)", $"bind       {(site.User == "root" ? "/root" : "/home/" + site.User)} (your home directory)",
            "set        A=B (--env)", "command    true",
        })
            Assert.Contains(lines, l => l.StartsWith(expected, StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("holder     process ", StringComparison.Ordinal)
            && l.EndsWith("started by this rank", StringComparison.Ordinal));
    }

    [NeedsFact(Needs.Launcher, Needs.Root, "/dev/loop-control", "busybox", "mksquashfs")]
    public void RootMountsByTheKernel()
    {
        using RunSite site = new();
        Cli.Result result = site.Run("--explain", TinyImage.File, "--", "true");
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("the kernel's SquashFS", result.Error, StringComparison.Ordinal);
        site.AssertNothingLeft();
        RunSite.WaitUntil(() => !HostProgram.Read("losetup", "-l", "-O", "BACK-FILE")!.Contains(TinyImage.File, StringComparison.Ordinal),
            "the loop device has gone");
    }

    [NeedsFact(Needs.Launcher, Needs.Root, "/dev/loop-control", "busybox", "mksquashfs", "losetup")]
    public void AMountThatRootMadeIsUsedByUsers()
    {
        using RunSite site = new(RunSite.Ordinary);
        string image = TinyImage.Make(
            site.Scratch + "/unique.sqfs", root => File.WriteAllText(root + "/unique", Guid.NewGuid().ToString()));
        string digest = Digest.OfFile(image)["sha256:".Length..], mount = "/run/slipway/mounts/" + digest;
        string cached = $"/var/cache/slipway/sha256/{digest}";
        Assert.Equal(0, Cli.Run("publish", image).ExitCode);
        try
        {
            Assert.Contains($"prolog: no, nothing is mounted at {mount}", site.Run("--explain", "--job", "1", image, "--", "true").Error,
                StringComparison.Ordinal);
            Directory.CreateDirectory(mount);
            Assert.Equal(0, HostProgram.Run("mount", ["-t", "squashfs", "-o", "loop,ro", cached, mount]));
            Cli.Result result = site.Run("--explain", "--job", "2", "sha256:" + digest, "--", "cat", "/unique");
            Assert.Equal(36, result.Output.Length);
            Assert.Contains($"prolog: root has mounted the image at {mount}", result.Error, StringComparison.Ordinal);
            if (site.User != "root")
                Assert.Contains("--writable-tmpfs could not",
                    site.Run("--explain", "--job", "3", "--writable-tmpfs", image, "--", "touch", "/usr/x").Error,
                    StringComparison.Ordinal);
            site.AssertNothingLeft();
        }
        finally
        {
            HostProgram.Run("umount", [mount], _ => { }, _ => { });
            Directory.Delete(mount);
            File.Delete(cached);
        }
    }
}
