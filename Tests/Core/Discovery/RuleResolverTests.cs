using Slipway.Discovery;
using Slipway.Readers;

namespace Slipway.Tests.Discovery;

/// <summary>Rules for what the loader cannot see: the built-in ones on trees as their programs lay them out, and the site's.</summary>
public sealed class RuleResolverTests : IDisposable
{
    const string Lib = HostFixture.Lib;

    readonly HostFixture host = new();

    public void Dispose() => host.Dispose();

    void Add(string path)
    {
        if (path.Contains(".so", StringComparison.Ordinal))
            host.Library(path);
        else
            host.Write(path, "x\n");
    }

    [Theory]
    [InlineData("openmpi", "/usr/lib/x86_64-linux-gnu/libopen-pal.so.40", "/usr/lib/x86_64-linux-gnu/openmpi/lib/openmpi3/mca_btl_tcp.so",
        "/usr/share/openmpi/help-mpi-runtime.txt", "/etc/openmpi/openmpi-mca-params.conf")]
    [InlineData("openmpi", "/opt/ompi/lib/libopen-pal.so.80", "/opt/ompi/lib/openmpi/mca_pml_ob1.so",
        "/opt/ompi/share/openmpi/help-mpi-runtime.txt", "/opt/ompi/etc/openmpi-mca-params.conf")]
    [InlineData("pmix", "/usr/lib/x86_64-linux-gnu/pmix2/lib/libpmix.so.2",
        "/usr/lib/x86_64-linux-gnu/pmix2/lib/pmix/pmix_mca_psec_munge.so",
        "/usr/lib/x86_64-linux-gnu/pmix2/share/pmix/help-pmix-server.txt")]
    [InlineData("prrte", "/opt/prrte/lib/libprrte.so.3", "/opt/prrte/lib/prte/prte_mca_plm_ssh.so",
        "/opt/prrte/share/prte/help-prterun.txt")]
    [InlineData("ucx", "/usr/lib/x86_64-linux-gnu/libucs.so.0", "/usr/lib/x86_64-linux-gnu/ucx/libuct_ib.so.0", "/etc/ucx/ucx.conf")]
    [InlineData("libfabric", "/opt/fabric/lib64/libfabric.so.1", "/opt/fabric/lib64/libfabric/libcxi-fi.so")]
    [InlineData("libibverbs", "/usr/lib/x86_64-linux-gnu/libibverbs.so.1", "/usr/lib/x86_64-linux-gnu/libibverbs/libmlx5-rdmav34.so",
        "/etc/libibverbs.d/mlx5.driver")]
    [InlineData("hcoll", "/opt/mellanox/hcoll/lib/libhcoll.so.1", "/opt/mellanox/hcoll/lib/hcoll/hmca_bcol_ucx_p2p.so",
        "/opt/mellanox/hcoll/etc/hmca.conf")]
    [InlineData("ucc", "/opt/ucc/lib/libucc.so.1", "/opt/ucc/lib/ucc/libucc_tl_ucp.so", "/opt/ucc/share/ucc.conf")]
    [InlineData("slurm", "/usr/lib/x86_64-linux-gnu/libslurm.so.38", "/usr/lib/x86_64-linux-gnu/slurm-wlm/auth_munge.so")]
    [InlineData("hwloc", "/usr/lib/x86_64-linux-gnu/libhwloc.so.15", "/usr/lib/x86_64-linux-gnu/hwloc/hwloc_pci.so")]
    [InlineData("openssl", "/usr/lib/x86_64-linux-gnu/libcrypto.so.3", "/usr/lib/x86_64-linux-gnu/ossl-modules/legacy.so",
        "/usr/lib/x86_64-linux-gnu/engines-3/afalg.so", "/etc/ssl/openssl.cnf")]
    [InlineData("certificates", "/usr/lib/x86_64-linux-gnu/libssl.so.3", "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem")]
    [InlineData("fontconfig", "/usr/lib/x86_64-linux-gnu/libfontconfig.so.1", "/etc/fonts/conf.d/10-a.conf",
        "/usr/share/fonts/truetype/a.ttf")]
    [InlineData("terminfo", "/usr/lib/x86_64-linux-gnu/libtinfo.so.6", "/lib/terminfo/x/xterm-256color", "/usr/share/terminfo/t/tmux")]
    [InlineData("sasl", "/usr/lib/x86_64-linux-gnu/libsasl2.so.2", "/usr/lib/x86_64-linux-gnu/sasl2/libplain.so.2")]
    public void ALibraryBringsItsPlugIns(string rule, string library, params string[] expected)
    {
        host.Library(library);
        foreach (string path in expected)
            Add(path);
        Add("/usr/share/unrelated/help-x.txt");
        DependencySet found = host.Find(library);
        foreach (string path in expected)
        {
            ImageDependency file = found.File(path.StartsWith("/lib/", StringComparison.Ordinal) ? "/usr" + path : path);
            Assert.Equal((rule, library), (file.Rule, file.AskedBy));
            Assert.NotEmpty(file.Why);
        }
        Assert.DoesNotContain("/usr/share/unrelated/help-x.txt", found.Paths());
        Assert.Empty(found.Errors());
    }

