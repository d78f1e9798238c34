using System.Text;
using Slipway.Fabric;

namespace Slipway.Tests.Scenarios;

/// <summary>
/// Every node of <c>Nodes/</c> with every kind of image: the table of docs/fabric.md, cell by cell, and against rdma-core's own rules.
/// </summary>
public sealed class VerdictTests
{
    /// <summary>The private ABI of a release of rdma-core: its tags' CMakeLists.txt, IBVERBS_PABI_VERSION.</summary>
    static int PrivateAbi(int release) => release switch
    {
        <= 20 => release, <= 24 => 22, <= 32 => 25, 33 => 33, <= 56 => 34, <= 58 => 57, <= 63 => 59, _ => 65,
    };

    /// <summary>The highest <c>IBVERBS_1.n</c> of a release: its tags' libibverbs/libibverbs.map.in.</summary>
    static int PublicVersion(int release) => release switch { < 28 => 5, < 33 => 8, < 44 => 11, < 57 => 14, < 65 => 15, _ => 18 };

    /// <summary>First release of rdma-core that has a provider.</summary>
    static int Since(string provider) => provider switch { "irdma" => 37, "efa" => 24, _ => 0 };

    static readonly string[] Shared = ["mlx4", "mlx5", "efa"], Plain = ["rxe", "irdma", "bnxt_re"];

    /// <param name="Provided">It has the providers of its release, and libfabric with efa and psm2, as `fabric: auto` and `fabric: [efa,
    /// psm2]` install them.</param>
    /// <param name="Tools">It has rdma-core's own tools, which import the private ABI.</param>
    sealed record Kind(string Name, string Id, string Version, int RdmaCore, string Glibc, bool Provided = false, bool Tools = true,
        ushort Machine = 62);

    static readonly Kind[] Kinds =
    [
        new("Debian 12", "debian", "12", 44, "2.36"),
        new("Debian 12, provided", "debian", "12", 44, "2.36", Provided: true),
        new("Debian 11", "debian", "11", 33, "2.31"),
        new("Debian 11, provided", "debian", "11", 33, "2.31", Provided: true),
        new("Ubuntu 20.04, no tools", "ubuntu", "20.04", 28, "2.31", Tools: false),
        new("Rocky 9", "rocky", "9.4", 48, "2.34"),
        new("Ubuntu 22.04 with rdma-core 33, no tools", "ubuntu", "22.04", 33, "2.35", Tools: false),
        new("Debian unstable", "debian", "sid", 65, "2.42"),
        new("musl", "alpine", "3.20", 0, ""),
        new("aarch64", "debian", "12", 44, "2.36", Machine: 183),
    ];

    /// <summary>
    /// A node's own libraries: Rocky 9.4 with rdma-core 48, glibc 2.34, psm2 and a libfabric with psm2 and efa; with Slingshot, one with
    /// cxi.
    /// </summary>
    static NodeTree Node(string name)
    {
        NodeTree node = NodeTree.Of(name);
        NodeTree has = node.Distribution("rocky", "9.4").CLibrary("2.34");
        Verbs(has, 48, "2.34");
        bool cxi = name.Contains("cxi", StringComparison.Ordinal);
        string[] below = cxi ? ["libcxi.so.1"] : ["libpsm2.so.2", "libefa.so.1"];
        foreach (string? soname in below.Where(s => s != "libefa.so.1"))
            has.Library(soname, soname + ".2.2", [], ["libc.so.6"], [("libc.so.6", ["GLIBC_2.34"])]);
        has.Library("libfabric.so.1", "libfabric.so.1.23.0", Fabric(7), [.. below, "libibverbs.so.1", "libc.so.6"],
            [("libibverbs.so.1", ["IBVERBS_1.1"]), ("libc.so.6", ["GLIBC_2.34"])]);
        return node;
    }

