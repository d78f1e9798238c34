using System.Diagnostics;
using Slipway.Discovery;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Discovery;

/// <summary>Nothing in a tree makes discovery crash, hang, or keep silent about what it could not find.</summary>
public sealed class DependencyFinderTests : IDisposable
{
    readonly HostFixture host = new();

    public void Dispose() => host.Dispose();

    static ElfBuilder Damageable(string interpreter) => new()
    {
        Interpreter = interpreter, Needed = ["libx.so.1", "libc.so.6"], Runpath = "$ORIGIN/../lib", Imports = ["iconv_open", "getpwnam"], Exports = ["f"],
        VersionsNeeded = new Dictionary<string, string[]> { ["libc.so.6"] = ["GLIBC_2.34"] }, VersionsDefined = ["V_1"], X86Isa = 4, DlopenNote = """[{"soname":["liby.so"]}]""",
    };

    [Fact]
    public void A_damaged_program_gives_a_problem_that_names_it_or_a_closure()
    {
        host.Library(HostFixture.Lib + "/libx.so.1");
        byte[] whole = Damageable(HostFixture.Interpreter).Build();
        // the file header, all program headers and the dynamic section with every byte changed; then each length
        List<byte[]> damaged = [];
        for (int at = 0; at < Math.Min(whole.Length, 64 + 4 * 56 + 20 * 16); at++)
            foreach (byte value in (byte[])[0, 0x7f, 0xff])
            {
                byte[] changed = whole.ToArray();
                changed[at] = value;
                damaged.Add(changed);
            }
        for (int length = 1; length < whole.Length; length += 7)
            damaged.Add(whole[..length]);
        foreach (byte[] bytes in damaged)
        {
            File.WriteAllBytes(host.Outside("/opt-app"), bytes);
            File.SetUnixFileMode(host.Outside("/opt-app"), (UnixFileMode)0x1ed);
            DependencySet found = host.Find("/opt-app");
            Assert.Contains("/opt-app", found.Paths());
            foreach (DependencyProblem problem in found.Problems)
            {
                Assert.NotEmpty(problem.Rule);
                Assert.StartsWith("/", problem.Message);
            }
        }
    }

    [Fact]
    public void A_program_that_is_cut_short_is_told()
    {
        File.WriteAllBytes(host.Outside("/cut"), Damageable(HostFixture.Interpreter).Build()[..200]);
        DependencyProblem problem = Assert.Single(host.Find("/cut").Problems);
        Assert.Equal((DependencySeverity.Error, "/cut", "loader"), (problem.Severity, problem.Path, problem.Rule));
        Assert.Contains("not a sound ELF file", problem.Message);
    }

    [Fact]
    public void A_damaged_library_is_told_and_another_one_behind_it_found()
    {
        host.Elf("/usr/bin/app", new ElfBuilder { Interpreter = HostFixture.Interpreter, Needed = ["libx.so.1"], Runpath = "/opt/lib" }, executable: true);
        Directory.CreateDirectory(host.Outside("/opt/lib"));
        File.WriteAllBytes(host.Outside("/opt/lib/libx.so.1"), new ElfBuilder().Build()[..100]);
        Assert.Equal("/usr/bin/app: it needs libx.so.1, which is not where the loader looks", Assert.Single(host.Find("app").Errors()));
        host.Library(HostFixture.Lib + "/libx.so.1");
        Assert.Contains(HostFixture.Lib + "/libx.so.1", host.Find("app").Paths());
    }

    [Fact]
    public void Links_that_go_round_are_told()
    {
        host.Program("/usr/bin/app", "libx.so.1");
        host.Link(HostFixture.Lib + "/libx.so.1", "libx.so.2");
        host.Link(HostFixture.Lib + "/libx.so.2", "libx.so.1");
        host.Link("/opt/a/b", "../a/b/c");
        Assert.Contains("it needs libx.so.1", Assert.Single(host.Find("app").Errors()));
        Assert.Contains("/opt/a/b: its symbolic links go round", Assert.Single(host.Find("/opt/a/b").Errors()));
    }

    [Fact]
    public void A_directory_that_a_link_leads_back_to_is_entered_once()
    {
        host.Text("/opt/tree/file", "x");
        host.Link("/opt/tree/again", ".");
        host.Link("/opt/tree/up", "../..");
        DependencySet found = host.Find("/opt/tree");
        Assert.Contains("/opt/tree/file", found.Paths());
        Assert.Contains("/opt/tree/again", found.Paths());
        Assert.Empty(found.Problems);
    }

    [Fact]
    public void Links_never_lead_out_of_the_root()
    {
        host.Link("/opt/out", "/../../../../../../etc/hostname");
        host.Link("/opt/up", "../../../../../../../../../../etc");
        Directory.CreateDirectory(host.Outside("/etc"));
        Assert.Equal(["/etc", "/opt/up"], host.Find("/opt/up").Paths());
        Assert.Contains("leads nowhere", Assert.Single(host.Find("/opt/out").Problems).Message);
    }

