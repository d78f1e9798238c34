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
        Interpreter = interpreter, Needed = ["libx.so.1", "libc.so.6"], Runpath = "$ORIGIN/../lib", Imports = ["iconv_open", "getpwnam"],
        Exports = ["f"],
        VersionsNeeded = new Dictionary<string, string[]> { ["libc.so.6"] = ["GLIBC_2.34"] }, VersionsDefined = ["V_1"], X86Isa = 4,
        DlopenNote = """[{"soname":["liby.so"]}]""",
    };

    [Fact]
    public void ADamagedProgramGivesAProblemThatNamesItOrAClosure()
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
    public void AProgramThatIsCutShortIsTold()
    {
        File.WriteAllBytes(host.Outside("/cut"), Damageable(HostFixture.Interpreter).Build()[..200]);
        DependencyProblem problem = Assert.Single(host.Find("/cut").Problems);
        Assert.Equal((DependencySeverity.Error, "/cut", "loader"), (problem.Severity, problem.Path, problem.Rule));
        Assert.Contains("not a sound ELF file", problem.Message);
    }

    [Fact]
    public void ADamagedLibraryIsToldAndAnotherOneBehindItFound()
    {
        host.Elf("/usr/bin/app", new ElfBuilder { Interpreter = HostFixture.Interpreter, Needed = ["libx.so.1"], Runpath = "/opt/lib" },
            executable: true);
        Directory.CreateDirectory(host.Outside("/opt/lib"));
        File.WriteAllBytes(host.Outside("/opt/lib/libx.so.1"), new ElfBuilder().Build()[..100]);
        Assert.Equal("/usr/bin/app: it needs libx.so.1, which is not where the loader looks", Assert.Single(host.Find("app").Errors()));
        host.Library(HostFixture.Lib + "/libx.so.1");
        Assert.Contains(HostFixture.Lib + "/libx.so.1", host.Find("app").Paths());
    }

    [Fact]
    public void ADirectoryThatALinkLeadsBackToIsEnteredOnce()
    {
        host.Write("/opt/tree/file", "x");
        host.Link("/opt/tree/again", ".");
        host.Link("/opt/tree/up", "../..");
        DependencySet found = host.Find("/opt/tree");
        Assert.Contains("/opt/tree/file", found.Paths());
        Assert.Contains("/opt/tree/again", found.Paths());
        Assert.Empty(found.Problems);
    }

    [Fact]
    public void LinksNeverLeadOutOfTheRoot()
    {
        host.Link("/opt/out", "/../../../../../../etc/hostname");
        host.Link("/opt/up", "../../../../../../../../../../etc");
        Directory.CreateDirectory(host.Outside("/etc"));
        Assert.Equal(["/etc", "/opt/up"], host.Find("/opt/up").Paths());
        Assert.Contains("leads nowhere", Assert.Single(host.Find("/opt/out").Problems).Message);
    }

    [Fact]
    public void LibrariesThatNeedThemselvesOrEachOtherEnd()
    {
        host.Program("/usr/bin/app", "liba.so");
        host.Library(HostFixture.Lib + "/liba.so", "liba.so", "libb.so");
        host.Library(HostFixture.Lib + "/libb.so", "liba.so");
        DependencySet found = host.Find("app");
        Assert.Empty(found.Problems);
        Assert.Contains(HostFixture.Lib + "/libb.so", found.Paths());
    }

    [Fact]
    public void FilesThatMayNotBeReadAreTold()
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
    public void ADirectoryThatMayNotBeReadIsTold()
    {
        host.Program("/usr/bin/app");
        host.Write("/opt/data/closed/file", "x");
        host.Write("/opt/data/open", "x");
        File.SetUnixFileMode(host.Root, (UnixFileMode)0x1ed);
        File.SetUnixFileMode(host.Outside("/opt/data/closed"), (UnixFileMode)0x1c0);
        Cli.Result said = Cli.RunAs(Cli.OtherUser!, "deps", "--root", host.Root, "/opt/data");
        Assert.Equal(1, said.ExitCode);
        Assert.Contains("/opt/data/open", said.Output);
        Assert.Contains("/opt/data/closed: the directory cannot be read: what is in it is left out [definition]", said.Error);
        Assert.Equal(0, Cli.RunAs(Cli.OtherUser!, "deps", "--root", host.Root, "--exclude", "/opt/data/closed/**", "/opt/data").ExitCode);
    }

    [Fact]
    public void AWholeRootIsTakenWithoutWhatTheKernelShowsThere()
    {
        host.Write("/proc/kmsg", "x");
        host.Write("/sys/power/state", "x");
        host.Write("/opt/proc/file", "x");
        DependencySet found = host.Find("/");
        Assert.Contains("/opt/proc/file", found.Paths());
        Assert.DoesNotContain(found.Paths(), p => p.StartsWith("/proc", StringComparison.Ordinal)
            || p.StartsWith("/sys", StringComparison.Ordinal));
        Assert.Contains("/proc/kmsg", host.Find("/proc/kmsg").Paths());
    }

    [Fact]
    public void NamesThatStandForNothingAreErrors()
    {
        foreach (DependencyRequest? request in new[] { new DependencyRequest { Names = ["nothing"] },
            new DependencyRequest { Programs = ["nothing"] }, new DependencyRequest { Packages = ["nothing"] },
            new DependencyRequest { Files = ["/nothing/*"] } })
        {
            SlipwayException error = Assert.Throws<DependencyNotFoundException>(() => host.Find(request));
            Assert.Equal("DependencyNotFound", error.Id);
            Assert.Contains("nothing", error.Message);
        }
    }
}
