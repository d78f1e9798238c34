using Slipway.Discovery;
using Slipway.Linux;
using Slipway.Readers;
using Slipway.Readers.Packages;

namespace Slipway.Tests.Discovery;

public sealed class PackageResolverTests : IDisposable
{
    readonly HostFixture host = new();

    public PackageResolverTests()
    {
        host.Write("/var/lib/dpkg/status", """
            Package: app
            Status: install ok installed
            Architecture: amd64
            Version: 1:2.3-4

            Package: half
            Status: install reqreinst half-installed
            Architecture: amd64
            Version: 1

            Package: gone
            Status: deinstall ok config-files
            Architecture: amd64
            Version: 1

            Package: libx1
            Status: install ok installed
            Architecture: amd64
            Multi-Arch: same
            Version: 5
            """ + "\n");
        host.Write("/var/lib/dpkg/info/app.list",
            "/.\n/bin\n/bin/app\n/etc\n/etc/app.conf\n/var\n/var/lib\n/var/lib/app\n"
            + "/usr/share/doc/app/copyright\n/usr/share/app/removed\n");
        host.Write("/var/lib/dpkg/info/half.list", "/.\n/usr/bin/half\n");
        host.Write("/var/lib/dpkg/info/libx1:amd64.list", "/.\n/lib/x86_64-linux-gnu/libx.so.1\n/usr/share/doc/libx1/copyright\n");
        host.Write("/etc/app.conf", "x");
        host.Write("/usr/share/doc/app/copyright", "app's terms");
        host.Write("/usr/share/doc/libx1/copyright", "libx's terms");
        Directory.CreateDirectory(host.Outside("/var/lib/app"));
        host.Program("/usr/bin/app", "libx.so.1");
        host.Program("/usr/bin/half");
        host.Library(HostFixture.Lib + "/libx.so.1");
    }

    public void Dispose() => host.Dispose();

    [Fact]
    public void APackageBringsItsFilesAndWhatTheyNeed()
    {
        DependencySet found = host.Find(new DependencyRequest { Packages = ["app"] });
        foreach (string? path in new[] { "/usr/bin/app", "/etc/app.conf", "/usr/share/doc/app/copyright", HostFixture.Lib + "/libx.so.1" })
            Assert.Contains(path, found.Paths());
        Assert.Equal(DependencyKind.Directory, found.File("/var/lib/app").Kind);
        Assert.Contains("/usr/share/app/removed: a file of the package app that is not there", Assert.Single(found.Problems).Message);
        Assert.Equal(["app 1:2.3-4 amd64", "libx1 5 amd64"], found.Packages.Select(p => $"{p.Name} {p.Version} {p.Architecture}"));
    }

    [Fact]
    public void EachFileHasItsPackageAndEachPackageItsLicence()
    {
        DependencySet found = host.Find("/usr/bin/app");
        Assert.Equal("app", found.File("/usr/bin/app").Package);
        // the package calls it /lib/…: before /usr was merged
        Assert.Equal("libx1", found.File(HostFixture.Lib + "/libx.so.1").Package);
        Assert.Equal(("package", "licence of the package libx1", "libx1"),
            (found.File("/usr/share/doc/libx1/copyright").Rule, found.File("/usr/share/doc/libx1/copyright").Why,
                found.File("/usr/share/doc/libx1/copyright").Package));
        Assert.Null(found.File(HostFixture.Lib + "/libc.so.6").Package);
        Assert.DoesNotContain("/etc/app.conf", found.Paths());
    }

    [Fact]
    public void AHalfInstalledPackageIsToldAlsoWhereOnlyAFileOfItIsTaken()
    {
        foreach (DependencyRequest? request in new[] { new DependencyRequest { Packages = ["half"] },
            new DependencyRequest { Programs = ["half"] } })
        {
            DependencyProblem problem = Assert.Single(host.Find(request).Problems);
            Assert.Equal(
                (DependencySeverity.Error, "package",
                    "half: the package is not wholly installed: its state is 'install reqreinst half-installed'"),
                    (problem.Severity, problem.Rule, problem.Message));
        }
    }

    [Fact]
    public void ARemovedPackageIsNone() =>
        Assert.Contains("gone: there is no installed package", Assert.Throws<DependencyNotFoundException>(() =>
            host.Find(new DependencyRequest { Packages = ["gone"] })).Message);

    [Fact]
    public void ADivertedFileIsOfThePackageThatDivertedIt()
    {
        host.Write("/var/lib/dpkg/diversions", "/usr/bin/app\n/usr/bin/app.orig\nlibx1\n");
        host.Program("/usr/bin/app.orig");
        Assert.Equal("libx1", host.Find("/usr/bin/app").File("/usr/bin/app").Package);
    }

    [Fact]
    public void ADatabaseThatChangesIsReadAgain()
    {
        Assert.Equal("app", host.Find("/usr/bin/app").File("/usr/bin/app").Package);
        host.Write("/var/lib/dpkg/status", "Package: renamed\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n");
        host.Write("/var/lib/dpkg/info/renamed.list", "/usr/bin/app\n");
        Assert.Equal("renamed", host.Find("/usr/bin/app").File("/usr/bin/app").Package);
    }

