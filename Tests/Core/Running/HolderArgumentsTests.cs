using Slipway.Running;
using Slipway.Shared;

namespace Slipway.Tests.Running;

public sealed class HolderArgumentsTests
{
    static HolderArguments Sample => new()
    {
        Files = new HolderFiles("/run/user/1/slipway", "0123"),
        Key = "slipway-holder\njob=k\n/x.sqfs",
        Image = "/x.sqfs",
        Content = "8:1:2:3",
        Rung = "squashfuse_ll",
        Reasons = ["prolog: no", "squashfuse_ll: /usr/bin/squashfuse_ll serves the image over FUSE"],
        Mounted = "/run/slipway/mounts/1",
        Plan = "8:1:4:5.6",
        LeftOut = ["a plan", "another"],
        Options = ["--fabric", "auto", "/x.sqfs", "--", "true"],
    };

    [Fact]
    public void WhatWasSaidIsUnderstood()
    {
        HolderArguments start = Sample, again = HolderArguments.Parse([.. start.ToArguments()]);
        Assert.Equal((start.Files.Directory, start.Files.Name, start.Key, start.Image, start.Content),
            (again.Files.Directory, again.Files.Name, again.Key, again.Image, again.Content));
        Assert.Equal((start.Rung, start.Mounted, start.Plan), (again.Rung, again.Mounted, again.Plan));
        Assert.Equal(start.Reasons, again.Reasons);
        Assert.Equal(start.LeftOut, again.LeftOut);
        Assert.Equal(start.Options, again.Options);
    }

    [Fact]
    public void WhatIsNotThereStaysSo()
    {
        HolderArguments again = HolderArguments.Parse([.. (Sample with { Mounted = null, Plan = "", LeftOut = [] }).ToArguments()]);
        Assert.Null(again.Mounted);
        Assert.Empty(again.Plan);
        Assert.Empty(again.LeftOut);
    }

    [Fact]
    public void EachArgumentHasItsPlace()
    {
        IReadOnlyList<string> arguments = Sample.ToArguments();
        Assert.Equal(Sample.Key, arguments[(int)HolderArgument.Key]);
        Assert.Equal("--fabric", arguments[(int)HolderArgument.Options]);
        Assert.Equal((int)HolderArgument.Options + Sample.Options.Count, arguments.Count);
        Assert.Equal(arguments.Count, arguments.OfType<string>().Count());
    }

    [Fact]
    public void AReasonOfTwoLinesIsOne() =>
        Assert.Equal(["a b"], HolderArguments.Parse([.. (Sample with { Reasons = ["a\nb"] }).ToArguments()]).Reasons);

    [Fact]
    public void TooFewAreAnError() =>
        Assert.Equal("HolderUsage",
            Assert.Throws<SlipwayException>(() => HolderArguments.Parse([.. Sample.ToArguments().Take((int)HolderArgument.Options)])).Id);
}
