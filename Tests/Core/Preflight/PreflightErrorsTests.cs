using Slipway.Preflight;

namespace Slipway.Tests.Preflight;

public sealed class PreflightErrorsTests
{
    static PreflightCheck Check(string node, string name, string seen, string? advice) =>
        new() { Node = node, Name = name, Status = PreflightStatus.Failed, Seen = seen, Advice = advice };

    [Fact]
    public void WhatIsTheSameOnManyNodesIsSaidOnce()
    {
        SlipwayException error = PreflightErrors.Failed(
            [Check("", "mpi", "it hangs", null), Check("n1", "shm", "1 MiB is free", "Make room."),
                Check("n2", "shm", "2 MiB are free", "Make room."), Check("n2", "fuse", "none", "Load it.")], "/x.sqfs");
        Assert.Equal(("PreflightFailed", ErrorKind.InvalidOperation, "/x.sqfs"), (error.Id, error.Kind, error.Target));
        Assert.EndsWith(": mpi: it hangs; n1, n2: shm: 1 MiB is free; n2: fuse: none", error.Message, StringComparison.Ordinal);
        Assert.Equal("Make room. Load it.", error.Recommendation);
    }
}
