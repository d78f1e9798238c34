using Slipway.Readers;

namespace Slipway.Tests.Readers;

public sealed class PathPatternTests
{
    [Theory]
    // a star is within one component
    [InlineData("/usr/lib/*.so", "/usr/lib/liba.so", true)]
    [InlineData("/usr/lib/*.so", "/usr/lib/x/liba.so", false)]
    [InlineData("/usr/lib/*.so", "/usr/lib/liba.so.1", false)]
    [InlineData("/usr/lib/*", "/usr/lib", false)]
    [InlineData("/usr/*/a", "/usr/lib/a", true)]
    [InlineData("/usr/*/a", "/usr/lib/x/a", false)]
    [InlineData("/usr/li*/a", "/usr/lib64/a", true)]
    [InlineData("/usr/li*/a", "/usr/local/a", false)]
    // a question mark is one character
    [InlineData("/lib?/a", "/lib4/a", true)]
    [InlineData("/lib?/a", "/lib64/a", false)]
    [InlineData("/lib?/a", "/lib/a", false)]
    // two stars are any number of components
    [InlineData("/opt/**", "/opt", true)]
    [InlineData("/opt/**", "/opt/a/b", true)]
    [InlineData("/opt/**", "/optional", false)]
    [InlineData("/opt/**/a", "/opt/a", true)]
    [InlineData("/opt/**/a", "/opt/x/y/a", true)]
    [InlineData("/opt/**/a", "/opt/x/y/b", false)]
    [InlineData("/**/lib/**/*.so", "/usr/lib/x/y.so", true)]
    [InlineData("/**/lib/**/*.so", "/usr/lib64/x/y.so", false)]
    // without a wildcard it is that path
    [InlineData("/etc/passwd", "/etc/passwd", true)]
    [InlineData("/etc/passwd", "/etc/passwd-", false)]
    [InlineData("/etc/passwd", "/etc/passwd/x", false)]
    [InlineData("/etc/", "/etc", true)]
    [InlineData("/etc/PASSWD", "/etc/passwd", false)]
    public void APathMatchesComponentByComponent(string pattern, string path, bool matches) =>
        Assert.Equal(matches, Assert.Single(PathPattern.Parse(pattern)).Matches(path));

    [Theory]
    [InlineData("/a", "/a")]
    [InlineData("/{a,b}", "/a /b")]
    [InlineData("/{a,b}/{c,d}", "/a/c /a/d /b/c /b/d")]
    [InlineData("/x{,64}", "/x /x64")]
    [InlineData("/{a", "/{a")]
    [InlineData("/a}", "/a}")]
    public void BracesAreOnePatternForEachAlternative(string text, string patterns)
    {
        PathPattern[] all = [.. PathPattern.Parse(text)];
        Assert.Equal(patterns.Split(' '), all.Select(p => p.ToString()));
        Assert.Equal(patterns.Split(' '), all.Select(p => p.Text));
    }

    [Fact]
    public void AThousandAlternativesAreTheMost()
    {
        string List(int count) => "{" + string.Join(',', Enumerable.Range(0, count)) + "}";
        Assert.Equal(1000, PathPattern.Parse("/" + List(10) + List(10) + List(10)).Count());
        Assert.Equal("PatternTooLarge", Assert.Throws<SlipwayException>(() => PathPattern.Parse("/" + List(1001))).Id);
    }

    [Fact]
    public void ComponentsAreWhatStandsBetweenSlashes() =>
        Assert.Equal(["usr", "**", "*.so"], Assert.Single(PathPattern.Parse("/usr//**/*.so")).Components);

    [Theory]
    [InlineData("lib*", true)]
    [InlineData("l?b", true)]
    [InlineData("lib", false)]
    [InlineData("", false)]
    public void StarsAndQuestionMarksAreWild(string component, bool wild) => Assert.Equal(wild, PathPattern.IsWild(component));

    [Theory]
    [InlineData("liba.so", "liba.so", true)]
    [InlineData("liba.so", "liba.so.1", false)]
    [InlineData("liba.so.1", "liba.so", false)]
    [InlineData("lib*.so", "lib.so", true)]
    [InlineData("lib*so", "lib.os", false)]
    [InlineData("", "", true)]
    public void ANameMatchesAsAWhole(string pattern, string name, bool matches) =>
        Assert.Equal(matches, PathPattern.MatchesName(pattern, name));
}
