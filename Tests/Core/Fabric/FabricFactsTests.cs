using System.Text.Json;
using Slipway.Fabric;
using Slipway.Inventory;

namespace Slipway.Tests.Fabric;

/// <summary>UCX, MPI, libfabric's providers, the CPU, packages, what a job was given, CDI, and facts kept by digest.</summary>
public sealed class FabricFactsTests
{
    static readonly string[] Ucx = ["libucp.so.0", "libuct.so.0", "libucs.so.0", "libucm.so.0"];

    static void AddUcx(SystemTree has, bool verbsModule, params string[] exports)
    {
        foreach (string soname in Ucx)
            has.Library(soname, soname, [], ["libc.so.6"], [], exports: soname == "libucp.so.0" ? exports : []);
        has.Library("libuct_cma.so.0", "ucx/libuct_cma.so.0", [], ["libuct.so.0"], []);
        if (verbsModule)
            has.Library("libuct_ib.so.0", "ucx/libuct_ib.so.0", [], ["libibverbs.so.1", "libuct.so.0"], [("libibverbs.so.1", ["IBVERBS_1.1"])]);
    }

    static NodeTree Node(string name = "rxe")
    {
        NodeTree node = NodeTree.Of(name);
        new SystemTree(node.Files).Distribution("debian", "12").CLibrary("2.36").Verbs(34, "44.0").Rdmacm(34).Provider("rxe", 34).SharedProvider("mlx5", 34);
        return node;
    }

    static FabricPlan Plan(NodeTree node, ImageTree image, Func<string, string?>? job = null) =>
        FabricPlanner.Plan(image.Image(), node.Read(), new FabricRequest { Root = node.Root }, job);

    static ImageTree MpiImage(bool verbsModule, string import = "ucp_init_version")
    {
        ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0").Provider("rxe", 34)
            .Library("libmpi.so.40", "libmpi.so.40.30.4", [], ["libc.so.6"], [], exports: ["ompi_mpi_comm_world", "MPI_Init"])
            .Library("mca_pml_ucx.so", "openmpi/mca_pml_ucx.so", [], ["libmpi.so.40", "libucp.so.0"], [], imports: [import]);
        AddUcx(image.Has, verbsModule, "ucp_init_version", "ucp_ep_create", "ucp_new");
        return image;
    }

    [Fact]
    public void An_MPI_is_known_by_what_it_exports_and_what_its_components_are_linked_with()
    {
        using ImageTree image = MpiImage(verbsModule: true);
        ImageFabric facts = image.Read();
        ImageMpi mpi = Assert.Single(facts.Mpi);
        Assert.Equal(("libmpi.so.40", "Open MPI"), (mpi.Soname, mpi.Family));
        Assert.Equal(["ucx"], mpi.Transports);
        Assert.Equal(["ucp_init_version"], facts.UcxSymbols);
        Assert.Equal(["libuct_cma.so.0", "libuct_ib.so.0"], facts.UcxModules.Select(m => Path.GetFileName(m)!));
    }

    [Fact]
    public void MPICH_is_not_taken_for_Open_MPI_by_its_soname()
    {
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Library("libmpi.so.12", "libmpi.so.12.1.8", [], ["libfabric.so.1"], [], exports: ["MPIR_Err_create_code", "MPI_Init"]);
        ImageMpi mpi = Assert.Single(image.Read().Mpi);
        Assert.Equal("MPICH", mpi.Family);
        Assert.Equal(["libfabric"], mpi.Transports);
    }

    [Fact]
    public void An_MPI_without_any_of_the_transports_is_a_warning()
    {
        using NodeTree node = Node();
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0").Provider("rxe", 34).Library("libmpi.so.40", "libmpi.so.40.30.4", [], ["libc.so.6"], [], exports: ["ompi_mpi_comm_world"]);
        Assert.Contains("it will use TCP", Assert.Single(Plan(node, image).Warnings));
    }

