using Slipway.Readers;

namespace Slipway.Tests.Readers;

public sealed class LoaderConfigurationTests : IDisposable
{
    readonly TemporaryDirectory root = new();

    IEnumerable<string> Directories => LoaderConfiguration.Directories(new RootTree(root.Path));

    public void Dispose() => root.Dispose();

    [Fact]
    public void DirectoriesComeInTheirOrderWithThoseOfIncludedFiles()
    {
        root.Write("etc/ld.so.conf", "# first\n/opt/a\ninclude ld.so.conf.d/*.conf\n/opt/z # last\n\n/opt/a\n");
        root.Write("etc/ld.so.conf.d/2.conf", "/opt/c\n");
        root.Write("etc/ld.so.conf.d/1.conf", "/opt/b\ninclude /opt/vendor/*.conf\n");
        root.Write("etc/ld.so.conf.d/README", "/opt/readme\n");
        root.Write("opt/vendor/x.conf", "/opt/vendor/lib\n");
        root.Link("etc/ld.so.conf.d/gone.conf", "nowhere");
        Assert.Equal(["/opt/a", "/opt/b", "/opt/vendor/lib", "/opt/c", "/opt/z"], Directories);
    }

    [Fact]
    public void AFileThatIncludesItselfAddsNothingAgain()
    {
        root.Write("etc/ld.so.conf", "include /etc/*.conf\n/opt/a\ninclude /etc/ld.so.conf\n");
        Assert.Equal(["/opt/a"], Directories);
    }

    [Fact]
    public void NoFileIsNoDirectory() => Assert.Empty(Directories);

    [Fact]
    public void MoreThanAnyHostHasIsLeftOut()
    {
        root.Write("etc/ld.so.conf", string.Concat(Enumerable.Range(0, 3000).Select(i => $"/opt/{i}\n")));
        Assert.Equal(1000, Directories.Count());
    }
}
