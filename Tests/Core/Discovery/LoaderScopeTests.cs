using Slipway.Discovery;
using Slipway.Readers;
using Slipway.Readers.Elf;

namespace Slipway.Tests.Discovery;

/// <summary>Where one loader looks: by its place, its configuration, its cache.</summary>
public sealed class LoaderScopeTests : IDisposable
{
    readonly HostFixture host = new();

    public void Dispose() => host.Dispose();

    [Fact]
    public void TheDirectoriesOfELAreLib64()
    {
        using HostFixture el = new();
        File.Delete(el.Outside("/usr/lib64/ld-linux-x86-64.so.2"));
        Directory.Delete(el.Outside(HostFixture.Lib), recursive: true);
        el.Elf("/usr/lib64/ld-linux-x86-64.so.2", new ElfBuilder { Soname = "ld-linux-x86-64.so.2" });
        el.Elf("/usr/lib64/libc.so.6", new ElfBuilder { Soname = "libc.so.6" });
        el.Elf("/usr/lib/libc.so.6", new ElfBuilder { Soname = "libc.so.6", Is64 = false, Machine = 3 });
        el.Program("/usr/bin/app");
        DependencySet found = el.Find("app");
        Assert.Empty(found.Problems);
        Assert.Contains("/usr/lib64/libc.so.6", found.Paths());
    }

    [Fact]
    public void LooksWhereMuslLooks()
    {
        host.Elf("/usr/lib/ld-musl-x86_64.so.1", new ElfBuilder { Soname = "libc.musl-x86_64.so.1" });
        host.Elf("/usr/bin/app", new ElfBuilder { Interpreter = "/lib/ld-musl-x86_64.so.1", Needed = ["libx.so", "libc.so"],
            Runpath = "/opt/lib" }, executable: true);
        // musl inherits even what calls itself runpath
        host.Elf("/opt/lib/libx.so", new ElfBuilder { Soname = "libx.so", Needed = ["liby.so", "libpthread.so.0"] });
        host.Elf("/opt/lib/liby.so", new ElfBuilder { Soname = "liby.so" });
        DependencySet found = host.Find("app");
        Assert.Empty(found.Problems);
        Assert.Contains("/opt/lib/liby.so", found.Paths());
        Assert.DoesNotContain(HostFixture.Lib + "/libc.so.6", found.Paths());
    }

    LoaderScope Scope(string? interpreter = HostFixture.Interpreter, ushort machine = 62,
        params (string Name, string Path, ulong Hwcap)[] cached)
    {
        using TemporaryDirectory directory = new();
        ElfFile program = ElfFile.Read(
            directory.Write("program", new ElfBuilder { Machine = machine, LittleEndian = machine != 22 }.Build()));
        return new LoaderScope(host.Tree, program, interpreter, LoaderCache.Parse(HostFixture.CacheFile(cached)));
    }

    /// <summary>glibc's as <c>ld.so --help</c> prints them on Debian, and on EL.</summary>
    [Theory]
    [InlineData("/lib64/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu /usr/lib/x86_64-linux-gnu /lib /usr/lib")]
    [InlineData("/lib64/ld-el.so.2", "lib64", "/lib64 /usr/lib64")]
    [InlineData("/opt/glibc/ld-own.so.2", "opt/glibc", "/opt/glibc")]
    public void ALoaderHasTheDirectoriesOfItsPlace(string interpreter, string lib, string defaults)
    {
        host.Elf("/usr/lib64/ld-el.so.2", new ElfBuilder());
        host.Elf("/opt/glibc/ld-own.so.2", new ElfBuilder());
        LoaderScope scope = Scope(interpreter);
        Assert.Equal((lib, defaults, false), (scope.Lib, string.Join(' ', scope.Defaults), scope.IsMusl));
    }

    [Fact]
    public void AProgramThatNamesNoLoaderHasThatOfItsMachine()
    {
        Assert.Equal("/lib64/ld-linux-x86-64.so.2", Scope(null).Interpreter);
        LoaderScope none = Scope(null, machine: 22);
        Assert.Null(none.Interpreter);
        Assert.Equal(("lib/s390x-linux-gnu", "/lib/s390x-linux-gnu"), (none.Lib, none.Defaults[0]));
    }

    [Fact]
    public void MuslLooksWhereItsFileSaysAndHasNoCache()
    {
        host.Elf("/usr/lib/ld-musl-x86_64.so.1", new ElfBuilder());
        LoaderScope musl = Scope("/lib/ld-musl-x86_64.so.1", 62, ("libx.so", "/opt/libx.so", 0));
        Assert.True(musl.IsMusl);
        Assert.False(musl.HasCache);
        Assert.Empty(musl.Cached("libx.so", forSomeProcessors: false));
        Assert.Equal(["/lib", "/usr/local/lib", "/usr/lib"], musl.Defaults);
        host.Write("/etc/ld-musl-x86_64.path", "/opt/m:/lib\nrelative\n/opt/m\n");
        Assert.Equal(["/opt/m", "/lib"], Scope("/lib/ld-musl-x86_64.so.1").Defaults);
    }

    [Fact]
    public void TheCacheTellsWhatIsForSomeProcessorsOnly()
    {
        LoaderScope scope = Scope(HostFixture.Interpreter, 62, ("libx.so", "/opt/x86-64-v3/libx.so", 0x4000000000000002),
            ("libx.so", "/opt/libx.so", 0));
        Assert.True(scope.HasCache);
        Assert.Equal(["/opt/x86-64-v3/libx.so"], scope.Cached("libx.so", forSomeProcessors: true));
        Assert.Equal(["/opt/libx.so"], scope.Cached("libx.so", forSomeProcessors: false));
        Assert.Empty(scope.Cached("liby.so", forSomeProcessors: false));
    }

    [Fact]
    public void DirectoriesForSomeProcessorsLieBelowTheirOwn()
    {
        host.Library(HostFixture.Lib + "/glibc-hwcaps/x86-64-v3/libx.so");
        Assert.Equal([HostFixture.Lib + "/glibc-hwcaps/x86-64-v3"], Scope().Hwcaps(HostFixture.Lib));
        Assert.Empty(Scope().Hwcaps("/usr/lib64"));
    }

    [Fact]
    public void TheConfigurationIncludesOtherFilesEachOnce()
    {
        host.Write("/etc/ld.so.conf", "include ld.so.conf.d/*.conf\n# /opt/comment\n/opt/last # ours\n");
        host.Write("/etc/ld.so.conf.d/a.conf", "/opt/a\ninclude /etc/ld.so.conf\n/opt/a\n");
        host.Write("/etc/ld.so.conf.d/b.other", "/opt/b\n");
        Assert.Equal(["/opt/a", "/opt/last"], Scope().ConfiguredDirectories());
    }
}
