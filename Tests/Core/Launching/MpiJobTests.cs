using Slipway.Launching;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Launching;

public class MpiJobTests
{
    static MpiRequest Request(string[] command, int ranks = 2, string[]? nodes = null, string? launcher = null) => new()
    {
        Image = new ContainerImage { Path = "/data/app.sqfs", Digest = "sha256:" + new string('a', 64), Size = 1 },
        Command = command,
        Ranks = ranks,
        Nodes = nodes ?? [],
        Launcher = launcher,
    };

    [Theory]
    [InlineData("-oProxyCommand=reboot")]
    [InlineData("n1;reboot")]
    [InlineData("n 1")]
    [InlineData("")]
    public void RefusesANodeNameThatIsNone(string node) =>
        Assert.Equal("BadNodeName", Assert.Throws<SlipwayException>(() => MpiJob.Plan(Request(["true"], nodes: [node]))).Id);

    [Fact]
    public void RefusesAnUnknownLauncherAndNamesTheKnownOnes()
    {
        SlipwayException error = Assert.Throws<SlipwayException>(() => MpiJob.Plan(Request(["true"], launcher: "aprun")));
        Assert.Equal("UnknownLauncher", error.Id);
        Assert.Contains("openmpi", error.Recommendation, StringComparison.Ordinal);
    }

    [Fact]
    public void RefusesNoCommandAndNoRanks()
    {
        Assert.Equal("NoCommand", Assert.Throws<SlipwayException>(() => MpiJob.Plan(Request([]))).Id);
        Assert.Equal("BadRanks", Assert.Throws<SlipwayException>(() => MpiJob.Plan(Request(["true"], ranks: 0))).Id);
    }

    [NeedsFact(Needs.Launcher, "mpirun")]
    public void ComposesTheExactCommandLine()
    {
        Slipway.Linux.SlipwayProgram.Path = Cli.Program;
        RunnablePlan plan = MpiJob.Plan(Request(["lmp", "-in", "my file"], ranks: 5, nodes: ["n1", "n2"], launcher: "openmpi"));
        string[] root = geteuid() == 0 ? ["--allow-run-as-root"] : [];
        Assert.Equal([.. root, "-np", "5", "--host", "n1:3,n2:2", Cli.Program, "run", "/data/app.sqfs", "--", "lmp", "-in", "my file"],
            plan.Arguments);
        Assert.EndsWith("-- lmp -in 'my file'", plan.CommandLine, StringComparison.Ordinal);
        Assert.Contains(plan.Reasons, r => r.StartsWith("-np 5: ", StringComparison.Ordinal));
    }

    [NeedsFact(Needs.Launcher, "mpirun")]
    public void NamesAPublishedImageByItsDigest()
    {
        Slipway.Linux.SlipwayProgram.Path = Cli.Program;
        MpiRequest request = Request(["true"]);
        request.Image.Placements =
        [
            new Placement
            {
                Node = "n1", Path = "/c/x", Digest = request.Image.Digest, Bytes = 1, Seconds = 0, Transport = Transport.Local, Hit = true,
            },
        ];
        Assert.Contains(request.Image.Digest, MpiJob.Plan(request).Arguments);
    }
}