    static ImageTree Image(Kind kind)
    {
        if (kind.Glibc.Length == 0)
            return new ImageTree(kind.Id, kind.Version);
        ImageTree image = new ImageTree(kind.Id, kind.Version, kind.Glibc, kind.Machine);
        if (kind.Machine != 62)
            return image;
        if (kind.Provided)
            Verbs(image, kind.RdmaCore, "2.14");
        else
            image.Verbs(PrivateAbi(kind.RdmaCore), $"{kind.RdmaCore}.0", PublicVersion(kind.RdmaCore));
        image.Program("/usr/bin/app", [("libibverbs.so.1", ["IBVERBS_1.1"])]);
        if (kind.Tools)
            image.Program("/usr/bin/ibv_devinfo", [("libibverbs.so.1", ["IBVERBS_1.1", $"IBVERBS_PRIVATE_{PrivateAbi(kind.RdmaCore)}"])]);
        string[] below = kind.Provided ? ["libpsm2.so.2", "libefa.so.1"] : [];
        if (kind.Provided)
            image.Library("libpsm2.so.2", "libpsm2.so.2.2", [], ["libc.so.6"], []);
        image.Library("libfabric.so.1", "libfabric.so.1.17.0", Fabric(6), [.. below, "libc.so.6"], [])
            .Program("/usr/bin/mpi-app", [("libfabric.so.1", ["FABRIC_1.6"])]);
        return image;
    }

    static List<string> Fabric(int highest) => Enumerable.Range(0, highest + 1).Select(i => $"FABRIC_1.{i}").ToList();

    static void Verbs(RootFixture has, int release, string glibc)
    {
        int abi = PrivateAbi(release);
        has.Verbs(abi, $"{release}.0", PublicVersion(release), glibc).Rdmacm(abi);
        foreach (string? name in Plain.Where(n => Since(n) <= release))
            has.Provider(name, abi, glibc);
        foreach (string? name in Shared.Where(n => Since(n) <= release))
            has.SharedProvider(name, abi, glibc: glibc);
    }

    static FabricPlan Plan(NodeTree node, ImageTree image) =>
        FabricPlanner.Plan(image.Image(), node.Read(), new FabricRequest { Root = node.Root });

    /// <summary>Of every node for every kind of image, each while the node's files are there.</summary>
    internal static IEnumerable<FabricPlan> AllPlans()
    {
        List<ImageTree> images = Kinds.Select(Image).ToList();
        foreach (string name in NodeTree.Names)
        {
            using NodeTree node = Node(name);
            foreach (ImageTree? image in images)
                yield return Plan(node, image);
        }
        images.ForEach(i => i.Dispose());
    }

    /// <summary>E.g. <c>Image</c>, or for devices that differ <c>cxi0 Refuse, mlx5_0 Image</c>.</summary>
    static string Cell(FabricPlan plan) => plan.Devices.Count == 0 ? plan.Verdict.ToString()
        : plan.Devices.Select(d => d.Rung).Distinct().Count() == 1 ? plan.Devices[0].Rung.ToString()
        : string.Join(", ", plan.Devices.Select(d => $"{d.Device.Name} {d.Rung}"));

    static string Table()
    {
        StringBuilder text = new StringBuilder();
        text.Append("| node \\ image | ").AppendJoin(" | ", Kinds.Select(k => k.Name)).Append(" |\n|")
            .Append(string.Concat(Enumerable.Repeat(" --- |", Kinds.Length + 1))).Append('\n');
        List<ImageTree> images = Kinds.Select(Image).ToList();
        foreach (string name in NodeTree.Names)
        {
            using NodeTree node = Node(name);
            text.Append("| ").Append(name).Append(" | ").AppendJoin(" | ", images.Select(i => Cell(Plan(node, i)))).Append(" |\n");
        }
        images.ForEach(i => i.Dispose());
        return text.ToString();
    }