    [Fact]
    public void WhatAPlugInNeedsComesTooAndWhatTheProgramHasLoadedNeedNot()
    {
        host.Elf(
            "/opt/app/bin/app", new ElfBuilder { Interpreter = HostFixture.Interpreter,
                Needed = ["libucs.so.0", "libprivate.so", "libc.so.6"], Runpath = "$ORIGIN/../lib" }, executable: true);
        host.Library("/opt/app/lib/libprivate.so");
        host.Library(Lib + "/libucs.so.0");
        host.Library(Lib + "/ucx/libuct_ib.so.0", "libprivate.so", "libverbs.so");
        host.Library(Lib + "/libverbs.so");
        DependencySet found = host.Find("/opt/app/bin/app");
        Assert.Empty(found.Problems);
        Assert.Equal(Lib + "/ucx/libuct_ib.so.0", found.File(Lib + "/libverbs.so").AskedBy);
        host.Library(Lib + "/ucx/libuct_gone.so.0", "libgone.so");
        Assert.Contains(Lib + "/ucx/libuct_gone.so.0: it needs libgone.so", Assert.Single(host.Find("/opt/app/bin/app").Errors()));
    }

    [Fact]
    public void ServicesOfNsswitchComeForProgramsThatLookUp()
    {
        host.Write("/etc/nsswitch.conf",
            "# a comment: sss\npasswd:  files [NOTFOUND=continue] sss\t systemd\n"
            + "hosts: files mdns4_minimal [NOTFOUND=return] dns\nautomount: ldap\n");
        foreach (string? service in new[] { "sss", "systemd", "mdns4_minimal", "ldap", "return", "other" })
            host.Library($"{Lib}/libnss_{service}.so.2");
        host.Write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
        host.Elf("/usr/bin/id", new ElfBuilder { Interpreter = HostFixture.Interpreter, Needed = ["libc.so.6"], Imports = ["getpwuid"] },
            executable: true);
        host.Program("/usr/bin/true");
        DependencySet found = host.Find("id");
        Assert.Equal(["libnss_mdns4_minimal.so.2", "libnss_sss.so.2", "libnss_systemd.so.2"],
            found.Files.Where(f => f.Path.Contains("libnss", StringComparison.Ordinal)).Select(f => System.IO.Path.GetFileName(f.Path)));
        Assert.Contains("/etc/passwd", found.Paths());
        Assert.Contains(found.Problems, p => p.Severity == DependencySeverity.Note
            && p.Message.Contains("/var/lib/sss/pipes", StringComparison.Ordinal));
        Assert.DoesNotContain(host.Find("true").Files, f => f.Rule == "nss");
    }

    [Theory]
    [InlineData("iconv_open", "gconv", "/usr/lib/x86_64-linux-gnu/gconv/ISO8859-1.so")]
    [InlineData("iconv_open", "gconv", "/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.d/extra.conf")]
    [InlineData("setlocale", "locale", "/usr/lib/locale/C.utf8/LC_CTYPE")]
    [InlineData("tzset", "timezone", "/usr/share/zoneinfo/Europe/Berlin")]
    public void ASymbolBringsTheDataThatItTakes(string symbol, string rule, string path)
    {
        Add(path);
        host.Elf("/usr/bin/app", new ElfBuilder { Interpreter = HostFixture.Interpreter, Needed = ["libc.so.6"], Imports = [symbol] },
            executable: true);
        host.Program("/usr/bin/other");
        Assert.Equal(rule, host.Find("app").File(path).Rule);
        Assert.DoesNotContain(path, host.Find("other").Paths());
    }

