using static Slipway.Tests.FabricSample;

namespace Slipway.Tests.Fabric;

/// <summary>Omni-Path and Slingshot, which are driven by libfabric or by a library of their own.</summary>
public sealed class LibfabricLadderTests
{
    [Fact]
    public void OmniPathIsServedByOpxToo()
    {
        using NodeTree node = NodeTree.Of("hfi1");
        using ImageTree image = new ImageTree("rocky", "10", "2.39");
        image.Library("libfabric.so.1", "libfabric.so.1.28.0", ["FABRIC_1.8"], ["libc.so.6"], [], text: "FI_OPX_UUID");
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Image, plan.Verdict);
        Assert.Contains("provider opx", plan.Reason);
    }

    [Fact]
    public void OmniPathIsTheImagesWhereItHasPsm2()
    {
        using NodeTree node = new NodeTree().Hfi1();
        using ImageTree image = new ImageTree("rocky", "9", "2.34");
        image.Library("libpsm2.so.2", "libpsm2.so.2.2", ["PSM2_1.0"], ["libc.so.6"], [])
            .Program("/usr/lib64/openmpi/mca_mtl_psm2.so", [("libpsm2.so.2", ["PSM2_1.0"])]);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Image, plan.Verdict);
        Assert.Equal(["/dev/hfi1_0", "/dev/infiniband/uverbs0", "/dev/infiniband/rdma_cm"], plan.DeviceNodes);
    }

    [Fact]
    public void SlingshotTakesTheNodesLibfabric()
    {
        using NodeTree node = new NodeTree().Cxi();
        List<string> fabric = Enumerable.Range(0, 8).Select(i => $"FABRIC_1.{i}").ToList();
        node.Distribution("sles", "15.5").CLibrary("2.31").Library("libcxi.so.1", "libcxi.so.1.5.0", [], ["libc.so.6"], [])
            .Library("libfabric.so.1", "libfabric.so.1.23.0", fabric, ["libcxi.so.1", "libc.so.6"], [("libc.so.6", ["GLIBC_2.17"])]);
        using ImageTree image = new ImageTree("ubuntu", "22.04", "2.34");
        image.Library("libfabric.so.1", "libfabric.so.1.17.0", fabric, ["libc.so.6"], [])
            .Program("/usr/bin/app", [("libfabric.so.1", ["FABRIC_1.5"])]);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Stack, plan.Verdict);
        Assert.Equal(["/.slipway/fabric/lib/libcxi.so.1", "/.slipway/fabric/lib/libfabric.so.1"], plan.Binds.Select(b => b.Destination));
        Assert.Equal(["/dev/cxi0"], plan.DeviceNodes);

        image.Program("/usr/bin/newer", [("libfabric.so.1", ["FABRIC_1.8"])]);
        Assert.Contains("/usr/bin/newer needs FABRIC_1.8", Plan(node, image).Reason);
    }

    [Fact]
    public void SlingshotTakesTheNodesProviderAloneWhereTheImagesLibfabricIsNewer()
    {
        using NodeTree node = new NodeTree().Cxi();
        node.Distribution("sles", "15.5").CLibrary("2.31").Library("libcxi.so.1", "libcxi.so.1.5.0", [], ["libc.so.6"], [])
            .Library("libfabric.so.1", "libfabric.so.1.23.0", ["FABRIC_1.7"], ["libc.so.6"], [])
            .Library("libcxi-fi.so", "libfabric/libcxi-fi.so", [], ["libfabric.so.1", "libcxi.so.1", "libc.so.6"],
                [("libfabric.so.1", ["FABRIC_1.7"])]);
        using ImageTree image = new ImageTree("debian", "13", "2.38");
        image.Library("libfabric.so.1", "libfabric.so.1.28.0", ["FABRIC_1.7", "FABRIC_1.8"], ["libc.so.6"], [])
            .Library("libefa-fi.so", "libfabric/libefa-fi.so", [], ["libc.so.6"], [])
            .Program("/usr/bin/app", [("libfabric.so.1", ["FABRIC_1.8"])]);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Provider, plan.Verdict);
        Assert.Equal($"/.slipway/fabric/libfabric:{SystemTree.Directory}/libfabric", plan.Environment["FI_PROVIDER_PATH"]);
        Assert.Equal(["/.slipway/fabric/lib/libcxi.so.1", "/.slipway/fabric/libfabric/libcxi-fi.so"],
            plan.Binds.Select(b => b.Destination));
    }

    /// <summary>A node with Slingshot and a libfabric that has its provider, built in or as a module.</summary>
    static NodeTree Slingshot(string[] needed, bool module = false)
    {
        NodeTree node = new NodeTree().Cxi();
        NodeTree has = node.Distribution("sles", "15.5").CLibrary("2.31").Library("libcxi.so.1", "libcxi.so.1.5.0", [], ["libc.so.6"], [])
            .Library("libfabric.so.1", "libfabric.so.1.23.0", ["FABRIC_1.7"], [.. needed, "libc.so.6"],
                needed.Contains("libibverbs.so.1") ? [("libibverbs.so.1", ["IBVERBS_1.14"])] : []);
        if (module)
            has.Library("libcxi-fi.so", "libfabric/libcxi-fi.so", [], ["libfabric.so.1", "libcxi.so.1"],
                [("libfabric.so.1", ["FABRIC_1.7"])]);
        return node;
    }

    static ImageTree WithLibfabric(string version = "1.17.0") =>
        Image(has => has.Library("libfabric.so.1", $"libfabric.so.{version}", ["FABRIC_1.7"], ["libc.so.6"], [])
            .Program("/usr/bin/app", [("libfabric.so.1", ["FABRIC_1.7"])]));

    [Fact]
    public void ADeviceWhoseNodeIsMissingIsRefused()
    {
        using NodeTree node = Slingshot(["libcxi.so.1"]);
        using ImageTree image = WithLibfabric();
        Assert.Equal(FabricRung.Stack, Plan(node, image).Verdict);
        File.Delete(Path.Combine(node.Root, "dev/cxi0"));
        Assert.Equal("cxi0: /dev/cxi0 is missing on the node", Plan(node, image).Reason);
    }

    [Fact]
    public void ALibraryThatNothingUsesDrivesNothing()
    {
        using NodeTree node = Slingshot(["libcxi.so.1"]);
        using ImageTree image = Image();
        FabricPlan plan = Plan(node, image);
        Assert.Equal(
            ["the image has no libcxi.so.1", "the image has no libfabric.so.1", "nothing in the image uses libfabric or libcxi.so.1"],
            plan.Devices[0].Tried.Take(3).Select(t => t.Reason));
        image.Library("libcxi.so.1", "libcxi.so.1.5.0", [], ["libc.so.6"], []);
        Assert.Equal("the image has libcxi.so.1, but neither its libfabric nor a program uses it",
            Tried(Plan(node, image), FabricRung.Image).Reason);
    }

    [Theory]
    [InlineData("1.22.9", false)]
    [InlineData("1.23.0", true)]
    [InlineData("1.100.0", true)]
    public void AProviderGoesToALibfabricThatIsNoOlder(string version, bool holds)
    {
        using NodeTree node = Slingshot([], module: true);
        using ImageTree image = WithLibfabric(version);
        FabricRungResult provider = Tried(Plan(node, image, source: FabricSource.Provider), FabricRung.Provider);
        Assert.Equal(holds, provider.Holds);
        Assert.Equal(holds ? $"the node's libcxi-fi.so fits the image's libfabric.so.{version}"
            : "the node's libcxi-fi.so belongs to libfabric.so.1.23.0; the image's is libfabric.so.1.22.9, and takes none that is newer",
            provider.Reason);
    }

    [Fact]
    public void ANodesLibfabricWithoutTheProviderIsNotTaken()
    {
        using NodeTree node = Slingshot([]);
        using ImageTree image = WithLibfabric();
        FabricPlan plan = Plan(node, image);
        Assert.Equal("the node has no libcxi-fi.so that could be passed alone", Tried(plan, FabricRung.Provider).Reason);
        Assert.Equal($"the node's {SystemTree.Directory}/libfabric.so.1.23.0 has no cxi provider", Tried(plan, FabricRung.Stack).Reason);
    }

    [Fact]
    public void TheNodesVerbsComeAlongWhereItsLibfabricNeedsThem()
    {
        using NodeTree node = Slingshot(["libcxi.so.1", "libibverbs.so.1"]);
        node.Verbs(34, "44.0");
        using ImageTree image = WithLibfabric();
        image.Verbs(34, "28.0", highest: 10);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Stack, plan.Verdict);
        Assert.EndsWith(", with the node's verbs libraries, which its libfabric needs", plan.Reason);
        Assert.Equal(["libcxi.so.1", "libfabric.so.1", "libibverbs.so.1"], plan.Binds.Select(b => Path.GetFileName(b.Destination)));
    }
}
