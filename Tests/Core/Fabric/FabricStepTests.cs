using System.Text.Json;
using Slipway.Fabric;
using static Slipway.Tests.FabricSample;

namespace Slipway.Tests.Fabric;

/// <summary>The pipeline's step, and an image that is built anew for it.</summary>
public sealed class FabricStepTests
{
    [Theory]
    [InlineData("from: deb\nsuite: bookworm\n", "fabric: auto\n")]
    [InlineData("from: deb\nfabric: none\nsuite: bookworm", "fabric: auto\n")]
    public void ADefinitionIsGivenAFabric(string text, string line)
    {
        string changed = FabricStep.WithFabric(text, ["auto"], "/site/app.yaml");
        Assert.Contains(line, changed);
        Assert.Contains("suite: bookworm\n", changed);
        Assert.DoesNotContain("none", changed);
    }

    [Fact]
    public void ADefinitionThatTakesNoLineIsLeftToItsAuthor() =>
        Assert.Equal("DefinitionNotEditable",
            Assert.Throws<SlipwayException>(() => FabricStep.WithFabric("{from: deb, suite: bookworm}", ["auto"], "/site/app.yaml")).Id);

    [NeedsFact(Needs.Long, Needs.Launcher, Needs.Network, "mmdebstrap", "mksquashfs", "unsquashfs")]
    public void AnImageIsBuiltAnewWithItsDistributionsPackages()
    {
        using NodeTree node = NodeTree.Of("rxe");
        using TemporaryDirectory directory = new TemporaryDirectory();
        directory.Write("app.yaml", "from: deb\nsuite: bookworm\npackages: [libibverbs1]\n");
        string file = Path.Combine(directory.Path, "app.sqfs");
        string definition = Path.Combine(directory.Path, "app.yaml");
        Assert.Equal(0, Cli.Run("build", definition, "-o", file).ExitCode);
        Assert.StartsWith("Refuse: rxe0: ", Cli.Run("fabric", "--root", node.Root, file).Output);

        Cli.Result planned = Cli.Run("fabric", "--root", node.Root, "--source", "package", "--definition", definition,
            "--json", file);
        Assert.True(planned.ExitCode == 0, planned.Error);
        using JsonDocument image = System.Text.Json.JsonDocument.Parse(planned.Output);
        Assert.Equal("Image", image.RootElement.GetProperty("fabricPlan").GetProperty("verdict").GetString());
        Assert.Contains("fabric: auto", image.RootElement.GetProperty("manifest").GetProperty("definition").GetString());
        Assert.Equal("app", image.RootElement.GetProperty("manifest").GetProperty("name").GetString());
    }

    static ContainerImage Packed(ImageTree tree, TemporaryDirectory directory) => new()
    {
        Path = directory.Write("app.sqfs", new byte[4096]), Digest = "sha256:" + new string('0', 64), Size = 4096,
        Manifest = tree.Image().Manifest,
    };

    [Fact]
    public void ThePlanStandsBesideTheImageAndGoesOnWithIt()
    {
        using NodeTree node = Node();
        using ImageTree tree = Image(has => has.Verbs(34, "44.0"));
        using TemporaryDirectory directory = new();
        ContainerImage image = Packed(tree, directory);
        string cdi = Path.Combine(directory.Path, "cdi.json");
        Assert.Same(image, FabricStep.Add(image, new FabricRequest { Root = node.Root, Cdi = cdi }));
        Assert.Equal(FabricRung.Provider, image.FabricPlan!.Verdict);
        Assert.Equal([image.Path, image.Path + ".fabric.json", cdi], Directory.GetFiles(directory.Path).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(FabricSource.Image, FabricRung.Image)]
    [InlineData(FabricSource.Provider, FabricRung.Provider)]
    [InlineData(FabricSource.Stack, FabricRung.Stack)]
    public void ASourceThatDoesNotHoldIsAnErrorAndLeavesNoPlan(FabricSource source, FabricRung rung)
    {
        // of another private ABI and an older C library than the node's: nothing fits
        using NodeTree node = NodeTree.Of("rxe");
        node.Distribution("debian", "12").CLibrary("2.36").Verbs(34, "44.0", glibc: "2.34").Provider("rxe", 34, glibc: "2.34");
        using ImageTree tree = new("debian", "11", "2.31");
        tree.Verbs(33, "33.2");
        using TemporaryDirectory directory = new();
        ContainerImage image = Packed(tree, directory);
        SlipwayException error = Assert.Throws<SlipwayException>(() =>
            FabricStep.Add(image, new FabricRequest { Root = node.Root, Source = source }));
        Assert.Equal("FabricRefused", error.Id);
        Assert.Contains($"what keeps {rung} from holding", error.Recommendation);
        Assert.Null(image.FabricPlan);
        Assert.Equal([image.Path], Directory.GetFiles(directory.Path));
    }

    [Fact]
    public void AnImageIsBuiltAnewOnlyFromADefinitionOfTheCallersAndForADevice()
    {
        using NodeTree node = Node(), empty = NodeTree.Of("none");
        using ImageTree tree = Image();
        using TemporaryDirectory directory = new();
        ContainerImage image = Packed(tree, directory);
        string Error(NodeTree of, string? definition) => Assert.Throws<SlipwayException>(() =>
            FabricStep.Add(image, new FabricRequest { Root = of.Root, Source = FabricSource.Package, Definition = definition })).Id;
        Assert.Equal("FabricNeedsDefinition", Error(node, null));
        directory.Write("app.yaml", "from: deb\nsuite: bookworm\n");
        Assert.Equal("FabricDeviceNotFound", Error(empty, Path.Combine(directory.Path, "app.yaml")));
    }
}