    [Fact]
    public void PlugInsThatNoProgramOfTheImageUsesStayOut()
    {
        foreach (string? plugin in new[] { "/hwloc/hwloc_pci.so", "/hwloc/hwloc_gl.so", "/hwloc/hwloc_xml_libxml.so",
            "/sasl2/libplain.so.2", "/sasl2/libsasldb.so.2", "/openmpi/lib/openmpi3/mca_pml_ob1.so",
            "/openmpi/lib/openmpi3/mca_spml_ucx.so" })
            host.Library(Lib + plugin);
        foreach (string? library in new[] { "libhwloc.so.15", "libsasl2.so.2", "libopen-pal.so.40", "liboshmem.so.40" })
            host.Library($"{Lib}/{library}");
        ElfBuilder Program(string[] needed, string[] imports) =>
            new() { Interpreter = HostFixture.Interpreter, Needed = [.. needed, "libc.so.6"], Imports = imports };
        host.Elf("/usr/bin/client", Program(["libhwloc.so.15", "libsasl2.so.2", "libopen-pal.so.40"], ["sasl_client_new"]),
            executable: true);
        host.Elf("/usr/bin/server", Program(["libsasl2.so.2"], ["sasl_server_new"]), executable: true);
        host.Elf("/usr/bin/shmem", Program(["liboshmem.so.40"], []), executable: true);
        string[] Plugins(string program) =>
            [.. host.Find(program).Paths().Where(p => p.Count(c => c == '/') > 4).Select(p => System.IO.Path.GetFileName(p))
                .Order(StringComparer.Ordinal)];
        Assert.Equal(["hwloc_pci.so", "libplain.so.2", "mca_pml_ob1.so"], Plugins("client"));
        Assert.Equal(["libplain.so.2", "libsasldb.so.2"], Plugins("server"));
        Assert.Equal(["mca_spml_ucx.so"], Plugins("shmem"));
    }

    [Fact]
    public void TheCPlusPlusLibraryAloneBringsFewCharacterSets()
    {
        host.Elf(Lib + "/libstdc++.so.6", new ElfBuilder { Soname = "libstdc++.so.6", Needed = ["libc.so.6"], Imports = ["iconv_open"] });
        foreach (string? module in new[] { "ISO8859-1", "IBM1390" })
            host.Library($"{Lib}/gconv/{module}.so");
        host.Program("/usr/bin/solver", "libstdc++.so.6");
        host.Elf("/usr/bin/convert", new ElfBuilder { Interpreter = HostFixture.Interpreter, Needed = ["libstdc++.so.6", "libc.so.6"],
            Imports = ["iconv_open"] }, executable: true);
        Assert.Contains(Lib + "/gconv/ISO8859-1.so", host.Find("solver").Paths());
        Assert.DoesNotContain(Lib + "/gconv/IBM1390.so", host.Find("solver").Paths());
        Assert.Contains(Lib + "/gconv/IBM1390.so", host.Find("convert").Paths());
    }

    [Fact]
    public void ProvidersAndModulesThatAConfigurationNamesByTheirPathComeToo()
    {
        host.Library(Lib + "/libibverbs.so.1");
        host.Write("/etc/libibverbs.d/site.driver", "# ours\ndriver /opt/site/libfoo\ndriver bar\n");
        host.Library("/opt/site/libfoo-rdmav34.so");
        host.Library(Lib + "/libcrypto.so.3");
        host.Write("/etc/ssl/openssl.cnf", "[hsm]\nmodule = /opt/hsm/hsm.so\n");
        host.Library("/opt/hsm/hsm.so");
        DependencySet found = host.Find(Lib + "/libibverbs.so.1", Lib + "/libcrypto.so.3");
        Assert.Equal("libibverbs", found.File("/opt/site/libfoo-rdmav34.so").Rule);
        Assert.Equal("openssl", found.File("/opt/hsm/hsm.so").Rule);
    }

