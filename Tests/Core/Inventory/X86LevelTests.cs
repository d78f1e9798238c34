using Slipway.Inventory;
using static Slipway.Tests.FabricSample;

namespace Slipway.Tests.Inventory;

/// <summary>Levels of x86-64, by the flags of the psABI.</summary>
public sealed class X86LevelTests
{
    [Theory]
    [InlineData("fpu lm cx16 lahf_lm popcnt pni ssse3 sse4_1", 1)]
    [InlineData("fpu lm cx16 lahf_lm popcnt pni ssse3 sse4_1 sse4_2 avx", 2)]
    [InlineData("fpu lm cx16 lahf_lm popcnt pni ssse3 sse4_1 sse4_2 avx avx2 bmi1 bmi2 f16c fma abm movbe xsave", 3)]
    public void AProviderForABetterCpuIsRefused(string flags, int level)
    {
        using NodeTree node = Node();
        node.Write("proc/cpuinfo", $"processor\t: 0\nmodel name\t: x\nflags\t\t: {flags}\n\n");
        Assert.Equal(level, node.Read().X86Level);
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").Provider("rxe", 34, x86Isa: 4);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(level < 3 ? FabricRung.Provider : FabricRung.Image, plan.Verdict);
        if (level < 3)
            Assert.Contains($"needs an x86-64-v3 CPU, and the node's is x86-64-v{level}", plan.Devices[0].Tried[0].Reason);
        node.Provider("rxe", 34, x86Isa: 8, driverFile: false);
        if (level < 3)
            Assert.Contains($"the node's librxe-rdmav34.so needs an x86-64-v4 CPU", Plan(node, image).Reason);
    }

    const string V2 = "fpu lm cx16 lahf_lm popcnt pni ssse3 sse4_1 sse4_2", V3 = V2 + " avx avx2 bmi1 bmi2 f16c fma abm movbe xsave";
    const string V4 = V3 + " avx512f avx512bw avx512cd avx512dq avx512vl";

    [Fact]
    public void ALevelTakesAllItsFlagsAndThoseBelow()
    {
        using NodeTree node = Node();
        Assert.Equal([2, 3, 4], new[] { V2, V3, V4 }.Select(flags => LevelOf(node, flags) ?? 0));
        Assert.Equal([1, 2, 3, 1], new[] { V2.Replace(" pni", ""), V3.Replace(" movbe", ""), V4.Replace(" avx512cd", ""),
            V4.Replace(" popcnt", "") }.Select(flags => LevelOf(node, flags) ?? 0));
        Assert.Null(LevelOf(node, V4.Replace(" lm", "")));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(4, 3)]
    [InlineData(7, 3)]
    [InlineData(8, 4)]
    public void AFilesLevelIsItsHighestBit(uint bits, int level) => Assert.Equal(level, X86Level.Of(bits));

    [Fact]
    public void OnlyACpuThatIsKnownAndLowerIsAMisfit()
    {
        Assert.Equal("it needs an x86-64-v3 CPU, and the node's is x86-64-v2", X86Level.Misfit("it", 3, 2));
        Assert.Null(X86Level.Misfit("it", 3, 3));
        Assert.Null(X86Level.Misfit("it", 3, null));
    }
}
