using Slipway.Fabric;
using Slipway.Images;
using static Slipway.Tests.FabricSample;

namespace Slipway.Tests.Fabric;

public sealed class FabricPlannerTests
{
    /// <summary>A Debian 12 node: rdma-core 44, private ABI 34, glibc 2.36.</summary>
    static NodeTree Debian12(NodeTree node)
    {
        node.Distribution("debian", "12").CLibrary("2.36").Verbs(34, "44.0", glibc: "2.34").Rdmacm(34)
            .Provider("rxe", 34, glibc: "2.34").SharedProvider("mlx5", 34).SharedProvider("efa", 34, highest: 2);
        return node;
    }

    static FabricPlan Plan(NodeTree node, ImageTree image, FabricSource source = FabricSource.Auto, params string[] devices) =>
        FabricPlanner.Plan(image.Image(), node.Read(), new FabricRequest { Root = node.Root, Source = source, Devices = devices });

    [Fact]
    public void WithoutAFabricThereIsNothingToDo()
    {
        using NodeTree node = new NodeTree();
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.None, plan.Verdict);
        Assert.Equal("no fabric device on n1: ranks use TCP and shared memory", plan.Reason);
        Assert.Empty(plan.Binds);
        Assert.Empty(plan.Environment);
    }

    [Fact]
    public void AnImageWithItsOwnProviderGetsDeviceNodesOnly()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        using ImageTree image = new ImageTree("debian", "11", "2.31");
        image.Verbs(33, "33.2").Provider("rxe", 33);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Image, plan.Verdict);
        Assert.Empty(plan.Binds);
        Assert.Empty(plan.Environment);
        Assert.Equal(["/dev/infiniband/uverbs0", "/dev/infiniband/rdma_cm"], plan.DeviceNodes);
    }

    [Fact]
    public void AProviderWithoutItsDriverFileIsNotFoundByLibibverbs()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").Provider("rxe", 34, driverFile: false);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Provider, plan.Verdict);
        Assert.Contains("driver rxe", Tried(plan, FabricRung.Image).Reason);
    }

    [Fact]
    public void TheNodesProviderIsBoundAloneWhereThePrivateAbiIsTheSame()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        using ImageTree image = new ImageTree("debian", "13", "2.38");
        image.Verbs(34, "56.1");
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Provider, plan.Verdict);
        Assert.Equal(
            [new FabricBind(node.Root + $"{SystemTree.Directory}/libibverbs/librxe-rdmav34.so",
                "/.slipway/fabric/libibverbs/librxe-rdmav34.so")], plan.Binds);
        Assert.Equal("/.slipway/fabric/libibverbs/librxe", Assert.Single(plan.Environment, e => e.Key == "RDMAV_DRIVERS").Value);
        Assert.DoesNotContain("LD_LIBRARY_PATH", plan.Environment.Keys);
    }

    [Fact]
    public void ASharedProviderComesAsPlugInAndAsLibraryFromOneFile()
    {
        using NodeTree node = Debian12(new NodeTree().Mlx5WithVirtualFunctions());
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").Program("/usr/bin/ucx_info", [("libmlx5.so.1", ["MLX5_1.12"]), ("libibverbs.so.1", ["IBVERBS_1.1"])]);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Provider, plan.Verdict);
        string file = node.Root + $"{SystemTree.Directory}/libmlx5.so.1.24.0.0";
        Assert.Equal(
            [new FabricBind(file, "/.slipway/fabric/lib/libmlx5.so.1"),
                new FabricBind(file, "/.slipway/fabric/libibverbs/libmlx5-rdmav34.so")], plan.Binds);
        Assert.Equal("/.slipway/fabric/lib", plan.Environment["LD_LIBRARY_PATH"]);
        Assert.Equal("/.slipway/fabric/libibverbs/libmlx5", plan.Environment["RDMAV_DRIVERS"]);
        Assert.Equal(4, plan.DeviceNodes.Count);
    }

    [Fact]
    public void ASharedProviderOlderThanTheImagesProgramsWantIsRefused()
    {
        using NodeTree node = Debian12(new NodeTree().Mlx5WithVirtualFunctions());
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").Program("/usr/bin/ucx_info", [("libmlx5.so.1", ["MLX5_1.25"])]);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Refuse, plan.Verdict);
        Assert.Contains("/usr/bin/ucx_info needs MLX5_1.25 of libmlx5.so.1", plan.Reason);
        Assert.Contains("it ends at MLX5_1.24", plan.Reason);
    }

    [Fact]
    public void AnotherPrivateAbiTakesTheWholeStack()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        using ImageTree image = new ImageTree("ubuntu", "22.04", "2.34");
        image.Verbs(33, "33.2").Rdmacm(33)
            .Program("/usr/bin/app", [("libibverbs.so.1", ["IBVERBS_1.1"]), ("librdmacm.so.1", ["RDMACM_1.0"])]);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Stack, plan.Verdict);
        Assert.Contains("IBVERBS_PRIVATE_34; the image's libibverbs 33.2 has IBVERBS_PRIVATE_33", Tried(plan, FabricRung.Provider).Reason);
        Assert.Equal(
            ["/.slipway/fabric/lib/libibverbs.so.1", "/.slipway/fabric/lib/librdmacm.so.1",
                "/.slipway/fabric/libibverbs/librxe-rdmav34.so"], plan.Binds.Select(b => b.Destination));
        Assert.Equal("/.slipway/fabric/lib", plan.Environment["LD_LIBRARY_PATH"]);
    }

    [Fact]
    public void AnOlderCLibraryIsRefusedByTheVersionThatItLacks()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        using ImageTree image = new ImageTree("debian", "11", "2.31");
        image.Verbs(33, "33.2").Program("/usr/bin/ibv_devinfo", [("libibverbs.so.1", ["IBVERBS_PRIVATE_33"])]);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Refuse, plan.Verdict);
        Assert.Contains("GLIBC_2.34 of libc.so.6, which the image's libc.so.6 does not define (it ends at GLIBC_2.31)", plan.Reason);
        Assert.Contains("IBVERBS_PRIVATE_33 of libibverbs.so.1, which the node's", Tried(plan, FabricRung.Stack).Reason);
        Assert.Contains("fabric: auto", plan.Reason);
        Assert.Contains("ibverbs-providers", plan.Reason);
        Assert.Equal([FabricRung.Image, FabricRung.Provider, FabricRung.Stack, FabricRung.Refuse],
            plan.Devices[0].Tried.Select(t => t.Rung));
        Assert.Empty(plan.Binds);
        Assert.Empty(plan.DeviceNodes);
    }

    [Fact]
    public void AProgramThatImportsThePrivateAbiHoldsTheImagesStack()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        using ImageTree image = new ImageTree("ubuntu", "22.04", "2.36");
        image.Verbs(33, "33.2").Program("/usr/bin/ibv_devinfo", [("libibverbs.so.1", ["IBVERBS_PRIVATE_33"])]);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Refuse, plan.Verdict);
        Assert.Contains("the image's /usr/bin/ibv_devinfo needs IBVERBS_PRIVATE_33 of libibverbs.so.1, which the node's",
            Tried(plan, FabricRung.Stack).Reason);
    }

    [Fact]
    public void TheSamePrivateAbiIsNotEnoughWhereAPublicVersionIsMissing()
    {
        using NodeTree node = new NodeTree().Rxe();
        node.Distribution("debian", "13").CLibrary("2.36").Verbs(34, "56.1", highest: 15).Provider("rxe", 34, verbs: 15);
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0", highest: 14).Program("/usr/bin/app", [("libibverbs.so.1", ["IBVERBS_1.14"])]);
        FabricPlan plan = Plan(node, image);
        Assert.Contains("IBVERBS_1.15", Tried(plan, FabricRung.Provider).Reason);
        Assert.Equal(FabricRung.Stack, plan.Verdict);
    }

    [Fact]
    public void GlibcPrivateIsNeverMixed()
    {
        using NodeTree node = new NodeTree().Rxe();
        node.Distribution("debian", "12").CLibrary("2.36").Verbs(34, "44.0");
        node.Library("unused.so", $"libibverbs/librxe-rdmav34.so", [], ["libibverbs.so.1", "libc.so.6"],
            [("libibverbs.so.1", ["IBVERBS_PRIVATE_34"]), ("libc.so.6", ["GLIBC_PRIVATE"])]);
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0");
        Assert.Contains("GLIBC_PRIVATE", Tried(Plan(node, image), FabricRung.Provider).Reason);
        Assert.Equal(FabricRung.Refuse, Plan(node, image).Verdict);
    }

    [Fact]
    public void AKernelAbiOutsideTheProvidersRangeIsRefused()
    {
        using NodeTree node = Debian12(new NodeTree().Pci("mlx5_0", "0000:3b:00.0", "mlx5_core", "0x15b3", "0x101b", 2));
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").SharedProvider("mlx5", 34);
        Assert.Equal("mlx5_0: the kernel ABI of mlx5_0 is 2; provider mlx5 takes 1 to 1", Plan(node, image).Reason);
    }

    [Fact]
    public void AnAbiThatCannotBeReadIsNeverCalledCompatible()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        node.Write("sys/devices/virtual/infiniband_verbs/uverbs0/abi_version", "");
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").Provider("rxe", 34);
        Assert.Equal(FabricRung.Refuse, Plan(node, image).Verdict);
    }

    [Fact]
    public void AMissingDeviceNodeIsNamed()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        File.Delete(Path.Combine(node.Root, "dev/infiniband/uverbs0"));
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        Assert.Equal("rxe0: /dev/infiniband/uverbs0 is missing on the node", Plan(node, image).Reason);
    }

    [Fact]
    public void AnImageOfAnotherMachineIsRefused()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        using ImageTree image = new ImageTree("debian", "12", "2.36", machine: 183);
        Assert.Equal("rxe0: the image is for aarch64, the node is x86_64", Plan(node, image).Reason);
    }

    [Fact]
    public void AProviderFileOfAnotherPrivateAbiIsNotUsed()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").Provider("rxe", 33, suffix: 34);
        FabricPlan plan = Plan(node, image);
        Assert.Contains("imports IBVERBS_PRIVATE_33", Tried(plan, FabricRung.Image).Reason);
        Assert.Equal(FabricRung.Provider, plan.Verdict);
    }

    [Fact]
    public void OneSourceMayBeForced()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        using ImageTree image = new ImageTree("debian", "11", "2.31");
        image.Verbs(33, "33.2").Provider("rxe", 33);
        FabricPlan plan = Plan(node, image, FabricSource.Stack);
        Assert.Equal(FabricRung.Refuse, plan.Verdict);
        Assert.Contains("GLIBC_2.34", plan.Reason);
    }

    [Fact]
    public void WhereOneDeviceNeedsTheStackAllVerbsDevicesGetIt()
    {
        using NodeTree node = Debian12(new NodeTree().Mlx5WithVirtualFunctions().Rxe());
        using ImageTree image = new ImageTree("ubuntu", "20.04", "2.36");
        image.Verbs(25, "28.0").Provider("rxe", 25).Program("/usr/bin/app", [("libibverbs.so.1", ["IBVERBS_1.1"])]);
        FabricPlan plan = Plan(node, image);
        Assert.All(plan.Devices, d => Assert.Equal(FabricRung.Stack, d.Rung));
        Assert.Contains("of which a process has only one", plan.Devices.Single(d => d.Device.Name == "rxe0").Tried[0].Reason);
        Assert.Equal("/.slipway/fabric/libibverbs/libmlx5:/.slipway/fabric/libibverbs/librxe", plan.Environment["RDMAV_DRIVERS"]);
    }

    [Fact]
    public void APlanMayBeForSomeDevices()
    {
        using NodeTree node = Debian12(new NodeTree().Mlx5WithVirtualFunctions());
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0");
        Assert.Equal("mlx5_1", Assert.Single(Plan(node, image, FabricSource.Auto, "mlx5_1").Devices).Device.Name);
        Assert.Equal("FabricDeviceNotFound", Assert.Throws<SlipwayException>(() => Plan(node, image, FabricSource.Auto, "mlx4_0")).Id);
    }

    [Fact]
    public void TwoKindsOfFabricAreJudgedApart()
    {
        using NodeTree node = Debian12(new NodeTree().Efa().Cxi());
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0");
        FabricPlan plan = Plan(node, image);
        Assert.Equal([FabricRung.Provider, FabricRung.Refuse], plan.Devices.Select(d => d.Rung));
        Assert.Equal(FabricRung.Refuse, plan.Verdict);
        Assert.DoesNotContain("/dev/cxi0", plan.DeviceNodes);
    }

    [Fact]
    public void ALowMemoryLockLimitIsAWarning()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe().Memlock("16384", "unlimited"));
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").Provider("rxe", 34);
        Assert.Contains("16384", Assert.Single(Plan(node, image).Warnings));
    }

    [Fact]
    public void APlanIsKeptBesideItsImage()
    {
        using NodeTree node = Debian12(new NodeTree().Mlx5WithVirtualFunctions());
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0");
        using TemporaryDirectory directory = new TemporaryDirectory();
        string path = directory.Write("app.sqfs", new byte[100_000]);
        List<string> said = [];
        FabricPlan? Find() => FabricPlanFile.Find(path, null, [], said.Add);
        Assert.Null(Find());
        FabricPlan plan = Plan(node, image);
        FabricPlanFile.Write(plan, path);
        string written = FabricPlanFile.Write(plan, path);

        FabricPlan back = Find()!;
        Assert.Equal(path + ".fabric.json", written);
        Assert.Equal([path, written], Directory.GetFiles(directory.Path).Order());
        Assert.Equal(plan.Binds, back.Binds);
        Assert.Equal(plan.Environment, back.Environment);
        Assert.Equal(plan.Devices[0].Tried, back.Devices[0].Tried);
        Assert.Equal("0000:3b:00.0", back.Devices[0].Device.PciAddress);

        File.WriteAllText(written, "{");
        Assert.Throws<SlipwayException>(Find);
        Assert.Empty(said);
    }

    [Fact]
    public void AnMpiWithoutAnyOfTheTransportsIsAWarning()
    {
        using NodeTree node = Node();
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").Provider("rxe", 34)
            .Library("libmpi.so.40", "libmpi.so.40.30.4", [], ["libc.so.6"], [], exports: ["ompi_mpi_comm_world"]);
        Assert.Contains("it will use TCP", Assert.Single(Plan(node, image).Warnings));
    }

    [Fact]
    public void AnImageThatSaysItIsDebianAndIsNotGetsNoPackagesAsAdvice()
    {
        using NodeTree node = NodeTree.Of("rxe");
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        File.Delete(Path.Combine(image.Root, "var/lib/dpkg/status"));
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Refuse, plan.Verdict);
        Assert.Contains("it calls itself debian 12, but has no dpkg database", plan.Reason);
        Assert.DoesNotContain("fabric: auto", plan.Reason);
    }
}
