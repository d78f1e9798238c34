using System.Text.Json;
using Slipway.Discovery;
using Slipway.Linux;

namespace Slipway.Tests.Discovery;

/// <summary>What images lack: small trees, and real Debian releases with a library taken away or swapped.</summary>
public sealed class ImageComparerTests : IDisposable
{
    const string Lib = HostFixture.Lib;

    readonly HostFixture host = new();

    public void Dispose() => host.Dispose();

    IReadOnlyList<MissingDependency> Missing() => ImageComparer.Compare(host.Root).Missing;

    void Needs(string path, string soname, params string[] versions) =>
        host.Elf(path, new ElfBuilder { Interpreter = HostFixture.Interpreter, Needed = [soname, "libc.so.6"],
            VersionsNeeded = new Dictionary<string, string[]> { [soname] = versions } }, executable: true);

    [Fact]
    public void AWholeImageLacksNothing()
    {
        host.Program("/usr/bin/app", "libx.so.1");
        host.Library(Lib + "/libx.so.1");
        host.Write("/usr/bin/script", "#!/usr/bin/app\n", executable: true);
        ImageComparison comparison = ImageComparer.Compare(host.Root);
        Assert.Empty(comparison.Missing);
        Assert.Empty(comparison.Problems);
    }

    [Fact]
    public void NamesALibraryWithAllThatNeedItAndTheProgramsThatDoNotStart()
    {
        host.Program("/usr/bin/app", "liba.so");
        host.Program("/usr/bin/other", "libgone.so");
        host.Library(Lib + "/liba.so", "libgone.so");
        MissingDependency missing = Assert.Single(Missing());
        Assert.Equal((MissingKind.Library, "libgone.so", null), (missing.Kind, missing.Name, missing.Provider));
        Assert.Equal(["/usr/bin/other", Lib + "/liba.so"], missing.NeededBy);
        Assert.Equal(["/usr/bin/app", "/usr/bin/other"], missing.Programs);
    }

    [Fact]
    public void SaysWhereALibraryLiesThatTheLoaderDoesNotLookAt()
    {
        host.Program("/usr/bin/app", "libx.so");
        host.Library("/opt/x/libx.so");
        Assert.Equal("/opt/x/libx.so", Assert.Single(Missing()).Elsewhere);
    }

    [Fact]
    public void NamesAVersionAndTheLibraryThatShouldDefineIt()
    {
        Needs("/usr/bin/app", "libc.so.6", "GLIBC_2.34", "GLIBC_2.38");
        MissingDependency missing = Assert.Single(Missing());
        Assert.Equal((MissingKind.Version, "GLIBC_2.38", Lib + "/libc.so.6"), (missing.Kind, missing.Name, missing.Provider));
        Assert.Equal("GLIBC_2.38 is not defined by /usr/lib/x86_64-linux-gnu/libc.so.6; /usr/bin/app needs it", missing.Message);
    }

    [Fact]
    public void ALibraryWithoutVersionsIsTakenAsItIs()
    {
        Needs("/usr/bin/app", "libx.so", "X_1");
        host.Library(Lib + "/libx.so");
        Assert.Empty(Missing());
    }

    [Fact]
    public void NamesInterpretersOfProgramsAndOfScripts()
    {
        host.Elf("/usr/bin/musl", new ElfBuilder { Interpreter = "/lib/ld-musl-x86_64.so.1" }, executable: true);
        host.Write("/usr/bin/script", "#!/usr/bin/env perl\n", executable: true);
        host.Program("/usr/bin/env");
        host.Write("/usr/share/doc/example", "#!/usr/bin/ruby\n", executable: true);
        Assert.Equal(["/lib/ld-musl-x86_64.so.1", "perl"], Missing().Select(m => m.Name));
        Assert.All(Missing(), m => Assert.Equal(MissingKind.Interpreter, m.Kind));
    }

