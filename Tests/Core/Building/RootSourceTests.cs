using Slipway.Building;
using Slipway.Building.Sources;
using Slipway.Definitions;

namespace Slipway.Tests.Building;

/// <summary>What a definition's <c>fabric</c> asks of its stages: what a source is made from tells it before anything is fetched.</summary>
public sealed class RootSourceTests : IDisposable
{
    readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    string Inputs(string definition, string stage = "")
    {
        Definition read = DefinitionReader.Parse(definition, directory.Path + "/image.yaml");
        BuildContext context = new(read, new BuildJob
        {
            DefinitionPath = read.Path, DefinitionText = read.Text, Name = "image", WorkDirectory = directory.Path,
            PartialPath = directory.Path + "/partial",
            PackageCache = directory.Path, MetadataCache = directory.Path, ControlCache = directory.Path, StepCache = directory.Path,
            Destination = directory.Path + "/image.sqfs", LogPath = directory.Path + "/log", Compression = ImageCompression.Fast,
        }, (_, _) => { }, _ => { });
        return BuildSite.InputsOf(RootSources.Of(stage.Length == 0 ? read : read.Stages.First(s => s.Name == stage), context), default);
    }

    static string Rpm(string url, string packages, string fabric) =>
        $"from: rpm\nrelease: \"15.6\"\nrepositories: [{{name: main, url: \"{url}\", trusted: true}}]\n"
        + $"packages: [bash{packages}]\nfabric: {fabric}\n";

    [Theory]
    [InlineData("https://download.opensuse.org/distribution/leap/15.6/repo/oss/", ", libibverbs, libibverbs1, librdmacm1, libmlx5-1")]
    [InlineData("https://dl.rockylinux.org/pub/rocky/9/BaseOS/x86_64/os/", ", libibverbs, librdmacm")]
    public void ProvidersComeFromPackagesAsTheRepositoriesNameThem(string url, string packages) =>
        Assert.Equal(Inputs(Rpm(url, packages, "none")), Inputs(Rpm(url, "", "mlx5")));

    [Fact]
    public void FabricIsForTheImageAloneWhateverItIsMadeFrom()
    {
        static string Host(string fabric) => $$$"""
            from: host
            programs: [sh]
            fabric: {{{fabric}}}
            stages: {tools: {from: host, programs: [sh]}}
            files: [{from: /usr/bin/sh, to: /opt/sh, stage: tools}]
            """;
        Assert.NotEqual(Inputs(Host("none")), Inputs(Host("mlx5")));
        Assert.Equal(Inputs(Host("none"), "tools"), Inputs(Host("mlx5"), "tools"));
    }
}
