using Slipway.Fabric;
using Slipway.Images;

namespace Slipway.Tests.Fabric;

public sealed class FabricPlannerTests
{
    /// <summary>A Debian 12 node: rdma-core 44, private ABI 34, glibc 2.36.</summary>
    static NodeTree Debian12(NodeTree node)
    {
        new SystemTree(node.Files).Distribution("debian", "12").CLibrary("2.36").Verbs(34, "44.0", glibc: "2.34").Rdmacm(34)
            .Provider("rxe", 34, glibc: "2.34").SharedProvider("mlx5", 34).SharedProvider("efa", 34, highest: 2);
        return node;
    }

    static FabricPlan Plan(NodeTree node, ImageTree image, FabricSource source = FabricSource.Auto, params string[] devices) =>
        FabricPlanner.Plan(image.Image(), node.Read(), new FabricRequest { Root = node.Root, Source = source, Devices = devices });

    static FabricRungResult Tried(FabricPlan plan, FabricRung rung) => plan.Devices[0].Tried.First(t => t.Rung == rung);

    [Fact]
    public void Without_a_fabric_there_is_nothing_to_do()
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
    public void An_image_with_its_own_provider_gets_device_nodes_only()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        using ImageTree image = new ImageTree("debian", "11", "2.31");
        image.Has.Verbs(33, "33.2").Provider("rxe", 33);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Image, plan.Verdict);
        Assert.Empty(plan.Binds);
        Assert.Empty(plan.Environment);
        Assert.Equal(["/dev/infiniband/uverbs0", "/dev/infiniband/rdma_cm"], plan.DeviceNodes);
    }

    [Fact]
    public void A_provider_without_its_driver_file_is_not_found_by_libibverbs()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0").Provider("rxe", 34, driverFile: false);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Provider, plan.Verdict);
        Assert.Contains("driver rxe", Tried(plan, FabricRung.Image).Reason);
    }

    [Fact]
    public void The_node_s_provider_is_bound_alone_where_the_private_ABI_is_the_same()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        using ImageTree image = new ImageTree("debian", "13", "2.38");
        image.Has.Verbs(34, "56.1");
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Provider, plan.Verdict);
        Assert.Equal([new FabricBind(node.Root + $"{SystemTree.Directory}/libibverbs/librxe-rdmav34.so", "/.slipway/fabric/libibverbs/librxe-rdmav34.so")], plan.Binds);
        Assert.Equal("/.slipway/fabric/libibverbs/librxe", Assert.Single(plan.Environment, e => e.Key == "RDMAV_DRIVERS").Value);
        Assert.DoesNotContain("LD_LIBRARY_PATH", plan.Environment.Keys);
    }

    [Fact]
    public void A_shared_provider_comes_as_plug_in_and_as_library_from_one_file()
    {
        using NodeTree node = Debian12(new NodeTree().Mlx5WithVirtualFunctions());
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0").Program("/usr/bin/ucx_info", [("libmlx5.so.1", ["MLX5_1.12"]), ("libibverbs.so.1", ["IBVERBS_1.1"])]);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Provider, plan.Verdict);
        string file = node.Root + $"{SystemTree.Directory}/libmlx5.so.1.24.0.0";
        Assert.Equal([new FabricBind(file, "/.slipway/fabric/lib/libmlx5.so.1"), new FabricBind(file, "/.slipway/fabric/libibverbs/libmlx5-rdmav34.so")], plan.Binds);
        Assert.Equal("/.slipway/fabric/lib", plan.Environment["LD_LIBRARY_PATH"]);
        Assert.Equal("/.slipway/fabric/libibverbs/libmlx5", plan.Environment["RDMAV_DRIVERS"]);
        Assert.Equal(4, plan.DeviceNodes.Count);
    }

    [Fact]
    public void A_shared_provider_older_than_the_image_s_programs_want_is_refused()
    {
        using NodeTree node = Debian12(new NodeTree().Mlx5WithVirtualFunctions());
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0").Program("/usr/bin/ucx_info", [("libmlx5.so.1", ["MLX5_1.25"])]);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Refuse, plan.Verdict);
        Assert.Contains("/usr/bin/ucx_info needs MLX5_1.25 of libmlx5.so.1", plan.Reason);
        Assert.Contains("it ends at MLX5_1.24", plan.Reason);
    }

    [Fact]
    public void Another_private_ABI_takes_the_whole_stack()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        using ImageTree image = new ImageTree("ubuntu", "22.04", "2.34");
        image.Has.Verbs(33, "33.2").Rdmacm(33).Program("/usr/bin/app", [("libibverbs.so.1", ["IBVERBS_1.1"]), ("librdmacm.so.1", ["RDMACM_1.0"])]);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Stack, plan.Verdict);
        Assert.Contains("IBVERBS_PRIVATE_34; the image's libibverbs 33.2 has IBVERBS_PRIVATE_33", Tried(plan, FabricRung.Provider).Reason);
        Assert.Equal(["/.slipway/fabric/lib/libibverbs.so.1", "/.slipway/fabric/lib/librdmacm.so.1", "/.slipway/fabric/libibverbs/librxe-rdmav34.so"], plan.Binds.Select(b => b.Destination));
        Assert.Equal("/.slipway/fabric/lib", plan.Environment["LD_LIBRARY_PATH"]);
    }

    [Fact]
    public void An_older_C_library_is_refused_by_the_version_that_it_lacks()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        using ImageTree image = new ImageTree("debian", "11", "2.31");
        image.Has.Verbs(33, "33.2").Program("/usr/bin/ibv_devinfo", [("libibverbs.so.1", ["IBVERBS_PRIVATE_33"])]);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Refuse, plan.Verdict);
        Assert.Contains("GLIBC_2.34 of libc.so.6, which the image's libc.so.6 does not define (it ends at GLIBC_2.31)", plan.Reason);
        Assert.Contains("IBVERBS_PRIVATE_33 of libibverbs.so.1, which the node's", Tried(plan, FabricRung.Stack).Reason);
        Assert.Contains("fabric: auto", plan.Reason);
        Assert.Contains("ibverbs-providers", plan.Reason);
        Assert.Equal([FabricRung.Image, FabricRung.Provider, FabricRung.Stack, FabricRung.Refuse], plan.Devices[0].Tried.Select(t => t.Rung));
        Assert.Empty(plan.Binds);
        Assert.Empty(plan.DeviceNodes);
    }

    [Fact]
    public void A_program_that_imports_the_private_ABI_holds_the_image_s_stack()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        using ImageTree image = new ImageTree("ubuntu", "22.04", "2.36");
        image.Has.Verbs(33, "33.2").Program("/usr/bin/ibv_devinfo", [("libibverbs.so.1", ["IBVERBS_PRIVATE_33"])]);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Refuse, plan.Verdict);
        Assert.Contains("the image's /usr/bin/ibv_devinfo needs IBVERBS_PRIVATE_33 of libibverbs.so.1, which the node's", Tried(plan, FabricRung.Stack).Reason);
    }

    [Fact]
    public void The_same_private_ABI_is_not_enough_where_a_public_version_is_missing()
    {
        using NodeTree node = new NodeTree().Rxe();
        new SystemTree(node.Files).Distribution("debian", "13").CLibrary("2.36").Verbs(34, "56.1", highest: 15).Provider("rxe", 34, verbs: 15);
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0", highest: 14).Program("/usr/bin/app", [("libibverbs.so.1", ["IBVERBS_1.14"])]);
        FabricPlan plan = Plan(node, image);
        Assert.Contains("IBVERBS_1.15", Tried(plan, FabricRung.Provider).Reason);
        Assert.Equal(FabricRung.Stack, plan.Verdict);
    }

    [Fact]
    public void GLIBC_PRIVATE_is_never_mixed()
    {
        using NodeTree node = new NodeTree().Rxe();
        new SystemTree(node.Files).Distribution("debian", "12").CLibrary("2.36").Verbs(34, "44.0");
        new SystemTree(node.Files).Library("unused.so", $"libibverbs/librxe-rdmav34.so", [], ["libibverbs.so.1", "libc.so.6"],
            [("libibverbs.so.1", ["IBVERBS_PRIVATE_34"]), ("libc.so.6", ["GLIBC_PRIVATE"])]);
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0");
        Assert.Contains("GLIBC_PRIVATE", Tried(Plan(node, image), FabricRung.Provider).Reason);
        Assert.Equal(FabricRung.Refuse, Plan(node, image).Verdict);
    }

    [Fact]
    public void A_kernel_ABI_outside_the_provider_s_range_is_refused()
    {
        using NodeTree node = Debian12(new NodeTree().Pci("mlx5_0", "0000:3b:00.0", "mlx5_core", "0x15b3", "0x101b", 2));
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0").SharedProvider("mlx5", 34);
        Assert.Equal("mlx5_0: the kernel ABI of mlx5_0 is 2; provider mlx5 takes 1 to 1", Plan(node, image).Reason);
    }

    [Fact]
    public void An_ABI_that_cannot_be_read_is_never_called_compatible()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        node.Files.Write("sys/devices/virtual/infiniband_verbs/uverbs0/abi_version", "");
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0").Provider("rxe", 34);
        Assert.Equal(FabricRung.Refuse, Plan(node, image).Verdict);
    }

    [Fact]
    public void A_missing_device_node_is_named()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        File.Delete(Path.Combine(node.Root, "dev/infiniband/uverbs0"));
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        Assert.Equal("rxe0: /dev/infiniband/uverbs0 is missing on the node", Plan(node, image).Reason);
    }

    [Fact]
    public void An_image_of_another_machine_is_refused()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        using ImageTree image = new ImageTree("debian", "12", "2.36", machine: 183);
        Assert.Equal("rxe0: the image is for aarch64, the node is x86_64", Plan(node, image).Reason);
    }

    [Fact]
    public void A_provider_file_of_another_private_ABI_is_not_used()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0").Provider("rxe", 33, suffix: 34);
        FabricPlan plan = Plan(node, image);
        Assert.Contains("imports IBVERBS_PRIVATE_33", Tried(plan, FabricRung.Image).Reason);
        Assert.Equal(FabricRung.Provider, plan.Verdict);
    }

    [Fact]
    public void One_source_may_be_forced()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe());
        using ImageTree image = new ImageTree("debian", "11", "2.31");
        image.Has.Verbs(33, "33.2").Provider("rxe", 33);
        FabricPlan plan = Plan(node, image, FabricSource.Stack);
        Assert.Equal(FabricRung.Refuse, plan.Verdict);
        Assert.Contains("GLIBC_2.34", plan.Reason);
    }

    [Fact]
    public void Where_one_device_needs_the_stack_all_verbs_devices_get_it()
    {
        using NodeTree node = Debian12(new NodeTree().Mlx5WithVirtualFunctions().Rxe());
        using ImageTree image = new ImageTree("ubuntu", "20.04", "2.36");
        image.Has.Verbs(25, "28.0").Provider("rxe", 25).Program("/usr/bin/app", [("libibverbs.so.1", ["IBVERBS_1.1"])]);
        FabricPlan plan = Plan(node, image);
        Assert.All(plan.Devices, d => Assert.Equal(FabricRung.Stack, d.Rung));
        Assert.Contains("of which a process has only one", plan.Devices.Single(d => d.Device.Name == "rxe0").Tried[0].Reason);
        Assert.Equal("/.slipway/fabric/libibverbs/libmlx5:/.slipway/fabric/libibverbs/librxe", plan.Environment["RDMAV_DRIVERS"]);
    }

    [Fact]
    public void A_plan_may_be_for_some_devices()
    {
        using NodeTree node = Debian12(new NodeTree().Mlx5WithVirtualFunctions());
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0");
        Assert.Equal("mlx5_1", Assert.Single(Plan(node, image, FabricSource.Auto, "mlx5_1").Devices).Device.Name);
        Assert.Equal("FabricDeviceNotFound", Assert.Throws<SlipwayException>(() => Plan(node, image, FabricSource.Auto, "mlx4_0")).Id);
    }

    [Fact]
    public void Omni_Path_is_the_image_s_where_it_has_psm2()
    {
        using NodeTree node = new NodeTree().Hfi1();
        using ImageTree image = new ImageTree("rocky", "9", "2.34");
        image.Has.Library("libpsm2.so.2", "libpsm2.so.2.2", ["PSM2_1.0"], ["libc.so.6"], [])
            .Program("/usr/lib64/openmpi/mca_mtl_psm2.so", [("libpsm2.so.2", ["PSM2_1.0"])]);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Image, plan.Verdict);
        Assert.Equal(["/dev/hfi1_0", "/dev/infiniband/uverbs0", "/dev/infiniband/rdma_cm"], plan.DeviceNodes);
    }

    [Fact]
    public void Slingshot_takes_the_node_s_libfabric()
    {
        using NodeTree node = new NodeTree().Cxi();
        List<string> fabric = Enumerable.Range(0, 8).Select(i => $"FABRIC_1.{i}").ToList();
        new SystemTree(node.Files).Distribution("sles", "15.5").CLibrary("2.31").Library("libcxi.so.1", "libcxi.so.1.5.0", [], ["libc.so.6"], [])
            .Library("libfabric.so.1", "libfabric.so.1.23.0", fabric, ["libcxi.so.1", "libc.so.6"], [("libc.so.6", ["GLIBC_2.17"])]);
        using ImageTree image = new ImageTree("ubuntu", "22.04", "2.34");
        image.Has.Library("libfabric.so.1", "libfabric.so.1.17.0", fabric, ["libc.so.6"], [])
            .Program("/usr/bin/app", [("libfabric.so.1", ["FABRIC_1.5"])]);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Stack, plan.Verdict);
        Assert.Equal(["/.slipway/fabric/lib/libcxi.so.1", "/.slipway/fabric/lib/libfabric.so.1"], plan.Binds.Select(b => b.Destination));
        Assert.Equal(["/dev/cxi0"], plan.DeviceNodes);

        image.Has.Program("/usr/bin/newer", [("libfabric.so.1", ["FABRIC_1.8"])]);
        Assert.Contains("/usr/bin/newer needs FABRIC_1.8", Plan(node, image).Reason);
    }

    [Fact]
    public void Slingshot_takes_the_node_s_provider_alone_where_the_image_s_libfabric_is_newer()
    {
        using NodeTree node = new NodeTree().Cxi();
        new SystemTree(node.Files).Distribution("sles", "15.5").CLibrary("2.31").Library("libcxi.so.1", "libcxi.so.1.5.0", [], ["libc.so.6"], [])
            .Library("libfabric.so.1", "libfabric.so.1.23.0", ["FABRIC_1.7"], ["libc.so.6"], [])
            .Library("libcxi-fi.so", "libfabric/libcxi-fi.so", [], ["libfabric.so.1", "libcxi.so.1", "libc.so.6"], [("libfabric.so.1", ["FABRIC_1.7"])]);
        using ImageTree image = new ImageTree("debian", "13", "2.38");
        image.Has.Library("libfabric.so.1", "libfabric.so.1.28.0", ["FABRIC_1.7", "FABRIC_1.8"], ["libc.so.6"], [])
            .Library("libefa-fi.so", "libfabric/libefa-fi.so", [], ["libc.so.6"], [])
            .Program("/usr/bin/app", [("libfabric.so.1", ["FABRIC_1.8"])]);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Provider, plan.Verdict);
        Assert.Equal($"/.slipway/fabric/libfabric:{SystemTree.Directory}/libfabric", plan.Environment["FI_PROVIDER_PATH"]);
        Assert.Equal(["/.slipway/fabric/lib/libcxi.so.1", "/.slipway/fabric/libfabric/libcxi-fi.so"], plan.Binds.Select(b => b.Destination));
    }

    [Fact]
    public void Two_kinds_of_fabric_are_judged_apart()
    {
        using NodeTree node = Debian12(new NodeTree().Efa().Cxi());
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0");
        FabricPlan plan = Plan(node, image);
        Assert.Equal([FabricRung.Provider, FabricRung.Refuse], plan.Devices.Select(d => d.Rung));
        Assert.Equal(FabricRung.Refuse, plan.Verdict);
        Assert.DoesNotContain("/dev/cxi0", plan.DeviceNodes);
    }

    [Fact]
    public void A_low_memory_lock_limit_is_a_warning()
    {
        using NodeTree node = Debian12(new NodeTree().Rxe().Memlock("16384", "unlimited"));
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0").Provider("rxe", 34);
        Assert.Contains("16384", Assert.Single(Plan(node, image).Warnings));
    }

    [Fact]
    public void A_plan_is_kept_beside_its_image()
    {
        using NodeTree node = Debian12(new NodeTree().Mlx5WithVirtualFunctions());
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0");
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
}
