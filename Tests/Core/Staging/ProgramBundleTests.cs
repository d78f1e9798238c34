using Slipway.Linux;
using Slipway.Staging.Controller;
using Slipway.Staging.Node;

namespace Slipway.Tests.Staging;

/// <summary>How our program gets to a node that lacks it.</summary>
public sealed class ProgramBundleTests
{
    public ProgramBundleTests() => SlipwayProgram.Path = Cli.Program;

    [NeedsFact(Needs.Launcher)]
    public void IsNamedByTheDigestsOfItsFiles()
    {
        string[] files = [.. new[] { "", "-full" }.Select(f => Cli.Program + f).Where(File.Exists)];
        Assert.Equal(string.Join('-', files.Select(f => Digest.OfFile(f)["sha256:".Length..][..16])), ProgramBundle.Own.Name);
        List<string> arguments = ProgramBundle.Own.Arguments("request", bring: true);
        Assert.Equal([ProgramBundle.Own.Name, Cli.Program], arguments[..2]);
        Assert.Equal("request", arguments[3]);
        Assert.Equal(4 + (3 * files.Length), arguments.Count);
        using MemoryStream sent = new();
        ProgramBundle.Own.WriteTo(sent);
        Assert.Equal(files.Sum(f => new FileInfo(f).Length), sent.Length);
    }

    [NeedsFact(Needs.Launcher)]
    public void LiesAtOnePathOnEveryNode()
    {
        string path = ProgramBundle.Own.LinkHere();
        Assert.Equal(ProgramPlace.Of(ProgramBundle.Own.Name), path);
        Assert.Equal(Digest.OfFile(Cli.Program), Digest.OfFile(path));
    }

    /// <summary>It goes through the login shells of nodes, whatever those are, between single quotes, as one line.</summary>
    [Fact]
    public void TheScriptIsOneLineWithoutASingleQuote() => Assert.DoesNotContain(ProgramBundle.ScriptText, c => c is '\'' or '\n');
}