    [Fact]
    public void APlugInMayCountOnWhatItsProgramHasLoadedButNotOnWhatIsNowhere()
    {
        host.Elf("/opt/app/bin/app", new ElfBuilder { Interpreter = HostFixture.Interpreter, Needed = ["libapp.so", "libc.so.6"],
            Runpath = "$ORIGIN/../lib" }, executable: true);
        host.Library("/opt/app/lib/libapp.so");
        host.Library("/opt/app/plugins/one.so", "libapp.so");
        Assert.Empty(Missing());
        host.Library("/opt/app/plugins/two.so", "libnowhere.so");
        MissingDependency missing = Assert.Single(Missing());
        Assert.Equal("libnowhere.so", missing.Name);
        Assert.Empty(missing.Programs);
    }

    [Fact]
    public void DamagedFilesAndProgramsForOtherMachinesAreToldApart()
    {
        host.Program("/usr/bin/app");
        host.Write("/usr/bin/broken", "\u007fELF and no more", executable: true);
        host.Elf("/opt/firmware", new ElfBuilder { Machine = 243, Interpreter = "/lib/ld-linux-riscv64-lp64d.so.1" }, executable: true);
        ImageComparison comparison = ImageComparer.Compare(host.Root);
        Assert.Empty(comparison.Missing);
        Assert.Equal([("/opt/firmware", DependencySeverity.Note), ("/usr/bin/broken", DependencySeverity.Warning)],
            comparison.Problems.Select(p => (p.Path, p.Severity)));
    }

    [NeedsFact(Tests.Needs.Launcher, "mksquashfs", "unsquashfs")]
    public void ReadsAnImageAndTellsByItsExitCode()
    {
        host.Program("/usr/bin/app", "libgone.so");
        using TemporaryDirectory images = new();
        string image = Path.Combine(images.Path, "x.sqfs");
        TinyImage.Pack(host.Root, image);
        Cli.Result said = Cli.Run("compare", image, "--json");
        Assert.Equal(1, said.ExitCode);
        JsonElement missing = JsonDocument.Parse(said.Output).RootElement;
        Assert.Equal("Library", missing.GetProperty("kind").GetString());
        Assert.Equal("libgone.so", missing.GetProperty("name").GetString());
        host.Library(Lib + "/libgone.so");
        TinyImage.Pack(host.Root, image);
        Assert.Equal((0, "", ""), Cli.Run("compare", image) is var ok ? (ok.ExitCode, ok.Output, ok.Error) : default);
        Assert.Contains("/nowhere.sqfs: there is no such image", Cli.Run("compare", "/nowhere.sqfs").Error);
    }

    /// <summary>Roots of real releases; made once for all tests of a run.</summary>
    static class Debian
    {
        static readonly Lazy<DirectoryInfo> Place = new(() =>
        {
            DirectoryInfo place = Directory.CreateTempSubdirectory("slipway-debian-");
            AppDomain.CurrentDomain.ProcessExit += (_, _) => HostProgram.Run("rm", ["-rf", place.FullName], _ => { }, _ => { });
            return place;
        });

        public static string Root(string suite)
        {
            string root = Path.Combine(Place.Value.FullName, suite);
            if (!Directory.Exists(root))
            {
                Cli.Result made = Cli.Start(Environment.UserName,
                    ["mmdebstrap", "--mode=root", "--variant=minbase", "--include=openssl,curl", suite, root]).Wait(400);
                Assert.True(made.ExitCode == 0, made.Error);
            }
            return root;
        }

        public static string Copy(string suite, TemporaryDirectory to)
        {
            string copy = Path.Combine(to.Path, "root");
            Assert.Equal(0, HostProgram.Run("cp", ["-a", Root(suite), copy], _ => { }, _ => { }));
            return copy;
        }

        public static string Find(string root, string soname) =>
            Directory.EnumerateFiles(Path.Combine(root, "usr/lib/x86_64-linux-gnu"), soname)
            .Concat(Directory.EnumerateFiles(Path.Combine(root, "lib/x86_64-linux-gnu"), soname)).First();
    }

