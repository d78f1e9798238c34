using static Slipway.Tests.FabricSample;

namespace Slipway.Tests.Fabric;

/// <summary>Devices that libibverbs drives. Never a crash, and never a wrong "compatible": the plan refuses and says why.</summary>
public sealed class VerbsLadderTests
{
    const string Provider = $"{SystemTree.Directory}/libibverbs/librxe-rdmav34.so";

    static byte[] Broken(string how, byte[] whole) => how switch
    {
        "empty" => [],
        "text" => "GROUP ( libc.so.6 )"u8.ToArray(),
        "half" => whole[..(whole.Length / 2)],
        "header" => whole[..40],
        "versions" => Versions(whole),
        "machine" => new ElfBuilder { Machine = 183, Needed = ["libibverbs.so.1"],
            VersionsNeeded = new Dictionary<string, string[]> { ["libibverbs.so.1"] = ["IBVERBS_PRIVATE_34"] } }.Build(),
        "class" => new ElfBuilder { Is64 = false, Needed = ["libibverbs.so.1"],
            VersionsNeeded = new Dictionary<string, string[]> { ["libibverbs.so.1"] = ["IBVERBS_PRIVATE_34"] } }.Build(),
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
    public void AProviderThatCannotBeUsedIsNoProvider(string how)
    {
        using NodeTree node = Node();
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").Provider("rxe", 34);
        Break(image, Provider, how);
        FabricPlan plan = Plan(node, image);
        // the node's own fits
        Assert.Equal(FabricRung.Provider, plan.Verdict);
        Assert.False(plan.Devices[0].Tried[0].Holds);

        Break(node, Provider, how);
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
    public void ALibibverbsThatCannotBeUsedIsNone(string how)
    {
        using NodeTree node = Node();
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0", highest: 13).Provider("rxe", 34);
        Break(image, $"{SystemTree.Directory}/libibverbs.so.1.13.44.0", how);
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
    public void ALibraryWhoseLinksGoRoundIsNamed()
    {
        using NodeTree node = Node("mlx5-sriov");
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").Program("/usr/bin/ucx_info", [("libmlx5.so.1", ["MLX5_1.12"])]);
        image.Link($"{SystemTree.Directory}/libmlx5.so.1", "libmlx5.so.1.24.0.0");
        image.Link($"{SystemTree.Directory}/libmlx5.so.1.24.0.0", "libmlx5.so.1");
        image.Link($"{SystemTree.Directory}/libibverbs/libmlx5-rdmav34.so", "../libmlx5.so.1");
        image.Write("etc/libibverbs.d/mlx5.driver", "driver mlx5\n");
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Provider, plan.Verdict);
        Assert.Contains("a link that leads nowhere", plan.Devices[0].Tried[0].Reason);

        // and the same on the node
        foreach (string file in (string[])["libmlx5.so.1", "libmlx5.so.1.24.0.0"])
            File.Delete(node.Root + $"{SystemTree.Directory}/{file}");
        node.Link($"{SystemTree.Directory}/libmlx5.so.1", "libmlx5.so.1.24.0.0");
        node.Link($"{SystemTree.Directory}/libmlx5.so.1.24.0.0", "libmlx5.so.1");
        plan = Plan(node, image);
        Assert.Equal(FabricRung.Refuse, plan.Verdict);
        Assert.Contains("the node has no usable provider mlx5", plan.Reason);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\0\0\u0001\u00ff")]
    [InlineData("driver\n driver  \n#driver rxe\ndrivers rxe\ndriver rxe junk\n")]
    [InlineData("driver ../../../../etc/passwd\n")]
    public void ADriverFileWithJunkLoadsNothing(string content)
    {
        using NodeTree node = Node();
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").Provider("rxe", 34, driverFile: false);
        image.Write("etc/libibverbs.d/rxe.driver", content);
        FabricPlan plan = Plan(node, image);
        Assert.Contains("has a line `driver rxe`", plan.Devices[0].Tried[0].Reason);
        Assert.Equal(FabricRung.Provider, plan.Verdict);
    }

    [Fact]
    public void ALibibverbsThatCannotBeLoadedServesNobody()
    {
        using NodeTree node = Node();
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Provider("rxe", 34).Library(
            "libibverbs.so.1", "libibverbs.so.1.14.44.0", ["IBVERBS_1.0", "IBVERBS_1.1", "IBVERBS_PRIVATE_34"],
            ["libnl-3.so.200", "libc.so.6"], []);
        FabricPlan plan = Plan(node, image);
        Assert.All(plan.Devices[0].Tried.Take(2), t => Assert.Contains("needs libnl-3.so.200, which the image does not have", t.Reason));
        Assert.Equal(FabricRung.Stack, plan.Verdict);
    }

    [Theory]
    [InlineData("abi_version", "")]
    [InlineData("abi_version", "two\n")]
    [InlineData("abi_version", "99999999999999999999\n")]
    [InlineData("abi_version", "-1\n")]
    public void AKernelAbiThatIsNotToBeReadFitsNoProvider(string file, string content)
    {
        using NodeTree node = Node();
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").Provider("rxe", 34);
        node.Write($"sys/devices/virtual/infiniband_verbs/uverbs0/{file}", content);
        FabricPlan plan = Plan(node, image);
        Assert.Equal(FabricRung.Refuse, plan.Verdict);
        Assert.Contains("kernel ABI", plan.Reason);
    }

    [Fact]
    public void EfaTakesALibfabricWithEfa()
    {
        using NodeTree node = NodeTree.Of("efa");
        node.Distribution("rocky", "9.4").CLibrary("2.34");
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").SharedProvider("efa", 34);
        Assert.Equal(FabricRung.Image, Plan(node, image).Verdict);
        Assert.Contains("the image has no libfabric, through which alone MPI reaches EFA", Plan(node, image).Reason);
        image.Library("libfabric.so.1", "libfabric.so.1.20.0", ["FABRIC_1.6"], ["libc.so.6"], []);
        Assert.Equal(FabricRung.Refuse, Plan(node, image).Verdict);
        Assert.Contains("has no provider efa", Plan(node, image).Reason);
    }

    [Theory]
    [InlineData(1, "the kernel ABI of mlx4_0 is 1; provider mlx4 takes 2 to 4")]
    [InlineData(2, null)]
    [InlineData(4, null)]
    [InlineData(5, "the kernel ABI of mlx4_0 is 5; provider mlx4 takes 2 to 4")]
    public void AKernelAbiIsHeldAgainstTheProvidersRange(int abi, string? obstacle)
    {
        using NodeTree node = new NodeTree().Pci("mlx4_0", "0000:04:00.0", "mlx4_core", "0x15b3", "0x1003", abi);
        using ImageTree image = Image(has => has.Verbs(34, "44.0").SharedProvider("mlx4", 34));
        FabricPlan plan = Plan(node, image);
        Assert.Equal(obstacle is null ? FabricRung.Image : FabricRung.Refuse, plan.Verdict);
        Assert.Contains(obstacle ?? $"takes the kernel ABI {abi}", plan.Reason);
    }

    [Theory]
    [InlineData("2", false)]
    [InlineData("3", true)]
    [InlineData("6", true)]
    [InlineData("7", false)]
    public void TheKernelsOwnAbiIsHeldAgainstThatOfLibibverbs(string abi, bool fits)
    {
        using NodeTree node = Node();
        node.Write("sys/class/infiniband_verbs/abi_version", abi + "\n");
        using ImageTree image = Image(has => has.Verbs(34, "44.0").Provider("rxe", 34));
        FabricPlan plan = Plan(node, image);
        Assert.Equal(fits ? FabricRung.Image : FabricRung.Refuse, plan.Verdict);
        if (!fits)
            Assert.Equal($"rxe0: the kernel's uverbs ABI is {abi}; libibverbs takes 3 to 6", plan.Reason);
    }

    [Fact]
    public void ADeviceWithoutAUverbsNodeIsRefused()
    {
        using NodeTree node = Node();
        File.Delete(Path.Combine(node.Root, "sys/class/infiniband_verbs/uverbs0"));
        using ImageTree image = Image(has => has.Verbs(34, "44.0").Provider("rxe", 34));
        Assert.Equal("rxe0: the kernel has no uverbs node for rxe0: load ib_uverbs on the node", Plan(node, image).Reason);
    }

    [Fact]
    public void AProviderOfAnotherBuildIsNamed()
    {
        using NodeTree node = Node();
        using ImageTree image = Image(has => has.Verbs(34, "44.0").Provider("rxe", 33));
        FabricPlan plan = Plan(node, image);
        Assert.Equal($"the image's provider {SystemTree.Directory}/libibverbs/librxe-rdmav33.so is for private ABI 33; "
            + "its libibverbs has 34",
            Tried(plan, FabricRung.Image).Reason);
        Assert.Equal("the node's provider rxe fits the image's libibverbs 44.0: both have private ABI 34, "
            + "and the image defines every version that it imports",
            Tried(plan, FabricRung.Provider).Reason);
    }
}
