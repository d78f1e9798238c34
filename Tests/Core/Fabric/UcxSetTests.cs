using static Slipway.Tests.FabricSample;

namespace Slipway.Tests.Fabric;

/// <summary>UCX: whether the image's own reaches verbs, and else whether the node's may take its place.</summary>
public sealed class UcxSetTests
{
    [Fact]
    public void TheImagesOwnUcxIsUsedWhereItHasAModuleForVerbs()
    {
        using NodeTree node = Node();
        AddUcx(node, verbsModule: true, "ucp_init_version");
        using ImageTree image = MpiImage(verbsModule: true);
        FabricPlan plan = Plan(node, image);
        Assert.Empty(plan.Binds);
        Assert.Empty(plan.Warnings);
    }

    [Fact]
    public void TheNodesUcxComesWholeWhereTheImagesHasNoModuleForVerbs()
    {
        using NodeTree node = Node();
        AddUcx(node, verbsModule: true, "ucp_init_version");
        using ImageTree image = MpiImage(verbsModule: false);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Image, plan.Verdict);
        Assert.Equal(["lib/libucm.so.0", "lib/libucp.so.0", "lib/libucs.so.0", "lib/libuct.so.0", "lib/ucx/libuct_cma.so.0",
            "lib/ucx/libuct_ib.so.0"],
            plan.Binds.Select(b => b.Destination["/.slipway/fabric/".Length..]).Order(StringComparer.Ordinal));
        Assert.Equal("/.slipway/fabric/lib", plan.Environment["LD_LIBRARY_PATH"]);
        Assert.Contains("so programs use the node's", Assert.Single(plan.Warnings));
    }

    [Theory]
    [InlineData(true, "ucp_new", "import ucp_new, which the node's UCX does not export")]
    [InlineData(false, "ucp_init_version", "neither has the node's")]
    public void TheNodesUcxIsNotTakenWhereItDoesNotFit(bool nodeModule, string import, string says)
    {
        using NodeTree node = Node();
        AddUcx(node, nodeModule, "ucp_init_version");
        using ImageTree image = MpiImage(verbsModule: false, import);
        FabricPlan plan = Plan(node, image);
        Assert.Empty(plan.Binds);
        Assert.Contains(says, Assert.Single(plan.Warnings));
    }

    [Fact]
    public void AnImageThatDoesNotUseUcxGetsNone()
    {
        using NodeTree node = Node();
        AddUcx(node, verbsModule: true, "ucp_init_version");
        using ImageTree image = Image(has => has.Verbs(34, "44.0").Provider("rxe", 34));
        FabricPlan plan = Plan(node, image);
        Assert.Empty(plan.Binds);
        Assert.Empty(plan.Warnings);
    }

    [Fact]
    public void AModuleThatNeedsWhatNobodyHasStaysOut()
    {
        using NodeTree node = Node();
        AddUcx(node, verbsModule: true, "ucp_init_version");
        node.Library("libuct_cuda.so.0", "ucx/libuct_cuda.so.0", [], ["libcuda.so.1", "libuct.so.0"], []);
        using ImageTree image = MpiImage(verbsModule: false);
        Assert.Equal(["libuct_cma.so.0", "libuct_ib.so.0"],
            Plan(node, image).Binds.Where(b => b.Destination.Contains("/ucx/", StringComparison.Ordinal))
            .Select(b => Path.GetFileName(b.Destination)));
    }

    [Fact]
    public void TheNodesLibrariesComeAllOrNone()
    {
        using NodeTree node = Node();
        AddUcx(node, verbsModule: true, "ucp_init_version");
        File.Delete(node.Root + $"{SystemTree.Directory}/libucm.so.0");
        using ImageTree image = MpiImage(verbsModule: false);
        FabricPlan plan = Plan(node, image);
        Assert.Empty(plan.Binds);
        Assert.EndsWith("; the node has no libucm.so.0 for x86_64", Assert.Single(plan.Warnings));
    }
}
