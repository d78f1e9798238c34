using Slipway.Discovery;
using Slipway.Linux;
using Slipway.Readers;

namespace Slipway.Tests.Discovery;

/// <summary>The search of ld.so(8), on trees that have one trait each.</summary>
public sealed class LoaderTests : IDisposable
{
    readonly HostFixture host = new();

    public void Dispose() => host.Dispose();

    [Fact]
    public void TakesInterpreterAndLibrariesWithEveryLinkOnTheWay()
    {
        host.Program("/usr/bin/app", "libx.so.1");
        host.Library(HostFixture.Lib + "/libx.so.1.2.3");
        host.Link(HostFixture.Lib + "/libx.so.1", "libx.so.1.2.3");
        DependencySet found = host.Find("app");

        Assert.Empty(found.Problems);
        Assert.Equal(["/lib", "/lib64", "/usr/bin/app", HostFixture.Lib + "/ld-linux-x86-64.so.2", HostFixture.Lib + "/libc.so.6",
            HostFixture.Lib + "/libx.so.1", HostFixture.Lib + "/libx.so.1.2.3", "/usr/lib64/ld-linux-x86-64.so.2"], found.Paths());
        Assert.Equal(DependencyKind.Link, found.File(HostFixture.Lib + "/libx.so.1").Kind);
        Assert.Equal("libx.so.1.2.3", found.File(HostFixture.Lib + "/libx.so.1").Target);
        ImageDependency library = found.File(HostFixture.Lib + "/libx.so.1.2.3");
        Assert.Equal(("loader", "/usr/bin/app"), (library.Rule, library.AskedBy));
        Assert.Equal("/usr/bin/app needs libx.so.1: default directory /lib/x86_64-linux-gnu", library.Why);
        Assert.Null(found.File("/usr/bin/app").AskedBy);
    }

    [Theory]
    [InlineData("$ORIGIN/../lib", "/opt/app/lib/libx.so.1")]
    [InlineData("${ORIGIN}/../lib", "/opt/app/lib/libx.so.1")]
    [InlineData("/opt/app/$LIB", "/opt/app/lib/x86_64-linux-gnu/libx.so.1")]
    [InlineData("/opt/app/$PLATFORM", "/opt/app/haswell/libx.so.1")]
    public void FollowsARunpathWithItsTokens(string runpath, string library)
    {
        host.Elf("/opt/app/bin/app", new ElfBuilder { Interpreter = HostFixture.Interpreter, Needed = ["libx.so.1"], Runpath = runpath },
            executable: true);
        host.Library(library);
        host.Library(HostFixture.Lib + "/libx.so.1");
        DependencySet found = host.Find("/opt/app/bin/app");
        Assert.Contains(library, found.Paths());
        Assert.DoesNotContain(HostFixture.Lib + "/libx.so.1", found.Paths());
        Assert.Contains("runpath", found.File(library).Why);
    }

    [Fact]
    public void AnRpathIsInheritedAndARunpathIsNot()
    {
        foreach ((string? name, ElfBuilder? elf) in new[] { ("old",
            new ElfBuilder { Interpreter = HostFixture.Interpreter, Needed = ["liba.so"], Rpath = "/opt/lib" }),
            ("new", new ElfBuilder { Interpreter = HostFixture.Interpreter, Needed = ["liba.so"], Runpath = "/opt/lib" }) })
            host.Elf($"/usr/bin/{name}", elf, executable: true);
        host.Library("/opt/lib/liba.so", "libb.so");
        host.Library("/opt/lib/libb.so");

        Assert.Empty(host.Find("old").Problems);
        Assert.Equal(["/opt/lib/liba.so: it needs libb.so, which is not where the loader looks (in a process of /usr/bin/new)"],
            host.Find("new").Errors());
    }

    [Fact]
    public void AnObjectWithARunpathIgnoresEveryRpath()
    {
        host.Elf("/usr/bin/app", new ElfBuilder { Interpreter = HostFixture.Interpreter, Needed = ["liba.so"], Rpath = "/opt/lib" },
            executable: true);
        host.Elf("/opt/lib/liba.so", new ElfBuilder { Soname = "liba.so", Needed = ["libb.so"], Runpath = "/nowhere" });
        host.Library("/opt/lib/libb.so");
        Assert.Single(host.Find("app").Errors());
    }