    [Fact]
    public void Libraries_that_need_themselves_or_each_other_end()
    {
        host.Program("/usr/bin/app", "liba.so");
        host.Library(HostFixture.Lib + "/liba.so", "liba.so", "libb.so");
        host.Library(HostFixture.Lib + "/libb.so", "liba.so");
        DependencySet found = host.Find("app");
        Assert.Empty(found.Problems);
        Assert.Contains(HostFixture.Lib + "/libb.so", found.Paths());
    }

    [Theory]
    [InlineData("#!/usr/bin/python9\n", "its interpreter '/usr/bin/python9' is not there")]
    [InlineData("#!/usr/bin/env python9\n", "its interpreter 'python9', which env looks for, is not on the PATH")]
    [InlineData("#!/usr/bin/env -S -u X A=b python9 -u\n", "its interpreter 'python9', which env looks for, is not on the PATH")]
    [InlineData("#!\n", "its first line names no interpreter")]
    [InlineData("#!bin/relative\n", "its interpreter 'bin/relative' is not there")]
    public void A_script_whose_interpreter_is_not_there_is_told(string text, string says)
    {
        host.Program("/usr/bin/env");
        host.Text("/usr/bin/script", text, executable: true);
        DependencyProblem problem = Assert.Single(host.Find("script").Problems, p => p.Severity == DependencySeverity.Error);
        Assert.Equal(("/usr/bin/script: " + says, "interpreter"), (problem.Message, problem.Rule));
        Assert.NotNull(problem.Recommendation);
    }

    [Fact]
    public void A_first_line_of_a_megabyte_costs_nothing_and_is_told()
    {
        host.Program("/usr/bin/sh");
        host.Text("/usr/bin/long", "#!/usr/bin/sh " + new string('x', 1 << 20), executable: true);
        host.Text("/usr/bin/longer", "#!/" + new string('x', 1 << 20), executable: true);
        Assert.Contains("more than 255 bytes", Assert.Single(host.Find("long").Problems).Message);
        Assert.Contains("/usr/bin/sh", host.Find("long").Paths());
        Assert.Equal(2, host.Find("longer").Problems.Count);
        Assert.All(host.Find("longer").Problems, p => Assert.True(p.Message.Length < 400));
    }

    [Fact]
    public void Scripts_that_are_each_others_interpreter_end()
    {
        host.Text("/usr/bin/a", "#!/usr/bin/b\n", executable: true);
        host.Text("/usr/bin/b", "#!/usr/bin/a\n", executable: true);
        Assert.Equal(["/usr/bin/a", "/usr/bin/b"], host.Find("a").Paths());
    }

    [Fact]
    public void Nested_interpreters_are_followed()
    {
        host.Program("/usr/bin/env");
        host.Program("/usr/bin/real", "libx.so");
        host.Library(HostFixture.Lib + "/libx.so");
        host.Text("/usr/bin/inner", "#!/usr/bin/env -S real --flag\n", executable: true);
        host.Text("/usr/bin/outer", "#! /usr/bin/env   inner\n", executable: true);
        DependencySet found = host.Find("outer");
        Assert.Empty(found.Problems);
        Assert.Contains(HostFixture.Lib + "/libx.so", found.Paths());
        Assert.Equal("the first line of /usr/bin/outer has env look for inner", found.File("/usr/bin/inner").Why);
    }

    [Fact]
    public void Missing_interpreter_other_machine_static_and_set_uid_programs_are_told_apart()
    {
        host.Elf("/usr/bin/foreign", new ElfBuilder { Machine = 183, Interpreter = "/lib/ld-linux-aarch64.so.1", Needed = ["libc.so.6"] }, executable: true);
        host.Elf("/usr/bin/static", new ElfBuilder { Type = 2 }, executable: true);
        host.Program("/usr/bin/suid");
        File.SetUnixFileMode(host.Outside("/usr/bin/suid"), (UnixFileMode)0x9ed);

        DependencySet foreign = host.Find("foreign");
        Assert.Contains("/usr/bin/foreign: its interpreter /lib/ld-linux-aarch64.so.1 is not there", foreign.Errors());
        Assert.Contains("/usr/bin/foreign: it needs libc.so.6, which is not where the loader looks", foreign.Errors());
        Assert.Equal(["/usr/bin/static"], host.Find("static").Paths());
        DependencySet suid = host.Find("suid");
        Assert.Contains("set-uid", Assert.Single(suid.Problems).Message);
        Assert.Equal(0x1ed, suid.File("/usr/bin/suid").Mode);
    }

    [Fact]
    public void A_program_for_another_machine_is_told_on_the_host_itself()
    {
        using TemporaryDirectory directory = new();
        string path = directory.Write("foreign", new ElfBuilder { Machine = 22, LittleEndian = false, Interpreter = "/lib/ld64.so.1" }.Build());
        DependencySet found = DependencyFinder.Find(new DependencyRequest { Names = [path] });
        Assert.Contains(found.Problems, p => p.Severity == DependencySeverity.Warning && p.Message.Contains("it is for s390x", StringComparison.Ordinal));
    }

