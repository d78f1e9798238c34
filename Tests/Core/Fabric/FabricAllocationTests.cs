using Slipway.Fabric;
using static Slipway.Tests.FabricSample;

namespace Slipway.Tests.Fabric;

/// <summary>What a job was given: by the variables of its batch system, and by the device rules of its cgroup.</summary>
public sealed class FabricAllocationTests
{
    [Theory]
    [InlineData("SLURM_STEP_NICS", "1", "mlx5_0 mlx5_2")]
    [InlineData("SLURM_JOB_NICS", "0,2", "mlx5_1")]
    [InlineData("SLINGSHOT_DEVICES", "cxi1", "")]
    [InlineData("SLURM_JOB_GPUS", "1", "")]
    public void ABatchSystemsVariablesLeaveDevicesOut(string variable, string value, string left)
    {
        using NodeTree node = Node("mlx5-sriov");
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0");
        FabricPlan plan = Plan(node, image, name => name == variable ? value : null);
        Assert.Equal(left, string.Join(' ', plan.Excluded.Keys));
        Assert.Equal(left.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length, plan.HiddenDeviceNodes.Count);
        Assert.Empty(plan.DeviceNodes.Intersect(plan.HiddenDeviceNodes));
        Assert.All(plan.Excluded.Values, reason => Assert.Contains($"{variable}={value}", reason));

        FabricPlan whole = Plan(node, image);
        FabricAllocation.Restrict(whole, name => name == variable ? value : null);
        Assert.Equal(plan.DeviceNodes, whole.DeviceNodes);
        Assert.Equal(plan.Excluded.Keys, whole.Excluded.Keys);
    }

    [Fact]
    public void WhereAJobWasGivenNothingThePlanSaysSo()
    {
        using NodeTree node = Node();
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        FabricPlan plan = Plan(node, image, name => name == "SLURM_STEP_NICS" ? "7" : null);
        Assert.Equal(FabricRung.None, plan.Verdict);
        Assert.Contains("SLURM_STEP_NICS=7", plan.Reason);
    }

    [Fact]
    public void ACgroupsDeviceRulesLeaveDevicesOut()
    {
        using NodeTree node = Node("mlx5-sriov");
        node.Write("proc/self/cgroup", "12:pids:/x\n5:devices:/slurm/uid_1/job_7\n0::/\n");
        node.Write("sys/fs/cgroup/devices/slurm/uid_1/job_7/devices.list", "c 1:* rwm\nc 231:193 rw\nc 231:194 m\nb *:* rwm\n");
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0");
        FabricPlan plan = Plan(node, image);
        Assert.Equal(["mlx5_0", "mlx5_2"], plan.Excluded.Keys);
        Assert.Contains("/dev/infiniband/uverbs0", plan.Excluded["mlx5_0"]);
        node.Write("sys/fs/cgroup/devices/slurm/uid_1/job_7/devices.list", "a *:* rwm\n");
        Assert.Empty(Plan(node, image).Excluded);
    }

    [Fact]
    public void TheFirstVariableThatIsSetCounts()
    {
        using NodeTree node = Node("mlx5-sriov");
        Assert.Equal(["mlx5_1", "mlx5_2"],
            Excluded(node, name => name switch { "SLURM_STEP_NICS" => "0", "SLURM_JOB_NICS" => "1", _ => null }).Keys);
        Assert.Equal(["mlx5_0", "mlx5_2"],
            Excluded(node, name => name switch { "SLURM_STEP_NICS" => "", "SLURM_JOB_NICS" => "1", _ => null }).Keys);
        Assert.Empty(Excluded(node, _ => ""));
    }

    [Fact]
    public void SlingshotsVariableGivesNamesAndSaysNothingOfOtherFabrics()
    {
        using NodeTree node = NodeTree.Of("cxi-and-mlx5");
        Assert.Equal("the job was not given it (SLINGSHOT_DEVICES=cxi1)",
            Assert.Single(Excluded(node, name => name == "SLINGSHOT_DEVICES" ? "cxi1" : null), e => e.Key == "cxi0").Value);
        Assert.Empty(Excluded(node, name => name == "SLINGSHOT_DEVICES" ? "cxi1, cxi0" : null));
    }

    [Fact]
    public void ARestrictedPlanHasTheDevicesThatAreLeft()
    {
        using NodeTree node = Node("mlx5-sriov");
        using ImageTree image = Image(has => has.Verbs(34, "44.0"));
        FabricPlan plan = Plan(node, image);
        FabricAllocation.Restrict(plan, name => name == "SLURM_JOB_NICS" ? "1,2" : null);
        Assert.Equal(["mlx5_1", "mlx5_2"], plan.Devices.Select(d => d.Device.Name));
        Assert.Equal(["/dev/infiniband/uverbs0"], plan.HiddenDeviceNodes);
    }
}
