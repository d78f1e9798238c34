using Slipway.Fabric;

namespace Slipway.Tests.Fabric;

/// <summary>Never a crash, and never a wrong "compatible": the plan refuses and says why.</summary>
public sealed class FabricBadInputTests
{
    const string Provider = $"{SystemTree.Directory}/libibverbs/librxe-rdmav34.so";

    static NodeTree Node(string name = "rxe")
    {
        NodeTree node = NodeTree.Of(name);
        new SystemTree(node.Files).Distribution("debian", "12").CLibrary("2.36").Verbs(34, "44.0").Rdmacm(34).Provider("rxe", 34).SharedProvider("mlx5", 34);
        return node;
    }

    static FabricPlan Plan(NodeTree node, ImageTree image) => FabricPlanner.Plan(image.Image(), node.Read(), new FabricRequest { Root = node.Root });

    static byte[] Broken(string how, byte[] whole) => how switch
    {
        "empty" => [],
        "text" => "GROUP ( libc.so.6 )"u8.ToArray(),
        "half" => whole[..(whole.Length / 2)],
        "header" => whole[..40],
        "versions" => Versions(whole),
        "machine" => new ElfBuilder { Machine = 183, Needed = ["libibverbs.so.1"], VersionsNeeded = new Dictionary<string, string[]> { ["libibverbs.so.1"] = ["IBVERBS_PRIVATE_34"] } }.Build(),
        "class" => new ElfBuilder { Is64 = false, Needed = ["libibverbs.so.1"], VersionsNeeded = new Dictionary<string, string[]> { ["libibverbs.so.1"] = ["IBVERBS_PRIVATE_34"] } }.Build(),
        _ => throw new ArgumentException(how),
    };

    /// <summary>DT_VERNEED and DT_VERDEF point far outside the file.</summary>
    static byte[] Versions(byte[] whole)
    {
        for (int at = 0; at + 16 <= whole.Length; at += 8)
            if (BitConverter.ToUInt64(whole, at) is 0x6ffffffe or 0x6ffffffc)
                BitConverter.GetBytes(0x7fff_ffff_0000ul).CopyTo(whole, at + 8);
        return whole;
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("text")]
    [InlineData("half")]
    [InlineData("header")]
    [InlineData("versions")]
    [InlineData("machine")]
    [InlineData("class")]
    public void A_provider_that_cannot_be_used_is_no_provider(string how)
    {
        using NodeTree node = Node();
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0").Provider("rxe", 34);
        Break(image.Files, Provider, how);
        FabricPlan plan = Plan(node, image);
        // the node's own fits
        Assert.Equal(FabricRung.Provider, plan.Verdict);
        Assert.False(plan.Devices[0].Tried[0].Holds);

        Break(node.Files, Provider, how);
        plan = Plan(node, image);
        Assert.Equal(FabricRung.Refuse, plan.Verdict);
        Assert.Contains("the node has no usable provider rxe", plan.Reason);
        Assert.Empty(plan.Binds);
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("text")]
    [InlineData("half")]
    [InlineData("versions")]
    [InlineData("machine")]
    [InlineData("class")]
    public void A_libibverbs_that_cannot_be_used_is_none(string how)
    {
        using NodeTree node = Node();
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0", highest: 13).Provider("rxe", 34);
        Break(image.Files, $"{SystemTree.Directory}/libibverbs.so.1.13.44.0", how);
        FabricPlan plan = Plan(node, image);
        Assert.NotEqual(FabricRung.Image, plan.Verdict);
        Assert.NotEqual(FabricRung.Provider, plan.Verdict);
        Assert.Contains("libibverbs", plan.Devices[0].Tried[0].Reason);
    }

    static void Break(TemporaryDirectory files, string path, string how)
    {
        string whole = Path.Combine(files.Path, path.TrimStart('/'));
        File.WriteAllBytes(whole, Broken(how, File.ReadAllBytes(whole)));
    }

    [Fact]
    public void A_library_whose_links_go_round_is_named()
    {
        using NodeTree node = Node("mlx5-sriov");
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0").Program("/usr/bin/ucx_info", [("libmlx5.so.1", ["MLX5_1.12"])]);
        image.Files.Link($"{SystemTree.Directory}/libmlx5.so.1", "libmlx5.so.1.24.0.0");
        image.Files.Link($"{SystemTree.Directory}/libmlx5.so.1.24.0.0", "libmlx5.so.1");
        image.Files.Link($"{SystemTree.Directory}/libibverbs/libmlx5-rdmav34.so", "../libmlx5.so.1");
        image.Files.Write("etc/libibverbs.d/mlx5.driver", "driver mlx5\n");
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Provider, plan.Verdict);
        Assert.Contains("a link that leads nowhere", plan.Devices[0].Tried[0].Reason);