    [Fact]
    public void ALibraryThatIsLoadedAlreadyIsNotLookedForAgain()
    {
        // libb needs liba too, and would find another one by its own runpath
        host.Program("/usr/bin/app", "liba.so", "libb.so");
        host.Library(HostFixture.Lib + "/liba.so");
        host.Elf(HostFixture.Lib + "/libb.so", new ElfBuilder { Soname = "libb.so", Needed = ["liba.so"], Runpath = "/opt/lib" });
        host.Library("/opt/lib/liba.so");
        Assert.DoesNotContain("/opt/lib/liba.so", host.Find("app").Paths());
    }

    [Fact]
    public void TheCacheComesBeforeTheDefaultDirectoriesAndAStaleEntryDoesNotMatter()
    {
        host.Program("/usr/bin/app", "libx.so.1", "liby.so.1");
        host.Library("/opt/site/libx.so.1");
        host.Library(HostFixture.Lib + "/libx.so.1");
        host.Library(HostFixture.Lib + "/liby.so.1");
        host.Cache(("libx.so.1", "/opt/site/libx.so.1", 0), ("liby.so.1", "/opt/gone/liby.so.1", 0));
        DependencySet found = host.Find("app");
        Assert.Contains("/opt/site/libx.so.1", found.Paths());
        Assert.DoesNotContain(HostFixture.Lib + "/libx.so.1", found.Paths());
        Assert.Contains(HostFixture.Lib + "/liby.so.1", found.Paths());
        Assert.Empty(found.Problems);
    }

    [Fact]
    public void TakesTheVariantsForOtherProcessorsBesideTheOneForAll()
    {
        host.Program("/usr/bin/app", "libx.so.1", "liby.so.1");
        host.Library(HostFixture.Lib + "/libx.so.1");
        host.Library(HostFixture.Lib + "/glibc-hwcaps/x86-64-v3/libx.so.1", "libfast.so");
        host.Library(HostFixture.Lib + "/libfast.so");
        host.Library("/opt/y/liby.so.1");
        host.Library("/opt/y/glibc-hwcaps/x86-64-v4/liby.so.1");
        host.Cache(("liby.so.1", "/opt/y/glibc-hwcaps/x86-64-v4/liby.so.1", 0x4000000000000002), ("liby.so.1", "/opt/y/liby.so.1", 0));
        DependencySet found = host.Find("app");
        Assert.Empty(found.Problems);
        foreach (string? path in new[] { "/libx.so.1", "/glibc-hwcaps/x86-64-v3/libx.so.1", "/libfast.so" })
            Assert.Contains(HostFixture.Lib + path, found.Paths());
        foreach (string? path in new[] { "/opt/y/liby.so.1", "/opt/y/glibc-hwcaps/x86-64-v4/liby.so.1" })
            Assert.Contains(path, found.Paths());
        Assert.Equal("/usr/bin/app needs libx.so.1: default directory /lib/x86_64-linux-gnu, glibc-hwcaps: "
            + "processors of x86-64-v3 and later take it in place of the one for all",
            found.File(HostFixture.Lib + "/glibc-hwcaps/x86-64-v3/libx.so.1").Why);
        Assert.Contains("/etc/ld.so.cache, glibc-hwcaps: processors of x86-64-v4 and later",
            found.File("/opt/y/glibc-hwcaps/x86-64-v4/liby.so.1").Why);
    }

    [Fact]
    public void WhatIsThereOnlyForSomeProcessorsIsMissing()
    {
        host.Program("/usr/bin/app", "libx.so.1");
        host.Library(HostFixture.Lib + "/glibc-hwcaps/x86-64-v3/libx.so.1");
        Assert.Single(host.Find("app").Errors());
    }

