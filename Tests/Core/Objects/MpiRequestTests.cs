namespace Slipway.Tests.Objects;

public sealed class MpiRequestTests
{
    static MpiRequest Least() => new()
    {
        Image = new ContainerImage { Path = "/i.sqfs", Digest = "sha256:" + new string('0', 64), Size = 1, Manifest = new ImageManifest() },
        Command = ["a"],
    };

    [Fact]
    public void WhatIsNotAskedForIsLeftToTheLauncher()
    {
        MpiRequest request = Least();
        Assert.Null(request.Ranks);
        Assert.Null(request.RanksPerNode);
        Assert.Null(request.Timeout);
        Assert.Null(request.Launcher ?? request.BindTo ?? request.WorkingDirectory ?? request.Location);
        Assert.Equal(0, request.Nodes.Count + request.Binds.Count + request.Environment.Count + request.LauncherArguments.Count);
    }

    [Fact]
    public void TheHostsLauncherAndTheFabricAreUsedUnlessSomebodySaysOtherwise()
    {
        MpiRequest request = Least();
        Assert.Equal(MpiMode.Host, request.Mpi);
        Assert.Equal("auto", request.Fabric);
        Assert.False(request.Label);
        Assert.False(request.TryMismatch);
    }

    /// <summary>A preflight asks for the same with one thing changed.</summary>
    [Fact]
    public void ACopyWithOneThingChangedKeepsTheRest()
    {
        MpiRequest request = Least() with { Ranks = 4, Nodes = ["n1"], BindTo = "core", Fabric = "none", Timeout = TimeSpan.FromSeconds(1),
            TryMismatch = true };
        MpiRequest changed = request with { Ranks = 2 };
        Assert.Equal(4, request.Ranks);
        Assert.Equal(request, changed with { Ranks = 4 });
        Assert.NotEqual(request, changed);
        Assert.True(changed.TryMismatch);
    }
}