        // and the same on the node
        foreach (string file in (string[])["libmlx5.so.1", "libmlx5.so.1.24.0.0"])
            File.Delete(node.Root + $"{SystemTree.Directory}/{file}");
        node.Files.Link($"{SystemTree.Directory}/libmlx5.so.1", "libmlx5.so.1.24.0.0");
        node.Files.Link($"{SystemTree.Directory}/libmlx5.so.1.24.0.0", "libmlx5.so.1");
        plan = Plan(node, image);
        Assert.Equal(FabricRung.Refuse, plan.Verdict);
        Assert.Contains("the node has no usable provider mlx5", plan.Reason);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\0\0\u0001\u00ff")]
    [InlineData("driver\n driver  \n#driver rxe\ndrivers rxe\ndriver rxe junk\n")]
    [InlineData("driver ../../../../etc/passwd\n")]
    public void A_driver_file_with_junk_loads_nothing(string content)
    {
        using NodeTree node = Node();
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0").Provider("rxe", 34, driverFile: false);
        image.Files.Write("etc/libibverbs.d/rxe.driver", content);
        FabricPlan plan = Plan(node, image);
        Assert.Contains("has a line `driver rxe`", plan.Devices[0].Tried[0].Reason);
        Assert.Equal(FabricRung.Provider, plan.Verdict);
    }

    [Fact]
    public void A_libibverbs_that_cannot_be_loaded_serves_nobody()
    {
        using NodeTree node = Node();
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Provider("rxe", 34).Library("libibverbs.so.1", "libibverbs.so.1.14.44.0", ["IBVERBS_1.0", "IBVERBS_1.1", "IBVERBS_PRIVATE_34"], ["libnl-3.so.200", "libc.so.6"], []);
        FabricPlan plan = Plan(node, image);
        Assert.All(plan.Devices[0].Tried.Take(2), t => Assert.Contains("needs libnl-3.so.200, which the image does not have", t.Reason));
        Assert.Equal(FabricRung.Stack, plan.Verdict);
    }

    [Fact]
    public void An_image_that_says_it_is_Debian_and_is_not_gets_no_packages_as_advice()
    {
        using NodeTree node = NodeTree.Of("rxe");
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        File.Delete(Path.Combine(image.Files.Path, "var/lib/dpkg/status"));
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Refuse, plan.Verdict);
        Assert.Contains("it calls itself debian 12, but has no dpkg database", plan.Reason);
        Assert.DoesNotContain("fabric: auto", plan.Reason);
    }

    [Fact]
    public void An_unknown_distribution_gets_no_packages_as_advice()
    {
        using NodeTree node = NodeTree.Of("rxe");
        using ImageTree image = new ImageTree("nixos", "24.05", "2.36");
        Assert.Contains("no package of nixos 24.05 is known to have it", Plan(node, image).Reason);
    }

    [Theory]
    [InlineData("abi_version", "")]
    [InlineData("abi_version", "two\n")]
    [InlineData("abi_version", "99999999999999999999\n")]
    [InlineData("abi_version", "-1\n")]
    public void A_kernel_ABI_that_is_not_to_be_read_fits_no_provider(string file, string content)
    {
        using NodeTree node = Node();
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Has.Verbs(34, "44.0").Provider("rxe", 34);
        node.Files.Write($"sys/devices/virtual/infiniband_verbs/uverbs0/{file}", content);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Refuse, plan.Verdict);
        Assert.Contains("kernel ABI", plan.Reason);
    }

    [Fact]
    public async Task Files_that_vanish_while_they_are_read_are_no_error()
    {
        using NodeTree node = Node("mlx5-sriov");
        string devices = Path.Combine(node.Root, "sys/devices/pci0000:00");
        string gone = devices + ".gone";
        using CancellationTokenSource stop = new CancellationTokenSource();
        Task hotplug = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                Directory.Move(devices, gone);
                Directory.Move(gone, devices);
            }
        });
        for (int i = 0; i < 200; i++)
            Assert.NotNull(node.Read());
        await stop.CancelAsync();
        await hotplug;
    }

    [Fact]
    public void An_unreadable_directory_is_no_error()
    {
        using NodeTree node = Node("mlx5-sriov");
        string device = Path.Combine(node.Root, "sys/devices/pci0000:00/0000:3b:00.0/infiniband/mlx5_0/ports");
        File.SetUnixFileMode(device, UnixFileMode.None);
        try
        {
            Assert.Equal(3, node.Read().Devices.Count);
        }
        finally
        {
            File.SetUnixFileMode(device, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
