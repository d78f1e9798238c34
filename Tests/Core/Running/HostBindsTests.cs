using Slipway.Cache;
using Slipway.Running;

namespace Slipway.Tests.Running;

/// <summary>Of this process: its home, directory and variables are as they are.</summary>
public sealed class HostBindsTests
{
    static List<HostBind> Make(params string[] arguments) =>
        HostBinds.Make(RunRequest.Parse([.. arguments, "/x.sqfs"]), null, new SiteConfiguration());

    [Fact]
    public void WhatIsAlwaysThereComesFirst()
    {
        List<HostBind> binds = Make();
        Assert.Equal(["/dev", "/proc", "/sys", "/tmp"], binds.Take(4).Select(b => b.Destination));
        Assert.All(binds.Take(4), b => Assert.True(b is { Literal: true, ReadOnly: false, Why: "always" } && b.Source == b.Destination));
    }

    [Fact]
    public void NothingIsShownTwice()
    {
        List<HostBind> binds = Make();
        Assert.All(binds, bind => Assert.DoesNotContain(binds,
            b => b != bind && LauncherPaths.IsBelow(bind.Destination, b.Destination) && binds.IndexOf(b) < binds.IndexOf(bind)));
    }

    [Fact]
    public void WhatIsAskedForComesLastAsItWasAskedFor()
    {
        using TemporaryDirectory directory = new();
        Assert.Equal(new HostBind(directory.Path, "/mnt/x", true, false, "--bind"), Make("--bind", directory.Path + ":/mnt/x:ro")[^1]);
        Assert.Equal(new HostBind(directory.Path, directory.Path, false, false, "--bind"), Make("--bind", directory.Path)[^1]);
    }

    [Fact]
    public void WhatIsAskedForAndIsNotThereIsAnError()
    {
        SlipwayException error = Assert.Throws<SlipwayException>(() => Make("--bind", "/nowhere/x:/mnt"));
        Assert.Equal(("BindSourceNotFound", "--bind /nowhere/x:/mnt: '/nowhere/x' is not there"), (error.Id, error.Message));
    }

    [Fact]
    public void APlansFilesAreShownReadOnly()
    {
        FabricPlan plan = new() { Verdict = FabricRung.Provider, Reason = "x",
            Binds = [new FabricBind("/usr/lib/libx.so", "/opt/x/libx.so")] };
        HostBind bind = HostBinds.Make(RunRequest.Parse(["/x.sqfs"]), plan, new SiteConfiguration())
            .Single(b => b.Why == "the fabric plan");
        Assert.Equal(new HostBind("/usr/lib/libx.so", "/opt/x/libx.so", true, false, "the fabric plan"), bind);
    }
}
