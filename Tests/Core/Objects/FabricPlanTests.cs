using System.Text.Json;

namespace Slipway.Tests.Objects;

public sealed class FabricPlanTests
{
    const string Whole = """
        {
          "schemaVersion": 2, "imageDigest": "sha256:1b", "imageMark": "m", "node": "n1", "verdict": "Provider", "reason": "r",
          "devices": [
            {
              "device": {
                "name": "mlx5_0", "fabric": "InfiniBand", "netDevices": [], "ports": [], "deviceNodes": [], "missingDeviceNodes": []
              },
              "rung": "Provider", "reason": "r",
              "tried": [{"rung": "Image", "holds": false, "reason": "i"}, {"rung": "Provider", "holds": true, "reason": "p"}]
            }
          ],
          "deviceNodes": ["/dev/infiniband/uverbs0"],
          "binds": [{"source": "/usr/lib/a.so", "destination": "/x/a.so"}],
          "environment": {"A": "b"}, "excluded": {"mlx5_1": "not in the job"}, "hiddenDeviceNodes": ["/dev/infiniband/uverbs1"],
          "warnings": ["RLIMIT_MEMLOCK is low"]
        }
        """;

    [Fact]
    public void AWholePlanIsTheSameWhenItIsReadAndWritten()
    {
        FabricPlan plan = RoundTrip.Whole(Whole, ObjectsJson.Default.FabricPlan);
        Assert.Equal(FabricRung.Provider, plan.Verdict);
        Assert.Equal(new FabricBind("/usr/lib/a.so", "/x/a.so"), Assert.Single(plan.Binds));
        Assert.Equal(new FabricRungResult(FabricRung.Provider, true, "p"), plan.Devices[0].Tried[1]);
        Assert.Equal("b", plan.Environment["A"]);
    }

    [Fact]
    public void AnEmptyPlanGivesNothingAndIsOfThisFormat()
    {
        FabricPlan plan = new();
        Assert.Equal(FabricPlan.CurrentSchema, plan.SchemaVersion);
        Assert.Equal(FabricRung.None, plan.Verdict);
        Assert.Null(plan.ImageDigest);
        Assert.Null(plan.WrittenBy);
        Assert.Equal(0, plan.Devices.Count + plan.DeviceNodes.Count + plan.Binds.Count + plan.Environment.Count + plan.Excluded.Count
            + plan.Warnings.Count);
        Assert.Equal("None: ", plan.ToString());
    }

    /// <summary>Who wrote a file is what the file system says, never the file.</summary>
    [Fact]
    public void WhoWroteItIsNotWritten() =>
        Assert.DoesNotContain("writtenBy", RoundTrip.Names(new FabricPlan { WrittenBy = 1000 }, ObjectsJson.Default.FabricPlan));

    [Fact]
    public void ExplainsEachRungThenWhatIsLeftOutThenWarnings()
    {
        FabricPlan plan = JsonSerializer.Deserialize(Whole, ObjectsJson.Default.FabricPlan)!;
        Assert.Equal(
        [
            "Provider: r",
            "mlx5_0 (InfiniBand): Provider",
            "  fails  Image: i",
            "  holds  Provider: p",
            "mlx5_1: left out: not in the job",
            "warning: RLIMIT_MEMLOCK is low",
        ], plan.Explain());
    }

    [Fact]
    public void TheRungsAreOrderedFromTheBestToTheWorst() =>
        Assert.Equal([FabricRung.None, FabricRung.Image, FabricRung.Provider, FabricRung.Stack, FabricRung.Refuse],
            Enum.GetValues<FabricRung>().Order());
}
