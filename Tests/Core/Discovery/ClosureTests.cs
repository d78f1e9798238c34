using System.Diagnostics;
using Slipway.Discovery;

namespace Slipway.Tests.Discovery;

/// <summary>The files that were found so far: what is taken, what stays out, and what is told of it.</summary>
public sealed class ClosureTests : IDisposable
{
    static readonly Reason Asked = new("test", null, "asked for");

    readonly HostFixture host = new();

    public void Dispose() => host.Dispose();

    [Fact]
    public void SecretsDevicesAndFifosStayOutAndAreTold()
    {
        host.Write("/etc/shadow", "root:!::");
        host.Write("/etc/ssl/private/key.pem", "secret");
        host.Write("/etc/motd", "x");
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
    public void WhatIsExcludedStaysOutWithAllThatOnlyItNeeds()
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

    [Fact]
    public void LinksThatGoRoundAreTold()
    {
        host.Program("/usr/bin/app", "libx.so.1");
        host.Link(HostFixture.Lib + "/libx.so.1", "libx.so.2");
        host.Link(HostFixture.Lib + "/libx.so.2", "libx.so.1");
        host.Link("/opt/a/b", "../a/b/c");
        Assert.Contains("it needs libx.so.1", Assert.Single(host.Find("app").Errors()));
        Assert.Contains("/opt/a/b: its symbolic links go round", Assert.Single(host.Find("/opt/a/b").Errors()));
    }

    [Fact]
    public void APathComesWithTheLinksThatLeadOnFromIt()
    {
        host.Link("/opt/a", "b");
        host.Link("/opt/b", "/opt/c");
        host.Write("/opt/c", "four");
        Closure closure = host.Closure();
        Assert.True(closure.Add("/opt/a", Asked));
        Assert.Equal([("/opt/a", DependencyKind.Link, "b", 0), ("/opt/b", DependencyKind.Link, "/opt/c", 0),
            ("/opt/c", DependencyKind.File, null, 4)],
            closure.Files.Values.Select(f => (f.Path, f.Kind, f.Target, f.Size)));
        Assert.False(closure.Add("/opt/d", Asked));
        Assert.Equal(3, closure.Files.Count);
        Assert.Empty(closure.Problems);
    }

    [Fact]
    public void AProblemIsToldOncePerFileAndRule()
    {
        Closure closure = host.Closure();
        closure.Tell(DependencySeverity.Error, "/a", "one", "x");
        closure.Tell(DependencySeverity.Error, "/a", "one", "x");
        closure.Tell(DependencySeverity.Error, "/a", "two", "x");
        closure.Tell(DependencySeverity.Error, "/b", "one", "x");
        Assert.Equal([("one", "/a: x"), ("two", "/a: x"), ("one", "/b: x")], closure.Problems.Select(p => (p.Rule, p.Message)));
    }

    [Fact]
    public void WhatStaysOutIsToldOnlyWhereAProgramNeedsIt()
    {
        host.Write("/opt/x/data", "x");
        Closure closure = host.Closure("/opt/x/**");
        Assert.True(closure.Add("/opt/x/data", new Reason("nss", "/bin/a", "reads it")));
        Assert.Empty(closure.Problems);
        Assert.True(closure.Add("/opt/x/data", new Reason("loader", "/bin/a", "needs it")));
        Assert.Equal("/opt/x/data: excluded, but /bin/a needs it", Assert.Single(closure.Problems).Message);
        Assert.Empty(closure.Files);
    }

    [Theory]
    [InlineData("/etc/shadow", true)]
    [InlineData("/etc/gshadow-", true)]
    [InlineData("/etc/ssh/ssh_host_rsa_key", true)]
    [InlineData("/etc/ssh/ssh_host_rsa_key.pub", false)]
    [InlineData("/etc/slurm-llnl/slurm.key", true)]
    [InlineData("/home/alice/.ssh/id_rsa", true)]
    [InlineData("/root/.gnupg/x/y", true)]
    [InlineData("/home/alice/.bashrc", false)]
    [InlineData("/opt/closed/x", true)]
    [InlineData("/opt/open", false)]
    public void SecretsAndWhatIsExcludedStayOut(string path, bool staysOut) =>
        Assert.Equal(staysOut, host.Closure("/opt/closed/**").StaysOut(path));

    /// <summary>Writes down what it sees, and asks for one more file when all is done.</summary>
    sealed class Recorder(string last) : Resolver
    {
        public List<string> Seen { get; } = [];

        public override string Name => "recorder";

        public override void Resolve(FoundFile file, Closure closure) => Seen.Add(file.Path);

        public override void Finish(Closure closure) => closure.Add(last, Asked);
    }

    [Fact]
    public void EachFileIsLookedAtOnceAndSoIsWhatComesAtTheEnd()
    {
        foreach (string name in (string[])["a", "b", "last"])
            host.Write($"/opt/{name}", "x");
        host.Link("/opt/link", "a");
        Closure closure = host.Closure();
        foreach (string path in (string[])["/opt/a", "/opt/link", "/opt/b", "/opt/a", "/opt"])
            closure.Add(path, Asked);
        Recorder recorder = new("/opt/last");
        closure.Run([recorder], CancellationToken.None);
        Assert.Equal(["/opt/a", "/opt/b", "/opt/last"], recorder.Seen);
    }
}
