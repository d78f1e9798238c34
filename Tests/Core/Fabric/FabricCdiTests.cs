using System.Text.Json;
using Slipway.Fabric;
using static Slipway.Tests.FabricSample;

namespace Slipway.Tests.Fabric;

/// <summary>A plan for other container tools.</summary>
public sealed class FabricCdiTests
{
    [Fact]
    public void APlanIsACdiSpecificationToo()
    {
        using NodeTree node = Node("mlx5-sriov");
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0");
        using TemporaryDirectory directory = new TemporaryDirectory();
        string path = Path.Combine(directory.Path, "slipway.json");
        FabricPlan plan = Plan(node, image);
        FabricCdi.Write(plan, path);
        FabricCdi.Write(plan, path);
        Assert.Equal([path], Directory.GetFiles(directory.Path));
        using JsonDocument cdi = System.Text.Json.JsonDocument.Parse(File.ReadAllText(path));
        JsonElement root = cdi.RootElement;
        Assert.Equal(("0.3.0", "slipway/fabric"), (root.GetProperty("cdiVersion").GetString(), root.GetProperty("kind").GetString()));
        Assert.Equal(["mlx5_0", "mlx5_1", "mlx5_2", "all"], root.GetProperty("devices").EnumerateArray()
            .Select(d => d.GetProperty("name").GetString()!));
        JsonElement edits = root.GetProperty("containerEdits");
        Assert.Equal(plan.Environment.Select(e => $"{e.Key}={e.Value}"), edits.GetProperty("env").EnumerateArray()
            .Select(e => e.GetString()));
        Assert.Equal(plan.Binds.Select(b => b.Destination), edits.GetProperty("mounts").EnumerateArray()
            .Select(m => m.GetProperty("containerPath").GetString()));
        // a field that a version does not know is an error to its readers: these three are all that 0.3.0 has for a mount
        Assert.All(edits.GetProperty("mounts").EnumerateArray(),
            m => Assert.Equal(["hostPath", "containerPath", "options"], m.EnumerateObject().Select(p => p.Name)));

        plan.Devices = [];
        Assert.Equal("FabricCdiNothing", Assert.Throws<SlipwayException>(() => FabricCdi.Write(plan, path)).Id);
        Assert.Equal("FabricCdiWrite",
            Assert.Throws<SlipwayException>(() => FabricCdi.Write(Plan(node, image), "/proc/none/slipway.json")).Id);
    }

    [Fact]
    public void ANameThatBeginsWithADigitTakesALaterCdi()
    {
        using NodeTree node = new NodeTree().Rxe("0rxe");
        node.Distribution("debian", "12").CLibrary("2.36").Verbs(34, "44.0").Provider("rxe", 34);
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0");
        Assert.Equal("0.5.0", FabricCdi.Of(Plan(node, image)).CdiVersion);
    }

    [Fact]
    public void WhatAllDevicesShareStandsApartFromTheDevices()
    {
        using NodeTree node = Node("mlx5-sriov");
        using ImageTree image = Image(has => has.Verbs(34, "44.0"));
        CdiSpecification cdi = FabricCdi.Of(Plan(node, image));
        Assert.Equal(["/dev/infiniband/rdma_cm"], cdi.ContainerEdits.DeviceNodes!.Select(n => n.Path));
        Assert.Equal(["/dev/infiniband/uverbs1"], cdi.Devices[1].ContainerEdits.DeviceNodes!.Select(n => n.Path));
        Assert.Equal(["/dev/infiniband/uverbs0", "/dev/infiniband/uverbs1", "/dev/infiniband/uverbs2"],
            cdi.Devices[3].ContainerEdits.DeviceNodes!.Select(n => n.Path));
    }

    [Fact]
    public void ADeviceThatIsRefusedIsNotListed()
    {
        using NodeTree node = new NodeTree().Efa().Cxi();
        node.Distribution("debian", "12").CLibrary("2.36").Verbs(34, "44.0").SharedProvider("efa", 34, highest: 2);
        using ImageTree image = Image(has => has.Verbs(34, "44.0"));
        Assert.Equal(["efa_0", "all"], FabricCdi.Of(Plan(node, image)).Devices.Select(d => d.Name));
    }
}
