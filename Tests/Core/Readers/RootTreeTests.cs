using Slipway.Readers;

namespace Slipway.Tests.Readers;

public sealed class RootTreeTests : IDisposable
{
    readonly TemporaryDirectory root = new();

    RootTree Tree => new(root.Path);

    public void Dispose() => root.Dispose();

    [Theory]
    [InlineData("/a/file", "/a/file")]
    [InlineData("/absolute/file", "/a/file")]
    [InlineData("/a/up/file", "/a/file")]
    [InlineData("/a/outside/file", "/a/file")]
    [InlineData("/a/../a/./file/", "/a/file")]
    public void ALinkMeansWhatItMeansInside(string path, string canonical)
    {
        root.Write("a/file", "x");
        root.Link("absolute", "/a");
        root.Link("a/up", "../a");
        root.Link("a/outside", "../../../../../../../a");
        Assert.Equal(canonical, Tree.Resolve(path).Path);
        Assert.Equal("x", Tree.Text(path));
        Assert.Equal(root.Path + canonical, Tree.Find(path));
    }

    [Fact]
    public void NoLinkLeadsOut()
    {
        root.Link("etc", "/../../../etc");
        root.Link("passwd", "/etc/passwd");
        Assert.Null(Tree.Text("/etc/passwd"));
        Assert.Null(Tree.Text("/passwd"));
        Assert.Null(Tree.Small("/etc/../passwd"));
        Assert.Empty(Tree.List("/etc"));
    }

    [Fact]
    public void WhatIsMissingKeepsItsNameInTheDirectoryThatItWouldBeIn()
    {
        root.Write("real/file", "x");
        root.Link("link", "/real");
        Assert.Equal(new ResolvedPath("/real/none/deep", FileKind.None, ["/link"]).Path, Tree.Resolve("/link/none/deep").Path);
        Assert.False(Tree.Resolve("/real/file/below").Exists);
        Assert.Null(Tree.Find("/link/none"));
    }

    [Fact]
    public void LinksThatGoRoundAreALoop()
    {
        root.Link("a", "b");
        root.Link("b", "a");
        Assert.True(Tree.Resolve("/a").Loop);
        Assert.True(Tree.Resolve("/a/x").Loop);
        Assert.Equal("b", Tree.LinkName("/a"));
    }

    /// <summary>Each names the one before it twice: a path of 30 of them would have a thousand million links.</summary>
    [Fact]
    public void NoMoreLinksAreFollowedThanTheKernelFollows()
    {
        root.Write("0/file", "x");
        for (int i = 1; i <= 30; i++)
            root.Link($"{i}", $"{i - 1}/../{i - 1}");
        Assert.Equal("x", Tree.Text("/5/file"));
        Assert.True(Tree.Resolve("/6/file").Loop);
        Assert.True(Tree.Resolve("/30/file").Loop);
        Assert.False(File.Exists(root.Path + "/6/file"));
        Assert.True(File.Exists(root.Path + "/5/file"));
    }

    [Fact]
    public void ATreeIsOneLookAndAnotherSeesWhatHasChanged()
    {
        root.Write("sys/class/a/state", "down\n");
        RootTree tree = Tree;
        Assert.Equal(["a"], tree.List("/sys/class"));
        Assert.Equal("down", tree.Small("/sys/class/a/state"));
        root.Write("sys/class/b/state", "up\n");
        root.Write("sys/class/a/state", "up\n");
        // names are kept, content is not
        Assert.Equal(["a"], tree.List("/sys/class"));
        Assert.Equal("up", tree.Small("/sys/class/a/state"));
        Assert.Equal(["a", "b"], tree.Another().List("/sys/class"));
        Directory.Delete(root.Path + "/sys/class/a", recursive: true);
        Assert.Null(tree.Small("/sys/class/a/state"));
    }

    [Fact]
    public void FilesOfTheKernelHaveNoSizeAndAreReadToTheirEnd()
    {
        RootTree host = new("/");
        Assert.True(host.IsHost);
        Assert.Contains("Max locked memory", host.Small("/proc/self/limits"));
        Assert.True(host.Bytes("/proc/self/environ", 1 << 20) is { Length: > 0 });
        Assert.True(host.Text("/proc/self/smaps") is { Length: > 20_000 });
    }

    [Theory]
    [InlineData(9, false)]
    [InlineData(10, false)]
    [InlineData(11, true)]
    public void AFileThatIsLargerThanItsLimitIsToldAndNotRead(int size, bool tooLarge)
    {
        root.Write("file", new string('x', size));
        RootTree tree = Tree;
        Assert.Equal(tooLarge ? null : size, tree.Bytes("/file", 10)?.Length);
        Assert.Equal(tooLarge ? ["/file"] : [], tree.TooLarge.Keys);
    }

    [Theory]
    [InlineData(RootTree.SmallText, false)]
    [InlineData(RootTree.SmallText + 1, true)]
    public void OfALongTextTheBeginningIsReadAndThatIsTold(int size, bool cut)
    {
        root.Write("file", new string('x', size));
        RootTree tree = Tree;
        Assert.Equal(RootTree.SmallText, tree.Small("/file")!.Length);
        Assert.Equal(cut ? ["/file"] : [], tree.Cut);
        Assert.Equal(7, tree.Small("/file", 7)!.Length);
    }

    [Fact]
    public void AnEmptyTextIsNone()
    {
        root.Write("empty", "");
        root.Write("blank", " \n\n");
        root.Write("number", " 17\n");
        Assert.Null(Tree.Small("/empty"));
        Assert.Null(Tree.Small("/blank"));
        Assert.Equal("", Tree.Text("/empty"));
        Assert.Equal(17, Tree.Number("/number"));
        Assert.Null(Tree.Number("/blank"));
    }

    [Theory]
    [InlineData("/lib/*.so", "/lib/a.so /lib/b.so /lib/gone.so")]
    [InlineData("/*/a.so", "/lib/a.so")]
    [InlineData("/**/deep", "/lib/x/deep")]
    [InlineData("/none/*", "")]
    public void PatternsFindNamesAndLinksThatLeadNowhere(string pattern, string found)
    {
        root.Write("lib/a.so", "");
        root.Write("lib/b.so", "");
        root.Write("lib/x/deep", "");
        root.Link("lib/gone.so", "nowhere");
        Assert.Equal(found, string.Join(' ', PathPattern.Parse(pattern).SelectMany(Tree.Glob)));
    }

    [Fact]
    public void APatternOfAProgramsConfigurationHasNoBraces()
    {
        root.Write("etc/a.conf", "");
        root.Write("etc/{a,b}.conf", "");
        Assert.Equal(["/etc/{a,b}.conf"], Tree.Glob(PathPattern.OfGlob("/etc/{a,b}.conf")));
        Assert.Equal(["/etc/a.conf", "/etc/{a,b}.conf"], Tree.Glob(PathPattern.OfGlob("/etc/**.conf")));
    }
}
