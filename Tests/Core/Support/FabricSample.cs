using Slipway.Fabric;
using Slipway.Inventory;
using Slipway.Readers;

namespace Slipway.Tests;

/// <summary>A node as most tests of fabrics take it, and what is made of a node and an image.</summary>
static class FabricSample
{
    static readonly string[] Ucx = ["libucp.so.0", "libuct.so.0", "libucs.so.0", "libucm.so.0"];

    /// <summary>A Debian 12 node with rdma-core 44 (private ABI 34) and glibc 2.36, and the devices of a <c>.tree</c> file.</summary>
    public static NodeTree Node(string name = "rxe")
    {
        NodeTree node = NodeTree.Of(name);
        node.Distribution("debian", "12").CLibrary("2.36").Verbs(34, "44.0").Rdmacm(34).Provider("rxe", 34).SharedProvider("mlx5", 34);
        return node;
    }

    /// <summary>A Debian 12 image, with what a test puts into it.</summary>
    public static ImageTree Image(Action<ImageTree>? has = null)
    {
        ImageTree image = new("debian", "12", "2.36");
        has?.Invoke(image);
        return image;
    }

    public static FabricPlan Plan(
        NodeTree node, ImageTree image, Func<string, string?>? job = null, FabricSource source = FabricSource.Auto) =>
        FabricPlanner.Plan(image.Image(), node.Read(),
            new FabricRequest { Root = node.Root, Source = source }, job);

    public static FabricRungResult Tried(FabricPlan plan, FabricRung rung) => plan.Devices[0].Tried.First(t => t.Rung == rung);

    public static RootLibraries Libraries(NodeTree node, string? machine = "x86_64") =>
        new(new RootTree(node.Root), ProviderTable.Default, machine);

    public static HostSet HostSet(NodeTree node, ImageTree image) =>
        new(image.Read(), Libraries(node), ProviderTable.Default, node.Read().X86Level);

    /// <summary>Of <c>/proc/cpuinfo</c> with these flags.</summary>
    public static int? LevelOf(NodeTree node, string flags)
    {
        node.Write("proc/cpuinfo", $"processor\t: 0\nmodel name\t: x\nflags\t\t: {flags}\n\n");
        return X86Level.OfCpu(new RootTree(node.Root));
    }

    public static IReadOnlyList<FabricDevice> Devices(NodeTree node) =>
        new SysfsFabric(new RootTree(node.Root), ProviderTable.Default).ReadDevices();

    public static IReadOnlyDictionary<string, string> Excluded(NodeTree node, Func<string, string?> environment) =>
        FabricAllocation.Excluded(node.Read().Devices, environment, node.Root);

    /// <summary>The libraries of UCX, and its module for verbs or not; its main library exports these.</summary>
    public static void AddUcx(RootFixture has, bool verbsModule, params string[] exports)
    {
        foreach (string soname in Ucx)
            has.Library(soname, soname, [], ["libc.so.6"], [], exports: soname == "libucp.so.0" ? exports : []);
        has.Library("libuct_cma.so.0", "ucx/libuct_cma.so.0", [], ["libuct.so.0"], []);
        if (verbsModule)
            has.Library("libuct_ib.so.0", "ucx/libuct_ib.so.0", [], ["libibverbs.so.1", "libuct.so.0"],
                [("libibverbs.so.1", ["IBVERBS_1.1"])]);
    }

    /// <summary>An image with Open MPI over UCX, one of whose components imports a symbol of it.</summary>
    public static ImageTree MpiImage(bool verbsModule, string import = "ucp_init_version")
    {
        ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").Provider("rxe", 34)
            .Library("libmpi.so.40", "libmpi.so.40.30.4", [], ["libc.so.6"], [], exports: ["ompi_mpi_comm_world", "MPI_Init"])
            .Library("mca_pml_ucx.so", "openmpi/mca_pml_ucx.so", [], ["libmpi.so.40", "libucp.so.0"], [], imports: [import]);
        AddUcx(image, verbsModule, "ucp_init_version", "ucp_ep_create", "ucp_new");
        return image;
    }
}