    [NeedsTheory(Tests.Needs.Long, Tests.Needs.Network, Tests.Needs.Root, "mmdebstrap", "mksquashfs", "unsquashfs")]
    [InlineData("bullseye", "libssl.so.1.1"), InlineData("bookworm", "libssl.so.3"), InlineData("trixie", "libssl.so.3")]
    public void NamesExactlyTheLibraryThatWasDeletedFromARelease(string suite, string soname)
    {
        Assert.Empty(ImageComparer.Compare(Debian.Root(suite)).Missing);
        using TemporaryDirectory work = new();
        string root = Debian.Copy(suite, work);
        File.Delete(Debian.Find(root, soname));
        string image = Path.Combine(work.Path, "image.sqfs");
        TinyImage.Pack(root, image);
        MissingDependency missing = Assert.Single(ImageComparer.Compare(image).Missing);
        Assert.Equal((MissingKind.Library, soname), (missing.Kind, missing.Name));
        Assert.Contains("/usr/bin/openssl", missing.Programs);
        Assert.Contains("/usr/bin/curl", missing.Programs);
        Assert.DoesNotContain("/usr/bin/ls", missing.Programs);
        // the loader of the image is the judge
        Assert.Contains($"{soname}: cannot open shared object file",
            Cli.Start(Environment.UserName, ["chroot", root, "/usr/bin/openssl", "version"]).Wait().Error);
    }

    [NeedsTheory(Tests.Needs.Long, Tests.Needs.Network, Tests.Needs.Root, "mmdebstrap")]
    [InlineData("bullseye", "trixie", "libtinfo.so.6", "libc.so.6 libtinfo.so.6", "GLIBC_2. NCURSES6_TINFO_6.2.current", "/usr/bin/bash")]
    [InlineData("bookworm", "trixie", "libcrypto.so.3", "libc.so.6", "GLIBC_", "/usr/bin/openssl")]
    [InlineData("trixie", "bookworm", "libcrypto.so.3", "libcrypto.so.3", "OPENSSL_3.", "/usr/bin/openssl")]
    public void NamesExactlyTheVersionsThatALibraryOfAnotherReleaseLacks(
        string suite, string other, string soname, string providers, string prefixes, string program)
    {
        using TemporaryDirectory work = new();
        string root = Debian.Copy(suite, work);
        string place = Debian.Find(root, soname);
        string file = new FileInfo(place).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? place;
        File.Copy(new FileInfo(Debian.Find(Debian.Root(other), soname)).ResolveLinkTarget(returnFinalTarget: true)?.FullName
            ?? Debian.Find(Debian.Root(other), soname), file, overwrite: true);
        IReadOnlyList<MissingDependency> missing = ImageComparer.Compare(root).Missing;
        Assert.NotEmpty(missing);
        Assert.All(missing, m => Assert.Equal(MissingKind.Version, m.Kind));
        Assert.All(missing, m => Assert.Contains(prefixes.Split(' '), p => m.Name.StartsWith(p, StringComparison.Ordinal)));
        Assert.All(missing, m => Assert.Contains(
            providers.Split(' '), p => m.Provider!.Contains(
                "/" + p[..p.IndexOf(".so", StringComparison.Ordinal)], StringComparison.Ordinal)));
        Assert.Contains(missing, m => m.Programs.Contains(program)
            || m.Programs.Contains(program.Replace("/usr", "", StringComparison.Ordinal)));
        // the loader of the image is the judge: it names each of them, and no other
        Cli.Result said = Cli.Start(Environment.UserName,
            ["chroot", root, "/usr/bin/env", "-i", "LD_BIND_NOW=1", "LD_TRACE_LOADED_OBJECTS=1", program]).Wait();
        foreach (MissingDependency? version in missing.Where(m => m.Programs.Contains(program)))
            Assert.Contains($"version `{version.Name}' not found", said.Error + said.Output);
    }
}
