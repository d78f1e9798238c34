using Slipway.Discovery;

namespace Slipway.Tests.Discovery;

/// <summary>What is loaded before a program begins, and what a file says that it opens.</summary>
public sealed class LoaderResolverTests : IDisposable
{
    readonly HostFixture host = new();

    public void Dispose() => host.Dispose();

    [Fact]
    public void TakesWhatAFileSaysThatItOpens()
    {
        const string Note = """
            [{"soname":["libnew.so.2","libold.so.1"],"priority":"required"},
             {"soname":["libextra.so"],"priority":"suggested"}]
            """;
        host.Elf("/usr/bin/app", new ElfBuilder { Interpreter = HostFixture.Interpreter, Needed = ["libc.so.6"], DlopenNote = Note },
            executable: true);
        Assert.Single(host.Find("app").Errors());
        host.Library(HostFixture.Lib + "/libold.so.1");
        DependencySet found = host.Find("app");
        Assert.Empty(found.Errors());
        Assert.Contains(HostFixture.Lib + "/libold.so.1", found.Paths());
        Assert.Contains("libextra.so", Assert.Single(found.Problems).Message);
    }

    [Fact]
    public void ADirectoryOfTheConfigurationWithoutACacheIsTold()
    {
        host.Program("/usr/bin/app", "libx.so.1");
        host.Library("/opt/site/libx.so.1");
        host.Write("/etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf\n");
        host.Write("/etc/ld.so.conf.d/site.conf", "# ours\n/opt/site\n");
        DependencyProblem problem = Assert.Single(host.Find("app").Problems);
        Assert.Contains("libx.so.1", problem.Message);
        Assert.Contains("Run ldconfig: /opt/site", problem.Recommendation);
    }

    [Fact]
    public void MissingInterpreterOtherMachineStaticAndSetUidProgramsAreToldApart()
    {
        host.Elf("/usr/bin/foreign", new ElfBuilder { Machine = 183, Interpreter = "/lib/ld-linux-aarch64.so.1", Needed = ["libc.so.6"] },
            executable: true);
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
    public void AProgramForAnotherMachineIsToldOnTheHostItself()
    {
        using TemporaryDirectory directory = new();
        string path = directory.Write(
            "foreign", new ElfBuilder { Machine = 22, LittleEndian = false, Interpreter = "/lib/ld64.so.1" }.Build());
        DependencySet found = DependencyFinder.Find(new DependencyRequest { Names = [path] });
        Assert.Contains(found.Problems, p => p.Severity == DependencySeverity.Warning
            && p.Message.Contains("it is for s390x", StringComparison.Ordinal));
    }

    [Fact]
    public void ANoteThatCannotBeReadIsAWarning()
    {
        foreach (string note in (string[])["{", "{}", """[{"priority":"required"}]"""])
        {
            host.Elf("/usr/bin/app", new ElfBuilder { Interpreter = HostFixture.Interpreter, Needed = ["libc.so.6"], DlopenNote = note },
                executable: true);
            DependencyProblem problem = Assert.Single(host.Find("app").Problems);
            Assert.Equal((DependencySeverity.Warning, "loader"), (problem.Severity, problem.Rule));
            Assert.StartsWith("/usr/bin/app: its .note.dlopen cannot be read", problem.Message);
        }
    }

    [Fact]
    public void ALibraryByItselfIsToldOnlyWhereNoFileOfThatNameCameAtAll()
    {
        host.Library(HostFixture.Lib + "/libplugin.so", "libprivate.so");
        host.Library("/opt/app/libprivate.so");
        Assert.Equal([HostFixture.Lib + "/libplugin.so: it needs libprivate.so, which is not where the loader looks"],
            host.Find(HostFixture.Lib + "/libplugin.so").Errors());
        Assert.Empty(host.Find(HostFixture.Lib + "/libplugin.so", "/opt/app/libprivate.so").Errors());
        // a program finds it nowhere, whatever else the image has
        host.Program("/usr/bin/app", "libprivate.so");
        Assert.Single(host.Find("app", "/opt/app/libprivate.so").Errors());
    }

    [Fact]
    public void ANameWithADirectoryIsRelativeToWhereTheProgramIsStarted()
    {
        host.Program("/usr/bin/app", "sub/libx.so");
        host.Library("/usr/bin/sub/libx.so");
        Assert.Contains("set a soname when the library is linked", Assert.Single(host.Find("app").Problems).Recommendation);
    }

    [Theory]
    [InlineData(62, true, null)]
    [InlineData(3, false, null)]
    [InlineData(183, true, "/opt/app: it is for aarch64, and this host is x86_64")]
    public void AMachineRunsItsOwnProgramsAndThoseOf32Bits(ushort machine, bool is64, string? says)
    {
        host.Elf("/opt/ld.so", new ElfBuilder { Is64 = is64, Machine = machine });
        host.Elf("/opt/app", new ElfBuilder { Is64 = is64, Machine = machine, Interpreter = "/opt/ld.so" }, executable: true);
        Closure closure = host.Closure();
        closure.Add("/opt/app", new Reason("test", null, "asked for"));
        closure.Run([new LoaderResolver("x86_64")], CancellationToken.None);
        Assert.Equal(says, closure.Problems.SingleOrDefault()?.Message);
        Assert.Equal(["/opt/app", "/opt/ld.so"], closure.Files.Keys.Order(StringComparer.Ordinal));
    }
}