    [Fact]
    public void TheGuidesTableIsWhatThePlannerSays()
    {
        string guide = File.ReadAllText(Path.Combine(Cli.Repository, "docs/fabric.md"));
        int from = guide.IndexOf("| node \\ image |", StringComparison.Ordinal);
        Assert.True(from >= 0, "docs/fabric.md has no table that begins with | node \\ image |");
        string table = guide[from..(guide.IndexOf("\n\n", from, StringComparison.Ordinal) + 1)];
        Assert.Equal(Table(), table);
    }

    public static TheoryData<string, string> Cells
    {
        get
        {
            TheoryData<string, string> cells = [];
            foreach (string node in NodeTree.Names)
                foreach (Kind kind in Kinds)
                    cells.Add(node, kind.Name);
            return cells;
        }
    }

    /// <summary>What follows from private ABIs, kernel ABI ranges and versions alone, worked out without a look at any file.</summary>
    static FabricRung Expected(FabricDevice device, Kind kind)
    {
        const int NodeRelease = 48, NodeGlibc = 34;
        if (kind.Glibc.Length == 0 || kind.Machine != 62)
            return FabricRung.Refuse;
        int glibc = int.Parse(kind.Glibc.Split('.')[1], System.Globalization.CultureInfo.InvariantCulture);
        (string? provider, int min, int max) = device.KernelDriver switch
        {
            "rdma_rxe" => ("rxe", 1, 2), "mlx4_ib" => ("mlx4", 2, 4), "mlx5_ib" => ("mlx5", 1, 1), "efa" => ("efa", 1, 1), "irdma" =>
                ("irdma", 0, 5), "bnxt_re" => ("bnxt_re", 1, 1),
            var other => (other ?? "", 0, int.MaxValue),
        };
        if (device.KernelDriver is "hfi1" or "cxi_core")
            return device.KernelDriver == "hfi1" && kind.Provided ? FabricRung.Image
                : glibc < NodeGlibc ? FabricRung.Refuse
                // libfabric with efa in it needs verbs of its own private ABI; the one with cxi does not
                : device.KernelDriver == "hfi1" && PrivateAbi(kind.RdmaCore) != PrivateAbi(NodeRelease) && kind.Tools ? FabricRung.Refuse
                : FabricRung.Stack;
        if (device.UverbsAbi < min || device.UverbsAbi > max)
            return FabricRung.Refuse;
        if (kind.Provided && Since(provider) <= kind.RdmaCore)
            return FabricRung.Image;
        bool same = PrivateAbi(kind.RdmaCore) == PrivateAbi(NodeRelease);
        if (same && glibc >= NodeGlibc && provider != "efa")
            return FabricRung.Provider;
        // the node's libfabric goes with its verbs; the tools keep their own private ABI
        return glibc >= NodeGlibc && (same || !kind.Tools) ? FabricRung.Stack : FabricRung.Refuse;
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void AVerdictFollowsRdmaCoresRules(string name, string kindName)
    {
        Kind kind = Kinds.Single(k => k.Name == kindName);
        using NodeTree node = Node(name);
        using ImageTree image = Image(kind);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(name == "none" ? 0 : plan.Devices.Count, plan.Devices.Count);
        foreach (FabricDevicePlan device in plan.Devices)
        {
            FabricRung expected = Expected(device.Device, kind);
            // one libibverbs in a process: another device may have needed the node's
            Assert.True(expected == device.Rung
                || (device.Rung == FabricRung.Stack
                    && plan.Devices.Any(d => d.Rung == FabricRung.Stack && Expected(d.Device, kind) == FabricRung.Stack)),
                $"{device.Device}: {device.Rung}, not {expected}: {device.Reason}");
            Assert.Equal(device.Rung, device.Tried[^1].Rung);
            if (device.Rung == FabricRung.Refuse)
                Assert.DoesNotContain(device.Device.Uverbs is { } u ? $"/dev/infiniband/{u}" : $"/dev/{device.Device.Name}",
                    plan.DeviceNodes);
        }
        Assert.DoesNotContain(plan.Binds, b => !b.Destination.StartsWith("/.slipway/fabric/", StringComparison.Ordinal)
            || !File.Exists(b.Source));
    }
}
