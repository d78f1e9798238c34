using Slipway.Running;

namespace Slipway.Tests.Running;

public sealed class RunRequestTests
{
    const string Inherited = "SLIPWAY_TEST_INHERITED";

    static readonly string[] Words = ["", " ", "a", "=", "--", "--bind", "-x", ":", "é", "\n", "auto", "'", "\"", "run", "sha256:"];

    readonly Random random = new(1);

    T Pick<T>(params T[] from) => from[random.Next(from.Length)];

    string Text() => string.Concat(Enumerable.Range(0, random.Next(4)).Select(_ => Pick(Words)));

    T[] Several<T>(Func<T> one) => [.. Enumerable.Range(0, random.Next(4)).Select(_ => one())];

    bool Maybe() => random.Next(2) == 0;

    RunRequest Any() => new()
    {
        Image = Pick("x.sqfs", "./a b", "sha256:" + new string('a', 64), "-", "=", "/é"),
        Command = Several(Text),
        Binds = Several(() => new Bind(Pick("/", "/a", "/b c", "/é=--x"), Pick("/a", "/d", "/=/--"), Maybe())),
        Variables =
            Several(() => Pick(new RunVariable(Pick("A", "B_2", "-", "--env", " "), Text()),
                new RunVariable(Inherited, "here", Inherited: true))),
        Job = Maybe() ? null : Text(),
        Fabric = Pick("auto", "none", "/plan.json", "/--fabric=x"),
        WritableTmpfs = Maybe(),
        Explain = Maybe(),
        Shell = Maybe(),
    };

    static void AssertSame(RunRequest expected, RunRequest read, string because)
    {
        Assert.True(expected.Command.SequenceEqual(read.Command), because);
        Assert.True(expected.Binds.SequenceEqual(read.Binds), because);
        Assert.True(expected.Variables.SequenceEqual(read.Variables), because);
        Assert.True((expected.Image, expected.Job, expected.Fabric, expected.WritableTmpfs, expected.Explain, expected.Shell)
            == (read.Image, read.Job, read.Fabric, read.WritableTmpfs, read.Explain, read.Shell), because);
    }

    [Fact]
    public void WhatIsComposedIsReadAsItWas()
    {
        Environment.SetEnvironmentVariable(Inherited, "here");
        for (int i = 0; i < 5_000; i++)
        {
            RunRequest request = Any();
            string[] arguments = request.ToArguments();
            AssertSame(request, RunRequest.Parse(arguments), string.Join('|', arguments));
        }
    }

    /// <summary>A holder's command line is everybody's to read.</summary>
    [Fact]
    public void AHolderHasWhatMakesTheContainerAndNothingOfTheRanks()
    {
        Environment.SetEnvironmentVariable(Inherited, "here");
        for (int i = 0; i < 1_000; i++)
        {
            RunRequest request = Any();
            string[] arguments = [.. request.ContainerArguments];
            RunRequest ofHolder = RunRequest.Parse(arguments);
            Assert.Equal(request.ContainerOptions, ofHolder.ContainerOptions);
            AssertSame(request with { Variables = [], Job = null, Explain = false, Shell = false, Command = [.. request.Command.Take(1)] },
                ofHolder, string.Join('|', arguments));
        }
    }

    [Theory]
    [InlineData("--unknown", "x")]
    [InlineData("--explain=yes", "x")]
    [InlineData("--job")]
    [InlineData("--fabric", "", "x")]
    [InlineData("--env", "=x", "x")]
    [InlineData("--env", "SLIPWAY_TEST_NOT_SET", "x")]
    [InlineData("--bind", "a:b", "x")]
    [InlineData("--bind", "/a:/", "x")]
    [InlineData("--bind", "/a:/b:rx", "x")]
    [InlineData("--", "x")]
    [InlineData()]
    public void WhatCannotBeIsRefused(params string[] arguments) =>
        Assert.Equal("RunUsage", Assert.Throws<SlipwayException>(() => RunRequest.Parse(arguments)).Id);
}