    [NeedsFact("dpkg-query")]
    public void AgreesWithDpkgAboutThisHost()
    {
        RootTree tree = new RootTree("/");
        if (DpkgDatabase.TryOpen(tree) is not { } database)
            return;
        foreach (string? name in new[] { "libc6", "bash", "coreutils", "base-files" })
        {
            InstalledPackage package = database.Find(name)!;
            Assert.Equal(HostProgram.Read("dpkg-query", "-W", "-f", "${Version}", name), package.Version);
            IOrderedEnumerable<string> expected = HostProgram.Read("dpkg-query", "-L", name)!.Split('\n')
                .Where(l => l.StartsWith('/') && l != "/.").Order();
            Assert.Equal(expected, database.Files(package).Order());
        }
        IReadOnlyDictionary<string, InstalledPackage> owned =
            database.Owners(
                [tree.Resolve("/bin/bash").Path, tree.Resolve("/bin/ls").Path, tree.Resolve("/lib/x86_64-linux-gnu/libc.so.6").Path]);
        Assert.Equal(["bash", "coreutils", "libc6"], owned.Values.Select(p => p.Name).Order());
    }

    [NeedsFact(Needs.Root, "rpm", "rpmbuild")]
    public void ReadsTheDatabaseOfRpm()
    {
        using TemporaryDirectory work = new();
        File.Delete(host.Outside("/var/lib/dpkg/status"));
        Install("1.2");
        host.Program("/usr/bin/app", "libx.so.1");

        DependencySet byPackage = host.Find(new DependencyRequest { Packages = ["rapp"] });
        const string Terms = "/usr/share/licenses/rapp/LICENSE", Library = HostFixture.Lib + "/libx.so.1";
        foreach (string path in new[] { "/usr/bin/app", "/etc/app.conf", Terms, Library })
            Assert.Contains(path, byPackage.Paths());
        DependencySet byProgram = host.Find("/usr/bin/app");
        Assert.Equal("rapp", byProgram.File("/usr/bin/app").Package);
        Assert.Null(byProgram.File(HostFixture.Lib + "/libx.so.1").Package);
        Assert.Equal(["rapp 2:1.2-3 noarch"], byProgram.Packages.Select(p => $"{p.Name} {p.Version} {p.Architecture}"));
        // what an image that is made from packages lists, and one that is made from this host, have one form
        Assert.Equal(byProgram.Packages, RpmDatabase.TryOpen(new RootTree(host.Root))!.Installed());
        Assert.Contains("/usr/share/licenses/rapp/LICENSE", byProgram.Paths());
        Assert.Throws<DependencyNotFoundException>(() => host.Find(new DependencyRequest { Packages = ["none"] }));
        // a licence, as other documentation, and a ghost may be away
        File.Delete(host.Outside("/usr/share/licenses/rapp/LICENSE"));
        Assert.DoesNotContain(host.Find("/usr/bin/app").Problems, p => p.Rule == "package");

        // what RPM knows of one whose installation, or update, was broken off
        File.Delete(host.Outside("/etc/app.conf"));
        foreach (DependencyRequest? request in new[] { new DependencyRequest { Packages = ["rapp"] },
            new DependencyRequest { Programs = ["/usr/bin/app"] } })
        {
            DependencyProblem problem = Assert.Single(host.Find(request).Problems, p => p.Path == "rapp");
            Assert.Equal(
                (DependencySeverity.Warning, "package",
                    "rapp: the package is not wholly installed: 1 of its files is missing, /etc/app.conf first (rpm -V rapp)"),
                    (problem.Severity, problem.Rule, problem.Message));
        }
        host.Write("/etc/app.conf", "x");
        Assert.DoesNotContain(host.Find("/usr/bin/app").Problems, p => p.Path == "rapp");
        Install("1.3");
        Assert.Contains("rapp: the package is not wholly installed: versions 2:1.2-3 and 2:1.3-3 are there at once: "
            + "an update was broken off",
            host.Find("/usr/bin/app").Problems.Select(p => p.Message));

        void Install(string version)
        {
            work.Write("app.spec", $$"""
                Name: rapp
                Version: {{version}}
                Epoch: 2
                Release: 3
                Summary: x
                License: MIT
                BuildArch: noarch
                %description
                x
                %install
                mkdir -p %{buildroot}/usr/bin %{buildroot}/etc %{buildroot}/usr/share/licenses/rapp
                echo x >%{buildroot}/usr/bin/app
                echo x >%{buildroot}/etc/app.conf
                echo MIT >%{buildroot}/usr/share/licenses/rapp/LICENSE
                %files
                %ghost /var/log/rapp.log
                /usr/bin/app
                %config /etc/app.conf
                %license /usr/share/licenses/rapp/LICENSE
                """);
            Cli.Result built = Cli.Start(Environment.UserName,
                ["rpmbuild", "-bb", "--define", $"_topdir {work.Path}", "--define", $"_rpmdir {work.Path}", "--define",
                    $"_dbpath {work.Path}/db", "--define", "_build_id_links none", $"{work.Path}/app.spec"]).Wait();
            Assert.True(built.ExitCode == 0, built.Error);
            Cli.Result installed = Cli.Start(
                Environment.UserName, ["rpm", "--root", host.Root, "--define", "_dbpath /var/lib/rpm", "-i", "--nodeps", "--replacefiles",
                    "--force", $"{work.Path}/noarch/rapp-{version}-3.noarch.rpm"]).Wait();
            Assert.True(installed.ExitCode == 0, installed.Error);
        }
    }
}