    [Fact]
    public void The_image_s_own_UCX_is_used_where_it_has_a_module_for_verbs()
    {
        using NodeTree node = Node();
        AddUcx(new SystemTree(node.Files), verbsModule: true, "ucp_init_version");
        using ImageTree image = MpiImage(verbsModule: true);
        FabricPlan plan = Plan(node, image);
        Assert.Empty(plan.Binds);
        Assert.Empty(plan.Warnings);
    }

    [Fact]
    public void The_node_s_UCX_comes_whole_where_the_image_s_has_no_module_for_verbs()
    {
        using NodeTree node = Node();
        AddUcx(new SystemTree(node.Files), verbsModule: true, "ucp_init_version");
        using ImageTree image = MpiImage(verbsModule: false);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Image, plan.Verdict);
        Assert.Equal(["lib/libucm.so.0", "lib/libucp.so.0", "lib/libucs.so.0", "lib/libuct.so.0", "lib/ucx/libuct_cma.so.0", "lib/ucx/libuct_ib.so.0"],
            plan.Binds.Select(b => b.Destination["/.slipway/fabric/".Length..]).Order(StringComparer.Ordinal));
        Assert.Equal("/.slipway/fabric/lib", plan.Environment["LD_LIBRARY_PATH"]);
        Assert.Contains("so programs use the node's", Assert.Single(plan.Warnings));
    }

    [Theory]
    [InlineData(true, "ucp_new", "import ucp_new, which the node's UCX does not export")]
    [InlineData(false, "ucp_init_version", "neither has the node's")]
    public void The_node_s_UCX_is_not_taken_where_it_does_not_fit(bool nodeModule, string import, string says)
    {
        using NodeTree node = Node();
        AddUcx(new SystemTree(node.Files), nodeModule, "ucp_init_version");
        using ImageTree image = MpiImage(verbsModule: false, import);
        FabricPlan plan = Plan(node, image);
        Assert.Empty(plan.Binds);
        Assert.Contains(says, Assert.Single(plan.Warnings));
    }

    [Fact]
    public void A_provider_that_is_a_part_of_libfabric_is_seen()
    {
        using ImageTree image = new ImageTree("rocky", "9.4", "2.34");
        image.Has.Library("libfabric.so.1", "libfabric.so.1.23.0", ["FABRIC_1.7"], ["libefa.so.1", "libpsm2.so.2"], [], text: "FI_OPX_UUID");
        Assert.Equal(["efa", "opx", "psm2"], image.Read().LibfabricBuiltIn.Order());
    }

    [Fact]
    public void Omni_Path_is_served_by_opx_too()
    {
        using NodeTree node = NodeTree.Of("hfi1");
        using ImageTree image = new ImageTree("rocky", "10", "2.39");
        image.Has.Library("libfabric.so.1", "libfabric.so.1.28.0", ["FABRIC_1.8"], ["libc.so.6"], [], text: "FI_OPX_UUID");
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Image, plan.Verdict);
        Assert.Contains("provider opx", plan.Reason);
    }

    [Fact]
    public void EFA_takes_a_libfabric_with_efa()
    {
        using NodeTree node = NodeTree.Of("efa");
        new SystemTree(node.Files).Distribution("rocky", "9.4").CLibrary("2.34");
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0").SharedProvider("efa", 34);
        Assert.Equal(FabricRung.Image, Plan(node, image).Verdict);
        Assert.Contains("the image has no libfabric, through which alone MPI reaches EFA", Plan(node, image).Reason);
        image.Has.Library("libfabric.so.1", "libfabric.so.1.20.0", ["FABRIC_1.6"], ["libc.so.6"], []);
        Assert.Equal(FabricRung.Refuse, Plan(node, image).Verdict);
        Assert.Contains("has no provider efa", Plan(node, image).Reason);
    }

    [Theory]
    [InlineData("fpu lm cx16 lahf_lm popcnt pni ssse3 sse4_1", 1)]
    [InlineData("fpu lm cx16 lahf_lm popcnt pni ssse3 sse4_1 sse4_2 avx", 2)]
    [InlineData("fpu lm cx16 lahf_lm popcnt pni ssse3 sse4_1 sse4_2 avx avx2 bmi1 bmi2 f16c fma abm movbe xsave", 3)]
    public void A_provider_for_a_better_CPU_is_refused(string flags, int level)
    {
        using NodeTree node = Node();
        node.Files.Write("proc/cpuinfo", $"processor\t: 0\nmodel name\t: x\nflags\t\t: {flags}\n\n");
        Assert.Equal(level, node.Read().X86Level);
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0").Provider("rxe", 34, x86Isa: 4);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(level < 3 ? FabricRung.Provider : FabricRung.Image, plan.Verdict);
        if (level < 3)
            Assert.Contains($"needs an x86-64-v3 CPU, and the node's is x86-64-v{level}", plan.Devices[0].Tried[0].Reason);
        new SystemTree(node.Files).Provider("rxe", 34, x86Isa: 8, driverFile: false);
        if (level < 3)
            Assert.Contains($"the node's librxe-rdmav34.so needs an x86-64-v4 CPU", Plan(node, image).Reason);
    }

    [Theory]
    [InlineData("debian", null, "auto", "libibverbs1,ibverbs-providers,librdmacm1")]
    [InlineData("debian", null, "mlx5", "libibverbs1,ibverbs-providers,librdmacm1")]
    [InlineData("debian", null, "efa", "libibverbs1,ibverbs-providers,libfabric1")]
    [InlineData("rhel", "7", "auto", "libibverbs,librdmacm")]
    [InlineData("rhel", "9.4", "psm2", "libpsm2,libfabric")]
    [InlineData("rhel", "10", "psm2", "libfabric")]
    [InlineData("rhel", "7.9", "efa", "")]
    [InlineData("suse", "15.5", "mlx5", "libibverbs,libibverbs1,librdmacm1,libmlx5-1")]
    [InlineData("suse", "15.5", "cxi", "")]
    public void Packages_are_known_by_family_and_release(string family, string? release, string name, string packages) =>
        Assert.Equal(packages, string.Join(',', FabricPackages.For(family, release, [name])));

    [Theory]
    [InlineData("rhel", "https://dl.rockylinux.org/pub/rocky/9/BaseOS/x86_64/os/", "base", "bash")]
    [InlineData("rhel", "https://mirrors.fedoraproject.org/metalink?repo=fedora-40&arch=x86_64", "fedora", "bash")]
    [InlineData("suse", "https://download.opensuse.org/distribution/leap/15.6/repo/oss/", "oss", "bash")]
    [InlineData("suse", "https://updates.suse.com/SUSE/Products/SLE-Module-Basesystem/15-SP6/x86_64/product/", "base", "bash")]
    [InlineData("suse", "https://mirror.example.org/oss/", "openSUSE-oss", "bash")]
    [InlineData("suse", "https://mirror.example.org/oss/", "oss", "sles-release")]
    public void Rpm_repositories_tell_their_family(string family, params string[] names) => Assert.Equal(family, FabricPackages.RpmFamily(names));

    [Fact]
    public void A_vendor_s_old_repository_has_other_names()
    {
        Assert.Equal(["libibverbs", "libmlx5", "librdmacm"], FabricPackages.For("rhel", "7", ["mlx5"], ["https://example.org/mlnx_ofed/4.9-7.1.0.0/rhel7.9/x86_64"]));
        Assert.Equal(["libibverbs", "librdmacm"], FabricPackages.For("rhel", "7", ["mlx5"], ["https://example.org/mlnx_ofed/5.8-1.0.1.1/rhel7.9/x86_64"]));
    }

    [Fact]
    public void A_provider_younger_than_the_distribution_is_not_advised()
    {
        using NodeTree node = NodeTree.Of("irdma");
        using ImageTree image = new ImageTree("debian", "11", "2.31");
        image.Has.Verbs(33, "33.2").Provider("rxe", 33);
        Assert.Contains("debian 11 has rdma-core 33, and irdma came with 37", Plan(node, image).Reason);
    }

    [Theory]
    [InlineData("SLURM_STEP_NICS", "1", "mlx5_0 mlx5_2")]
    [InlineData("SLURM_JOB_NICS", "0,2", "mlx5_1")]
    [InlineData("SLINGSHOT_DEVICES", "cxi1", "")]
    [InlineData("SLURM_JOB_GPUS", "1", "")]
    public void A_batch_system_s_variables_leave_devices_out(string variable, string value, string left)
    {
        using NodeTree node = Node("mlx5-sriov");
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0");
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
    public void Where_a_job_was_given_nothing_the_plan_says_so()
    {
        using NodeTree node = Node();
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        FabricPlan plan = Plan(node, image, name => name == "SLURM_STEP_NICS" ? "7" : null);
        Assert.Equal(FabricRung.None, plan.Verdict);
        Assert.Contains("SLURM_STEP_NICS=7", plan.Reason);
    }

    [Fact]
    public void A_cgroup_s_device_rules_leave_devices_out()
    {
        using NodeTree node = Node("mlx5-sriov");
        node.Files.Write("proc/self/cgroup", "12:pids:/x\n5:devices:/slurm/uid_1/job_7\n0::/\n");
        node.Files.Write("sys/fs/cgroup/devices/slurm/uid_1/job_7/devices.list", "c 1:* rwm\nc 231:193 rw\nc 231:194 m\nb *:* rwm\n");
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0");
        FabricPlan plan = Plan(node, image);
        Assert.Equal(["mlx5_0", "mlx5_2"], plan.Excluded.Keys);
        Assert.Contains("/dev/infiniband/uverbs0", plan.Excluded["mlx5_0"]);
        node.Files.Write("sys/fs/cgroup/devices/slurm/uid_1/job_7/devices.list", "a *:* rwm\n");
        Assert.Empty(Plan(node, image).Excluded);
    }

    [Fact]
    public void A_plan_is_a_CDI_specification_too()
    {
        using NodeTree node = Node("mlx5-sriov");
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0");
        using TemporaryDirectory directory = new TemporaryDirectory();
        string path = Path.Combine(directory.Path, "slipway.json");
        FabricPlan plan = Plan(node, image);
        FabricCdi.Write(plan, path);
        FabricCdi.Write(plan, path);
        Assert.Equal([path], Directory.GetFiles(directory.Path));
        using JsonDocument cdi = System.Text.Json.JsonDocument.Parse(File.ReadAllText(path));
        JsonElement root = cdi.RootElement;
        Assert.Equal(("0.3.0", "slipway/fabric"), (root.GetProperty("cdiVersion").GetString(), root.GetProperty("kind").GetString()));
        Assert.Equal(["mlx5_0", "mlx5_1", "mlx5_2", "all"], root.GetProperty("devices").EnumerateArray().Select(d => d.GetProperty("name").GetString()!));
        JsonElement edits = root.GetProperty("containerEdits");
        Assert.Equal(plan.Environment.Select(e => $"{e.Key}={e.Value}"), edits.GetProperty("env").EnumerateArray().Select(e => e.GetString()));
        Assert.Equal(plan.Binds.Select(b => b.Destination), edits.GetProperty("mounts").EnumerateArray().Select(m => m.GetProperty("containerPath").GetString()));
        // a field that a version does not know is an error to its readers: these three are all that 0.3.0 has for a mount
        Assert.All(edits.GetProperty("mounts").EnumerateArray(), m => Assert.Equal(["hostPath", "containerPath", "options"], m.EnumerateObject().Select(p => p.Name)));

        plan.Devices = [];
        Assert.Equal("FabricCdiNothing", Assert.Throws<SlipwayException>(() => FabricCdi.Write(plan, path)).Id);
        Assert.Equal("FabricCdiWrite", Assert.Throws<SlipwayException>(() => FabricCdi.Write(Plan(node, image), "/proc/none/slipway.json")).Id);
    }

    [Fact]
    public void A_name_that_begins_with_a_digit_takes_a_later_CDI()
    {
        using NodeTree node = new NodeTree().Rxe("0rxe");
        new SystemTree(node.Files).Distribution("debian", "12").CLibrary("2.36").Verbs(34, "44.0").Provider("rxe", 34);
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0");
        Assert.Equal("0.5.0", FabricCdi.Of(Plan(node, image)).CdiVersion);
    }

    [NeedsFact("mksquashfs", "unsquashfs")]
    public void What_an_image_that_is_not_ours_has_is_read_once()
    {
        using ImageTree tree = new ImageTree("debian", "12", "2.36");
        tree.Has.Verbs(34, "44.0").Provider("rxe", 34);
        using TemporaryDirectory directory = new TemporaryDirectory();
        string file = Path.Combine(directory.Path, "foreign.sqfs");
        TinyImage.Pack(tree.Files.Path, file);
        ContainerImage image = new ContainerImage { Path = file, Size = 1, Digest = "sha256:" + new string('1', 64) };
        string cache = Path.Combine(directory.Path, "cache");
        Assert.Equal(34, ImageFacts.Cached(image, cache).Verbs?.PrivateAbi);
        Assert.Single(Directory.GetFiles(cache));
        File.Delete(file);
        Assert.Equal(34, ImageFacts.Cached(image, cache).Verbs?.PrivateAbi);

        // what others may have written is not read, nor is what is damaged
        File.SetUnixFileMode(cache, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupWrite);
        Assert.Throws<SlipwayException>(() => ImageFacts.Cached(image, cache));
        File.SetUnixFileMode(cache, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.WriteAllText(Directory.GetFiles(cache)[0], "{");
        Assert.Throws<SlipwayException>(() => ImageFacts.Cached(image, cache));
    }

    [Theory]
    [InlineData("from: deb\nsuite: bookworm\n", "fabric: auto\n")]
    [InlineData("from: deb\nfabric: none\nsuite: bookworm", "fabric: auto\n")]
    public void A_definition_is_given_a_fabric(string text, string line)
    {
        string changed = FabricStep.WithFabric(text, ["auto"], "/site/app.yaml");
        Assert.Contains(line, changed);
        Assert.Contains("suite: bookworm\n", changed);
        Assert.DoesNotContain("none", changed);
    }

    [Fact]
    public void A_definition_that_takes_no_line_is_left_to_its_author() =>
        Assert.Equal("DefinitionNotEditable", Assert.Throws<SlipwayException>(() => FabricStep.WithFabric("{from: deb, suite: bookworm}", ["auto"], "/site/app.yaml")).Id);

    [NeedsFact(Needs.Long, Needs.Launcher, Needs.Network, "mmdebstrap", "mksquashfs", "unsquashfs")]
    public void An_image_is_built_anew_with_its_distribution_s_packages()
    {
        using NodeTree node = NodeTree.Of("rxe");
        using TemporaryDirectory directory = new TemporaryDirectory();
        directory.Write("app.yaml", "from: deb\nsuite: bookworm\npackages: [libibverbs1]\n");
        string file = Path.Combine(directory.Path, "app.sqfs");
        Assert.Equal(0, Cli.Run("build", Path.Combine(directory.Path, "app.yaml"), "-o", file).ExitCode);
        Assert.StartsWith("Refuse: rxe0: ", Cli.Run("fabric", "--root", node.Root, file).Output);

        Cli.Result planned = Cli.Run("fabric", "--root", node.Root, "--source", "package", "--json", file);
        Assert.True(planned.ExitCode == 0, planned.Error);
        using JsonDocument image = System.Text.Json.JsonDocument.Parse(planned.Output);
        Assert.Equal("Image", image.RootElement.GetProperty("fabricPlan").GetProperty("verdict").GetString());
        Assert.Contains("fabric: auto", image.RootElement.GetProperty("manifest").GetProperty("definition").GetString());
        Assert.Equal("app", image.RootElement.GetProperty("manifest").GetProperty("name").GetString());
    }
}
