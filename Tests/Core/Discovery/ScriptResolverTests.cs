using Slipway.Discovery;

namespace Slipway.Tests.Discovery;

/// <summary>What a script is started by.</summary>
public sealed class ScriptResolverTests : IDisposable
{
    readonly HostFixture host = new();

    public void Dispose() => host.Dispose();

    [Theory]
    [InlineData("#!/usr/bin/python9\n", "its interpreter '/usr/bin/python9' is not there")]
    [InlineData("#!/usr/bin/env python9\n", "its interpreter 'python9', which env looks for, is not on the PATH")]
    [InlineData("#!/usr/bin/env -S -u X A=b python9 -u\n", "its interpreter 'python9', which env looks for, is not on the PATH")]
    [InlineData("#!\n", "its first line names no interpreter")]
    [InlineData("#!bin/relative\n", "its interpreter 'bin/relative' is not there")]
    public void AScriptWhoseInterpreterIsNotThereIsTold(string text, string says)
    {
        host.Program("/usr/bin/env");
        host.Write("/usr/bin/script", text, executable: true);
        DependencyProblem problem = Assert.Single(host.Find("script").Problems, p => p.Severity == DependencySeverity.Error);
        Assert.Equal(("/usr/bin/script: " + says, "interpreter"), (problem.Message, problem.Rule));
        Assert.NotNull(problem.Recommendation);
    }

    [Fact]
    public void AFirstLineOfAMegabyteCostsNothingAndIsTold()
    {
        host.Program("/usr/bin/sh");
        host.Write("/usr/bin/long", "#!/usr/bin/sh " + new string('x', 1 << 20), executable: true);
        host.Write("/usr/bin/longer", "#!/" + new string('x', 1 << 20), executable: true);
        Assert.Contains("more than 255 bytes", Assert.Single(host.Find("long").Problems).Message);
        Assert.Contains("/usr/bin/sh", host.Find("long").Paths());
        Assert.Equal(2, host.Find("longer").Problems.Count);
        Assert.All(host.Find("longer").Problems, p => Assert.True(p.Message.Length < 400));
    }

    [Fact]
    public void ScriptsThatAreEachOthersInterpreterEnd()
    {
        host.Write("/usr/bin/a", "#!/usr/bin/b\n", executable: true);
        host.Write("/usr/bin/b", "#!/usr/bin/a\n", executable: true);
        Assert.Equal(["/usr/bin/a", "/usr/bin/b"], host.Find("a").Paths());
    }

    [Fact]
    public void NestedInterpretersAreFollowed()
    {
        host.Program("/usr/bin/env");
        host.Program("/usr/bin/real", "libx.so");
        host.Library(HostFixture.Lib + "/libx.so");
        host.Write("/usr/bin/inner", "#!/usr/bin/env -S real --flag\n", executable: true);
        host.Write("/usr/bin/outer", "#! /usr/bin/env   inner\n", executable: true);
        DependencySet found = host.Find("outer");
        Assert.Empty(found.Problems);
        Assert.Contains(HostFixture.Lib + "/libx.so", found.Paths());
        Assert.Equal("the first line of /usr/bin/outer has env look for inner", found.File("/usr/bin/inner").Why);
    }

    /// <summary>As the kernel and env(1) take a first line apart.</summary>
    [Theory]
    [InlineData("#!/usr/bin/sh", "/usr/bin/sh=/usr/bin/sh")]
    [InlineData("#! \t/usr/bin/sh -e -x", "/usr/bin/sh=/usr/bin/sh")]
    [InlineData("#!/usr/bin/gone", "/usr/bin/gone=")]
    [InlineData("#!sh", "sh=")]
    [InlineData("#!/usr/bin/env sh", "/usr/bin/env=/usr/bin/env sh=/usr/bin/sh by env")]
    [InlineData("#!/usr/bin/env /usr/bin/sh", "/usr/bin/env=/usr/bin/env /usr/bin/sh=/usr/bin/sh by env")]
    [InlineData("#!/usr/bin/env -S A=1 -u X -C /tmp sh -c", "/usr/bin/env=/usr/bin/env sh=/usr/bin/sh by env")]
    [InlineData("#!/usr/bin/env -vS sh -c", "/usr/bin/env=/usr/bin/env sh=/usr/bin/sh by env")]
    [InlineData("#!/usr/bin/env --split-string='sh' -c", "/usr/bin/env=/usr/bin/env sh=/usr/bin/sh by env")]
    [InlineData("#!/usr/bin/env -S \"s\\h\"", "/usr/bin/env=/usr/bin/env sh=/usr/bin/sh by env")]
    [InlineData("#!/usr/bin/env -S A=1", "/usr/bin/env=/usr/bin/env")]
    [InlineData("# !/usr/bin/sh", "")]
    public void AFirstLineNamesItsInterpreters(string line, string expected)
    {
        host.Program("/usr/bin/env");
        host.Program("/usr/bin/sh");
        host.Write("/opt/script", line + "\necho\n", executable: true);
        Assert.Equal(expected, string.Join(' ', Interpreters().Select(i => $"{i.Name}={i.Path}{(i.ByEnv ? " by env" : "")}")));
    }

    [Fact]
    public void WithoutSplittingAllThatFollowsEnvIsOneName()
    {
        host.Program("/usr/bin/env");
        host.Program("/usr/bin/sh");
        host.Write("/opt/script", "#!/usr/bin/env sh -e\n", executable: true);
        Assert.Equal(("sh -e", null, true), Interpreters().Last());
    }

    [Theory]
    [InlineData(255, 0)]
    [InlineData(256, 1)]
    public void TheKernelSeesTheFirst255Bytes(int length, int told)
    {
        host.Program("/usr/bin/sh");
        host.Write("/opt/script", "#!/usr/bin/sh ".PadRight(length, 'x') + "\n", executable: true);
        List<string> said = [];
        Assert.Equal("/usr/bin/sh", Interpreters(said).Single().Path);
        Assert.Equal(told, said.Count);
    }

    [Fact]
    public void AProgramIsLookedForAmongWhatMayBeExecuted()
    {
        host.Write("/opt/a/tool", "x");
        host.Write("/opt/b/tool/file", "x", executable: true);
        host.Write("/opt/c/real", "x", executable: true);
        host.Link("/opt/c/tool", "real");
        Assert.Equal("/opt/c/tool", ScriptResolver.Find("tool", ["/opt/a", "/opt/b/", "/opt/c/", "/opt/d"], host.Tree));
        Assert.Null(ScriptResolver.Find("tool", ["/opt/a", "/opt/b"], host.Tree));
    }

    IEnumerable<(string Name, string? Path, bool ByEnv)> Interpreters(List<string>? said = null) =>
        ScriptResolver.Interpreters("/opt/script", ["/usr/local/bin", "/usr/bin"], host.Tree, (_, message, _) => said?.Add(message));
}