    [Fact]
    public void Files_that_may_not_be_read_are_told()
    {
        if (geteuid() == 0)
        {
            // root may read all: an ordinary user tries it, with the real program
            if (Cli.OtherUser is not { } user || !File.Exists(Cli.Program))
                return;
            Cli.Result said = Cli.RunAs(user, "deps", "/etc/shadow");
            Assert.Equal(1, said.ExitCode);
            Assert.Contains("/etc/shadow: cannot be read: permission denied [loader]", said.Error);
            return;
        }
        host.Program("/usr/bin/app");
        File.SetUnixFileMode(host.Outside("/usr/bin/app"), UnixFileMode.UserExecute);
        Assert.Contains("/usr/bin/app: cannot be read: permission denied", host.Find("/usr/bin/app").Errors());
    }

    [NeedsFact(Needs.Launcher, Needs.OtherUser)]
    public void A_directory_that_may_not_be_read_is_told()
    {
        host.Program("/usr/bin/app");
        host.Text("/opt/data/closed/file", "x");
        host.Text("/opt/data/open", "x");
        File.SetUnixFileMode(host.Root, (UnixFileMode)0x1ed);
        File.SetUnixFileMode(host.Outside("/opt/data/closed"), (UnixFileMode)0x1c0);
        Cli.Result said = Cli.RunAs(Cli.OtherUser!, "deps", "--root", host.Root, "/opt/data");
        Assert.Equal(1, said.ExitCode);
        Assert.Contains("/opt/data/open", said.Output);
        Assert.Contains("/opt/data/closed: the directory cannot be read: what is in it is left out [definition]", said.Error);
        Assert.Equal(0, Cli.RunAs(Cli.OtherUser!, "deps", "--root", host.Root, "--exclude", "/opt/data/closed/**", "/opt/data").ExitCode);
    }

    [Fact]
    public void Secrets_devices_and_fifos_stay_out_and_are_told()
    {
        host.Text("/etc/shadow", "root:!::");
        host.Text("/etc/ssl/private/key.pem", "secret");
        host.Text("/etc/motd", "x");
        using (Process made = Process.Start("mkfifo", [host.Outside("/etc/fifo")]))
            made.WaitForExit();
        DependencySet found = host.Find("/etc");
        Assert.Contains("/etc/motd", found.Paths());
        foreach (string? path in new[] { "/etc/shadow", "/etc/ssl/private/key.pem", "/etc/fifo" })
        {
            Assert.DoesNotContain(path, found.Paths());
            Assert.Contains(found.Problems, p => p.Path == path && p.Severity == DependencySeverity.Warning);
        }
        // named itself, it is meant
        Assert.Contains("/etc/shadow", host.Find("/etc/shadow").Paths());
    }

    [Fact]
    public void A_whole_root_is_taken_without_what_the_kernel_shows_there()
    {
        host.Text("/proc/kmsg", "x");
        host.Text("/sys/power/state", "x");
        host.Text("/opt/proc/file", "x");
        DependencySet found = host.Find("/");
        Assert.Contains("/opt/proc/file", found.Paths());
        Assert.DoesNotContain(found.Paths(), p => p.StartsWith("/proc", StringComparison.Ordinal) || p.StartsWith("/sys", StringComparison.Ordinal));
        Assert.Contains("/proc/kmsg", host.Find("/proc/kmsg").Paths());
    }

    [Fact]
    public void Names_that_stand_for_nothing_are_errors()
    {
        foreach (DependencyRequest? request in new[] { new DependencyRequest { Names = ["nothing"] }, new DependencyRequest { Programs = ["nothing"] }, new DependencyRequest { Packages = ["nothing"] }, new DependencyRequest { Files = ["/nothing/*"] } })
        {
            SlipwayException error = Assert.Throws<DependencyNotFoundException>(() => host.Find(request));
            Assert.Equal("DependencyNotFound", error.Id);
            Assert.Contains("nothing", error.Message);
        }
    }

    [Fact]
    public void What_is_excluded_stays_out_with_all_that_only_it_needs()
    {
        host.Program("/usr/bin/app", "liba.so", "libb.so");
        host.Library(HostFixture.Lib + "/liba.so", "libonly.so");
        host.Library(HostFixture.Lib + "/libonly.so");
        host.Library(HostFixture.Lib + "/libb.so");
        DependencySet found = host.Find(new DependencyRequest { Programs = ["app"], Exclude = ["/usr/lib/**/lib{a,x}.so"] });
        Assert.DoesNotContain(HostFixture.Lib + "/liba.so", found.Paths());
        Assert.Contains(HostFixture.Lib + "/libb.so", found.Paths());
        Assert.Contains("excluded, but /usr/bin/app needs it", Assert.Single(found.Problems).Message);
    }
}
