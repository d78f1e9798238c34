using Slipway.Launching;

namespace Slipway.Tests.Launching;

public sealed class LaunchErrorsTests
{
    static readonly Launcher Row = LauncherTable.BuiltIn.Launchers.Single(l => l.Name == "openmpi");

    [Fact]
    public void EachSaysWhatToDoAboutIt()
    {
        (string Id, SlipwayException Error)[] all =
        [
            ("UnknownLauncher", LaunchErrors.UnknownLauncher("x", ["openmpi"], "/t")), ("NoCommand", LaunchErrors.NoCommand()),
            ("BadRanks", LaunchErrors.TooFewRanks(0)),
            ("BadRanks", LaunchErrors.TooFewRanksPerNode(0)), ("BadRanks", LaunchErrors.RanksDoNotFit(9, 2, 4)),
            ("BadRanks", LaunchErrors.OneRankOnEachNode(Row, 3, 2)),
            ("NoRanks", LaunchErrors.RanksUnknown("flux", 2)), ("BadVariable", LaunchErrors.BadVariable("A B")),
            ("BadTimeout", LaunchErrors.BadTimeout(TimeSpan.Zero)),
            ("MpiImageIsHere", LaunchErrors.ImageLauncherIsHere("n1")), ("NoImageLauncher", LaunchErrors.ImageNotRead("/i", "why")),
            ("NoImageLauncher", LaunchErrors.NoImageLauncher("/i", ["mpirun"])),
            ("NoImageLauncher", LaunchErrors.NoImageLauncherFits("/i", ["mpirun"], [], ["x"])),
            ("NoLauncher", LaunchErrors.NoLauncher(["x"], "/t")),
            ("MpiMismatch", LaunchErrors.Mismatch("/i", [new MpiVerdict(MpiFit.Refuse, "a", "b", "they differ", "take another")])),
            ("NodesNotChosen", LaunchErrors.NodesNotChosen(Row)), ("RanksPerNodeNotChosen", LaunchErrors.RanksPerNodeNotChosen(Row)),
            ("BindToNotChosen", LaunchErrors.BindToNotChosen(Row, "tile")),
            ("WorkingDirectoryNotChosen", LaunchErrors.DirectoryNotChosen(Row)),
            ("ProgramNotStarted", LaunchErrors.LauncherNotStarted("/p", "/nowhere", new IOException("why"))),
            ("LaunchersInvalid", LaunchErrors.TableNotRead("/t", "why", new IOException())),
        ];
        Assert.All(all, e => Assert.Equal(e.Id, e.Error.Id));
        Assert.All(all, e => Assert.False(string.IsNullOrEmpty(e.Error.Recommendation), e.Id));
        Assert.Equal(all.Length, all.Select(e => e.Error.Message).Distinct().Count());
    }

    [Fact]
    public void WhatIsTheSameOfSeveralLaunchersIsSaidOnce()
    {
        MpiVerdict verdict = new(MpiFit.Refuse, "a", "b", "they differ", "take another");
        Assert.Equal("/i: they differ; also", LaunchErrors.Mismatch("/i", [verdict, verdict, verdict with { Reason = "also" }]).Message);
    }

    [Fact]
    public void BindingsThatThereAreAreNamed() =>
        Assert.Contains("core", LaunchErrors.BindToNotChosen(Row, "tile").Recommendation, StringComparison.Ordinal);
}
