using Slipway.Readers;
using Slipway.Readers.Packages;

namespace Slipway.Tests.Readers;

public sealed class DpkgDatabaseTests
{
    [Fact]
    public void TheInstalledAreListedByNameAndArchitectureWithTheirEpochs()
    {
        using TemporaryDirectory root = new();
        static string Package(string name, string state, string version, string architecture) =>
            $"Package: {name}\nStatus: {state}\nArchitecture: {architecture}\nVersion: {version}\nDescription: x\n Package: y\n\n";
        root.Write("var/lib/dpkg/status", Package("zlib1g", "install ok installed", "1:1.3-1", "amd64")
            + Package("libc6", "hold ok installed", "2.36-9", "i386")
            + Package("libc6", "install ok installed", "2.36-9", "amd64")
            + Package("half", "install reinstreq half-installed", "1", "amd64")
            + Package("again", "install reinstreq installed", "1", "amd64") + Package("gone", "deinstall ok config-files", "1", "amd64")
            + Package("none", "purge ok not-installed", "1", "amd64") + Package("open", "install ok unpacked", "1", "amd64"));
        Assert.Equal([new("again", "1", "amd64"), new("libc6", "2.36-9", "amd64"), new("libc6", "2.36-9", "i386"),
            new("zlib1g", "1:1.3-1", "amd64")],
            DpkgDatabase.InstalledIn(new RootTree(root.Path)));
    }

    [Fact]
    public void ARootWithoutDpkgHasNone()
    {
        using TemporaryDirectory root = new();
        Assert.Empty(DpkgDatabase.InstalledIn(new RootTree(root.Path)));
        Assert.Null(DpkgDatabase.TryOpen(new RootTree(root.Path)));
    }
}
