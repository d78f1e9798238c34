using System.Diagnostics;
using Slipway.Inventory;

namespace Slipway.Tests.Inventory;

public sealed class ImageFabricReaderTests
{
    [Fact]
    public void ReadsLibrariesProvidersAndWhoUsesThem()
    {
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").Rdmacm(34).Provider("rxe", 34).SharedProvider("mlx5", 34)
            .Library("libmpi.so.40", "openmpi/libmpi.so.40.30.4", [], ["libc.so.6"], [])
            .Program("/usr/bin/ibv_devinfo", [("libibverbs.so.1", ["IBVERBS_1.1", "IBVERBS_1.14"])])
            .Program("/opt/app/bin/app", [("libmlx5.so.1", ["MLX5_1.12"]), ("librdmacm.so.1", ["RDMACM_1.0"])]);
        image.Write("etc/libibverbs.d/junk", "drivers mlx4\n# driver mlx4\ndriver\n\0\0\n");
        ImageFabric fabric = image.Read();

        Assert.Equal(("debian", "12"), (fabric.Distribution?.Id, fabric.Distribution?.VersionId));
        Assert.Equal(("x86_64", 64, "2.36"), (fabric.Machine, fabric.Bits, fabric.GlibcVersion));
        Assert.Equal((34, "1.14.44.0"), (fabric.Verbs?.PrivateAbi, fabric.Verbs?.Version));
        Assert.Equal([("mlx5", 34), ("rxe", 34)], fabric.Providers.Select(p => (p.Name, p.PrivateAbi ?? 0)).Order());
        Assert.Equal(["mlx5", "rxe"], fabric.Drivers);
        Assert.Equal(["IBVERBS_1.1", "IBVERBS_1.14"], fabric.Imports["libibverbs.so.1"].Keys);
        Assert.Equal("/opt/app/bin/app", fabric.Imports["libmlx5.so.1"]["MLX5_1.12"]);
        Assert.Equal("libmpi.so.40", Assert.Single(fabric.Mpi).Soname);
        Assert.Empty(fabric.Damaged);
    }

    [Fact]
    public void FactsSurviveTheManifest()
    {
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").Provider("rxe", 34).Program("/usr/bin/ibv_devinfo", [("libibverbs.so.1", ["IBVERBS_1.1"])]);
        string json = System.Text.Json.JsonSerializer.Serialize(
            new ImageManifest { Fabric = image.Read() }, ObjectsJson.Default.ImageManifest);
        ImageFabric back = System.Text.Json.JsonSerializer.Deserialize(json, ObjectsJson.Default.ImageManifest)!.Fabric!;
        Assert.Equal(34, back.Verbs?.PrivateAbi);
        Assert.Equal(["GLIBC_2.14"], Assert.Single(back.Providers).VersionsNeeded["libc.so.6"]);
        Assert.True(back.Imports["libibverbs.so.1"].ContainsKey("IBVERBS_1.1"));
    }

    [Fact]
    public void LinksNeverLeadOutOfTheRoot()
    {
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        using RootFixture outside = new();
        outside.Verbs(34, "44.0");
        image.Link($"{SystemTree.Directory}/libibverbs.so.1", $"{outside.Path}{SystemTree.Directory}/libibverbs.so.1");
        image.Link("opt", outside.Path);
        image.Link("etc/libibverbs.d", "../../../../../../../../../../../../etc/libibverbs.d");
        ImageFabric fabric = image.Read();
        Assert.Null(fabric.Verbs);
        Assert.Empty(fabric.DriverFiles);
        Assert.Contains(fabric.Damaged, d => d.Contains("leads nowhere", StringComparison.Ordinal));
    }

    [Fact]
    public void AnAbsoluteLinkMeansTheImagesOwnFile()
    {
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Library("libibverbs.so.1", "real/libibverbs.so.1.14.44.0", ["IBVERBS_1.0", "IBVERBS_PRIVATE_34"], [], []);
        File.Delete(image.Root + $"{SystemTree.Directory}/libibverbs.so.1");
        image.Link($"{SystemTree.Directory}/libibverbs.so.1", $"{SystemTree.Directory}/real/libibverbs.so.1.14.44.0");
        Assert.Equal(34, image.Read().Verbs?.PrivateAbi);
    }

    [Fact]
    public void DamagedLibrariesAreToldAndNotCounted()
    {
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").Provider("rxe", 34);
        image.Link($"{SystemTree.Directory}/libmlx5.so.1", "libmlx5.so.1");
        string provider = image.Root + $"{SystemTree.Directory}/libibverbs/librxe-rdmav34.so";
        byte[] bytes = File.ReadAllBytes(provider);
        File.WriteAllBytes(provider, bytes[..(bytes.Length / 2)]);
        ImageFabric fabric = image.Read();
        Assert.Empty(fabric.Providers);
        Assert.Equal(2, fabric.Damaged.Count);
        Assert.Null(fabric.Library("libmlx5.so.1"));
    }

    [Fact]
    public void AnotherMachinesLibrariesAreNotTheImages()
    {
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Library("libibverbs.so.1", "libibverbs.so.1.14.44.0", ["IBVERBS_PRIVATE_34"], [], [], machine: 183);
        Assert.Null(image.Read().Verbs);
    }

    [Fact]
    public void AnImageWithoutGlibcSaysSo()
    {
        using TemporaryDirectory directory = new TemporaryDirectory();
        directory.Write("etc/os-release", "ID=alpine\n");
        ImageFabric fabric = ImageFabricReader.FromRoot(directory.Path);
        Assert.Null(fabric.GlibcVersion);
        Assert.Equal("alpine", fabric.Distribution?.Id);
    }

    [Fact]
    public void ASquashfsReadsAsItsRootDoes()
    {
        if (!HasProgram("mksquashfs"))
            return;
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").SharedProvider("mlx5", 34).Program("/usr/bin/with space", [("libibverbs.so.1", ["IBVERBS_1.1"])]);
        using TemporaryDirectory directory = new TemporaryDirectory();
        string file = Path.Combine(directory.Path, "app.sqfs");
        using (Process pack = Process.Start(
            new ProcessStartInfo("mksquashfs", [image.Root, file, "-quiet", "-no-progress"]) { RedirectStandardOutput = true })!)
            pack.WaitForExit();

        ImageFabric fabric = ImageFabricReader.FromImage(file);

        Assert.Equal(Json(image.Read()), Json(fabric));
        Assert.DoesNotContain(Directory.GetDirectories(Path.GetTempPath(), "slipway-??????"), HoldsOurs);
    }

    /// <summary>Whether a directory of an extraction is of the image with a space in a name; others may come and go.</summary>
    static bool HoldsOurs(string directory)
    {
        try
        {
            return File.ReadAllText(Path.Combine(directory, "files")).Contains("with space", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    [Fact]
    public void WhatIsNoSquashfsIsAnError()
    {
        using TemporaryDirectory directory = new TemporaryDirectory();
        string file = directory.Write("app.sqfs", "not an image"u8.ToArray());
        Assert.Contains("app.sqfs", Assert.Throws<SlipwayException>(() => ImageFabricReader.FromImage(file)).Message);
        Assert.Throws<SlipwayException>(() => ImageFabricReader.FromImage(file + ".missing"));
    }

    static bool HasProgram(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(d => File.Exists(Path.Combine(d, name)));

    static string Json(ImageFabric fabric) => System.Text.Json.JsonSerializer.Serialize(fabric, ObjectsJson.Default.ImageFabric);
}
