using Slipway.Preflight;
using Slipway.Running;

namespace Slipway.Tests.Preflight;

public sealed class PreflightArgumentsTests
{
    [Theory]
    [InlineData("libmpi.so.40")]
    [InlineData(null)]
    public void TheyAreReadAsTheyAreWritten(string? library)
    {
        RunRequest run = new() { Image = "x.sqfs", Fabric = "none", Variables = [new RunVariable("A", "b c")],
            Command = ["mpirun", "-np", "2"] };
        PreflightArguments arguments = new(60, 4, library, run), read = PreflightArguments.Parse(arguments.ToArguments());
        Assert.Equal((60u, 4, library), (read.Seconds, read.Ranks, read.Library));
        Assert.Equal(run.ToArguments(), read.Run.ToArguments());
    }

    [Theory]
    [InlineData()]
    [InlineData("60", "2")]
    [InlineData("0", "2", "-", "x.sqfs")]
    [InlineData("3601", "2", "-", "x.sqfs")]
    [InlineData("-1", "2", "-", "x.sqfs")]
    [InlineData("60", "two", "-", "x.sqfs")]
    public void OthersAreNotOurs(params string[] arguments) =>
        Assert.Equal("PreflightUsage", Assert.Throws<SlipwayException>(() => PreflightArguments.Parse(arguments)).Id);
}