    [Fact]
    public void TooMuchIsLeftOutAndTold()
    {
        host.Library(Lib + "/libfontconfig.so.1");
        using (FileStream large = new FileStream(Directory.CreateDirectory(host.Outside("/usr/share/fonts")).FullName + "/large.ttf",
            FileMode.Create))
            large.SetLength(65L << 20);
        DependencySet found = host.Find(Lib + "/libfontconfig.so.1");
        Assert.Contains("/usr/share/fonts/large.ttf: left out", Assert.Single(found.Problems).Message);
    }

    [Fact]
    public void RulesOfTheSiteAreAppliedWithTheirOwnWords()
    {
        host.Write("/site/50-solver.yaml", """
            name: solver
            why: our solver opens its kernels by name
            rules:
              - when: {soname: ["libsolver.so.*"]}
                add: ["$ORIGIN/kernels/*.so", "$PREFIX/share/solver/**", libextra.so.1]
                note: its licence server has to be reachable
              - when: {path: "/opt/*/bin/run"}
                why: the run script reads it
                add: /etc/solver.conf
            """);
        host.Write("/site/ignored.txt", "not a rule");
        host.Library("/opt/solver/lib/libsolver.so.1");
        host.Library("/opt/solver/lib/kernels/k1.so");
        host.Library(Lib + "/libextra.so.1");
        host.Write("/opt/solver/share/solver/a/b", "x");
        host.Write("/etc/solver.conf", "x");
        host.Write("/opt/solver/bin/run", "x", executable: true);
        DependencySet found = host.Find(
            new DependencyRequest { Files = ["/opt/solver/lib/libsolver.so.1", "/opt/solver/bin/run"], SiteRules = host.Outside("/site") });
        foreach (string? path in new[] { "/opt/solver/lib/kernels/k1.so", "/opt/solver/share/solver/a/b", Lib + "/libextra.so.1" })
            Assert.Equal(("solver", "our solver opens its kernels by name"), (found.File(path).Rule, found.File(path).Why));
        Assert.Equal("the run script reads it", found.File("/etc/solver.conf").Why);
        Assert.Contains("licence server", Assert.Single(found.Problems).Message);
    }

    [Fact]
    public void ARuleWhoseExpressionTakesForEverIsCutOffAndTold()
    {
        host.Write("/site/site.yaml", "name: x\nwhy: y\nrules: [{when: {soname: libx.so}, read: /etc/x, "
            + "line: '^((a+)b?)+(?<v>x?)$', add: ['/$v']}]\n");
        host.Write("/etc/x", new string('a', 40) + "!\n");
        host.Library(Lib + "/libx.so");
        Assert.Contains("takes too long",
            Assert.Single(host.Find(new DependencyRequest { Files = [Lib + "/libx.so"], SiteRules = host.Outside("/site") }).Problems)
            .Message);
    }

    [Theory]
    [InlineData("/usr/**/lib*.so", "/usr/lib/x/liba.so", true)]
    [InlineData("/usr/**/lib*.so", "/usr/liba.so", true)]
    [InlineData("/usr/*/liba.so", "/usr/lib/x/liba.so", false)]
    [InlineData("/usr/share/doc/**", "/usr/share/doc", true)]
    [InlineData("/usr/share/doc/**", "/usr/share/docs", false)]
    [InlineData("/**", "/anything/at/all", true)]
    [InlineData("/a/?.txt", "/a/b.txt", true)]
    [InlineData("/a/?.txt", "/a/bb.txt", false)]
    [InlineData("/usr/lib*/x", "/usr/lib64/x", true)]
    public void PatternsMatchPaths(string pattern, string path, bool matches) =>
        Assert.Equal(matches, Assert.Single(PathPattern.Parse(pattern)).Matches(path));

    [Fact]
    public void AlternativesOfAPatternAreEachOne() =>
        Assert.Equal(["/a/c/e", "/a/c/f", "/b/c/e", "/b/c/f"], PathPattern.Parse("/{a,b}/c/{e,f}").Select(p => p.Text));
}
