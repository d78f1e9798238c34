using System.Runtime.InteropServices;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Tests.Shared;

public sealed unsafe class RankEnvironmentTests
{
    static string[] Make(string[] sets, string[] environment)
    {
        byte** result = (byte**)NativeMemory.Alloc((nuint)(sets.Length + environment.Length + 1) * (nuint)sizeof(byte*));
        RankEnvironment.Make(result, NativeStrings.Vector(sets), NativeStrings.Vector(environment));
        List<string> made = [];
        for (byte** variable = result; *variable != null; variable++)
            made.Add(Marshal.PtrToStringUTF8((nint)(*variable))!);
        NativeMemory.Free(result);
        return [.. made];
    }

    [Fact]
    public void TheLaunchersVariablesStayBehindThoseThatAreSet() => Assert.Equal(["A=1", "B=2", "C=3"], Make(["A=1"], ["B=2", "C=3"]));

    [Fact]
    public void OfANameTheLastThatIsSetCounts() => Assert.Equal(["A=3", "AB=4"], Make(["A=1", "A=2", "AB=4", "A=3"], ["A=0", "AB=0"]));

    [Fact]
    public void WhatSpeaksOfTheHostsFilesIsDropped() =>
        Assert.Equal(["PATHS=1", "LD_PRELOAD_=2", "MY_PATH=3"],
            Make([], ["PATH=/bin", "PATHS=1", "LD_PRELOAD=x", "LD_PRELOAD_=2", "UCX_MODULE_DIR=y", "MY_PATH=3", "TERMINFO=", "ENV=z"]));

    [Fact]
    public void WhatIsDroppedMayBeSet() => Assert.Equal(["PATH=/image"], Make(["PATH=/image"], ["PATH=/host"]));

    [Fact]
    public void WhatIsNoAssignmentIsPassedOver() => Assert.Equal(["A=="], Make(["", "=x", "B", "A=="], []));
}
