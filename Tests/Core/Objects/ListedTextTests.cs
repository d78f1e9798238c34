namespace Slipway.Tests.Objects;

/// <summary>What PowerShell shows of an object that stands in a property of another: its text, on one line.</summary>
public sealed class ListedTextTests
{
    public static TheoryData<object, string> Texts => new()
    {
        { new ImageDistribution("debian", "12", "Debian GNU/Linux 12 (bookworm)"), "Debian GNU/Linux 12 (bookworm)" },
        { new ImageDistribution("alpine", "3.20", null), "alpine 3.20" },
        { new ImageDistribution("arch", null, null), "arch" },
        { new ImagePackage("libc6", "2.36-9", "amd64"), "libc6 2.36-9" },
        { new LockedPackage { Name = "dbus", Version = "1:1.12-8", Architecture = "x86_64" }, "dbus 1:1.12-8" },
        { new LockedRepository { Name = "main", Url = "https://example.org/debian" }, "main (https://example.org/debian)" },
        { new LockedSource { From = "deb", Packages = [new(), new()] }, "deb: 2 packages" },
        { new LockedSource { Stage = "tools", From = "archive", Digest = "sha256:0" }, "tools, archive: sha256:0" },
        { new ImageManifest { Name = "lammps", From = "deb", Packages = [new("libc6", "2.36-9", "amd64")] },
            "lammps, from deb: 1 packages" },
        { new ImageVerbs("/usr/lib/libibverbs.so.1.14.44.0", "1.14.44.0", 34), "libibverbs 44.0" },
        { new ImageVerbs("/usr/lib/libibverbs.so.1", null, null), "/usr/lib/libibverbs.so.1" },
        { new ImageProvider("mlx5", "/usr/lib/libibverbs/libmlx5-rdmav34.so", 34, 34), "mlx5" },
        { new ImageMpi("libmpi.so.40", "/usr/lib/libmpi.so.40", "Open MPI") { Version = "4.1.4" }, "Open MPI 4.1.4" },
        { new ImageLibrary("libz.so.1", "/usr/lib/libz.so.1.3", "1.3"), "/usr/lib/libz.so.1.3" },
        { new FabricPort(1, "InfiniBand", "ACTIVE", null, "200 Gb/sec (4X HDR)"), "1: InfiniBand, ACTIVE, 200 Gb/sec (4X HDR)" },
        { new IntraNodeDevice("xpmem", "/dev/xpmem"), "xpmem (/dev/xpmem)" },
        { new FabricBind("/usr/lib/libmlx5.so.1", "/.slipway/fabric/lib/libmlx5.so.1"),
            "/usr/lib/libmlx5.so.1 at /.slipway/fabric/lib/libmlx5.so.1" },
        { new FabricRungResult(FabricRung.Provider, true, "fits"), "Provider holds: fits" },
        { new FabricDevicePlan { Device = new() { Name = "mlx5_0", Fabric = "RoCE" }, Rung = FabricRung.Stack, Reason = "fits" },
            "mlx5_0: Stack: fits" },
        { new DependencyReason("loader", null, "needs libz.so.1", ["/usr/lib/libz.so.1"]), "loader: needs libz.so.1 (1 file)" },
        { new MpiVerdict(MpiFit.Works, "Open MPI 4.1.4", "mpirun", "both speak pmix", null), "Works: both speak pmix" },
    };

    [Theory, MemberData(nameof(Texts))]
    public void ARecordHasAShortText(object listed, string text) => Assert.Equal(text, listed.ToString());

    /// <summary>A new record whose text is the compiler's (<c>X { A = …, B = … }</c>) is an unreadable line in somebody's list.</summary>
    [Fact]
    public void NoPublicRecordHasTheCompilersText()
    {
        // those that are shown by themselves, or that stand for a line of a file
        string[] alone = [nameof(LaunchPlan), nameof(MpiRequest), nameof(RankLine), nameof(StepProgress), nameof(Located),
            nameof(DefinitionFile), nameof(RepositoryKey)];
        Assert.Empty(typeof(ContainerImage).Assembly.GetExportedTypes()
            .Where(t => t.Namespace == "Slipway" && t.GetMethod("<Clone>$") is not null)
            .Where(t => t.GetMethod("ToString", Type.EmptyTypes)!.IsDefined(
                typeof(System.Runtime.CompilerServices.CompilerGeneratedAttribute), false))
            .Select(t => t.Name).Except(alone));
    }
}