    [Fact]
    public void Finds32BitLibrariesFor32BitPrograms()
    {
        host.Link("/lib/ld-linux.so.2", "i386-linux-gnu/ld-linux.so.2");
        foreach ((string? name, string[]? needed) in new (string, string[])[] { ("ld-linux.so.2", []), ("libc.so.6", []),
            ("libx.so.1", ["libc.so.6"]) })
            host.Elf($"/usr/lib/i386-linux-gnu/{name}", new ElfBuilder { Is64 = false, Machine = 3, Soname = name, Needed = needed });
        host.Library(HostFixture.Lib + "/libx.so.1");
        host.Elf("/usr/bin/app32", new ElfBuilder { Is64 = false, Machine = 3, Interpreter = "/lib/ld-linux.so.2",
            Needed = ["libx.so.1", "libc.so.6"] }, executable: true);
        host.Program("/usr/bin/app64", "libx.so.1");
        // the cache names both: the one of the other class is passed over
        host.Cache(("libx.so.1", HostFixture.Lib + "/libx.so.1", 0), ("libx.so.1", "/usr/lib/i386-linux-gnu/libx.so.1", 0));
        DependencySet found = host.Find("app32");
        Assert.Empty(found.Problems);
        Assert.Contains("/usr/lib/i386-linux-gnu/libx.so.1", found.Paths());
        Assert.Contains("/usr/lib/i386-linux-gnu/libc.so.6", found.Paths());
        Assert.DoesNotContain(HostFixture.Lib + "/libx.so.1", found.Paths());
        Assert.Contains(HostFixture.Lib + "/libx.so.1", host.Find("app32", "app64").Paths());
    }

    [Fact]
    public void TakesAuxiliaryLibrariesAndTheLibraryPathThatIsGiven()
    {
        host.Elf("/usr/bin/app", new ElfBuilder { Interpreter = HostFixture.Interpreter, Needed = ["libx.so"], Auxiliary = "libaux.so" },
            executable: true);
        host.Library("/opt/mods/libx.so");
        host.Library(HostFixture.Lib + "/libaux.so");
        Assert.Single(host.Find("app").Errors());
        DependencySet found = host.Find(new DependencyRequest { Programs = ["app"], LibraryPath = ["/opt/mods"] });
        Assert.Empty(found.Problems);
        Assert.Contains("/opt/mods/libx.so", found.Paths());
        Assert.Contains(HostFixture.Lib + "/libaux.so", found.Paths());
    }

    [Fact]
    public void AProgramThatAsksForItGetsNothingFromTheDefaultDirectories()
    {
        host.Elf("/usr/bin/app", new ElfBuilder { Interpreter = HostFixture.Interpreter, Needed = ["libx.so"], NoDefaultLibraries = true },
            executable: true);
        host.Library(HostFixture.Lib + "/libx.so");
        Assert.Single(host.Find("app").Errors());
    }

    [NeedsFact("ldconfig")]
    public void ReadsTheRealCacheAsLdconfigDoes()
    {
        if (!File.Exists("/etc/ld.so.cache"))
            return;
        LoaderCache cache = LoaderCache.Parse(File.ReadAllBytes("/etc/ld.so.cache"));
        List<string> expected = Cli.Start(Environment.UserName, [HostProgram.Find("ldconfig"), "-p"]).Wait().Output.Split('\n').Skip(1)
            .Where(l => l.Contains(" => ", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(expected);
        foreach (string line in expected)
            Assert.Contains(line.Split(" => ")[1], cache.Find(line.Trim().Split(' ')[0]).Select(e => e.Path));
    }

    [Fact]
    public void ADamagedCacheIsATypedErrorOrReads()
    {
        byte[] whole = HostFixture.CacheFile(("libx.so.1", "/opt/libx.so.1", 0), ("libx.so.1", "/opt/fast/libx.so.1", 1));
        for (int length = 0; length < whole.Length; length++)
            AssertSafe(whole.AsSpan(0, length));
        for (int at = 0; at < whole.Length; at++)
            foreach (byte value in (byte[])[0, 1, 0x7f, 0x80, 0xff])
            {
                byte[] changed = whole.ToArray();
                changed[at] = value;
                AssertSafe(changed);
            }
        host.Program("/usr/bin/app");
        host.Write("/etc/ld.so.cache", "glibc-ld.so.cache1.1 and no more");
        Assert.Contains("/etc/ld.so.cache: not a usable cache", Assert.Single(host.Find("app").Errors()));

        static void AssertSafe(ReadOnlySpan<byte> bytes)
        {
            try
            {
                LoaderCache.Parse(bytes);
            }
            catch (InvalidDataException e)
            {
                Assert.NotEmpty(e.Message);
            }
        }
    }
}
