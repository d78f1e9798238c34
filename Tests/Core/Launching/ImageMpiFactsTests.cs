using Slipway.Launching;

namespace Slipway.Tests.Launching;

public sealed class ImageMpiFactsTests
{
    static readonly ImageMpi OpenMpi = new("libmpi.so.40", "/usr/lib/libmpi.so.40", "Open MPI") { Version = "4.1.4", Speaks = ["pmix"] },
        Mpich = new("libmpich.so.12", "/usr/lib/libmpich.so.12", "MPICH") { Version = "4.0.2", Speaks = ["pmi1"] };

    static ImageMpiFacts Of(string command, string directory, params ImageMpi[] mpi) => ImageMpiFacts.Of(
        new ContainerImage
        {
            Path = "/nowhere/app.sqfs", Digest = "sha256:" + new string('a', 64), Size = 1,
            Manifest = new ImageManifest { Fabric = new ImageFabric { Mpi = mpi } },
        }, command, directory, default);

    [Fact]
    public void OneMpiIsCertain()
    {
        ImageMpiFacts facts = Of("app", "/", OpenMpi);
        Assert.Equal([OpenMpi], facts.Candidates);
        Assert.Equal("/usr/lib/libmpi.so.40 (from the image's manifest)", facts.Why);
    }

    [Fact]
    public void TwoFilesOfOneMpiAreOneAndTheOneThatSpeaksMoreStands()
    {
        ImageMpi other = new("libmpi_cxx.so.40", "/usr/lib/libmpi_cxx.so.40", "Open MPI") { Version = "4.1.4" };
        Assert.Equal([OpenMpi], Of("app", "/", other, OpenMpi).Candidates);
    }

    [Fact]
    public void NoneIsToldAsNone()
    {
        ImageMpiFacts facts = Of("app", "/");
        Assert.Empty(facts.Candidates);
        Assert.NotNull(facts.Facts);
        Assert.StartsWith("no MPI library", facts.Why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("libmpich.so.12", "MPICH")]
    [InlineData("libmpi.so.40", "Open MPI")]
    public void AProgramOfTheHostTellsWhichOfTwoItIsLinkedWith(string needs, string family)
    {
        using TemporaryDirectory directory = new();
        directory.Write("app", new ElfBuilder { Needed = [needs] }.Build());
        ImageMpiFacts facts = Of("./app", directory.Path, OpenMpi, Mpich);
        Assert.Equal(family, Assert.Single(facts.Candidates).Family);
        Assert.StartsWith($"./app is linked with {needs}", facts.Why, StringComparison.Ordinal);
    }

    [Fact]
    public void AScriptDoesNotTell()
    {
        using TemporaryDirectory directory = new();
        directory.Write("app", "#!/bin/sh\n");
        ImageMpiFacts facts = Of("./app", directory.Path, OpenMpi, Mpich);
        Assert.Equal(2, facts.Candidates.Count);
        Assert.EndsWith("./app does not tell which it uses", facts.Why, StringComparison.Ordinal);
    }

    /// <summary>A node may have the image by its digest alone: that is no reason to start nothing.</summary>
    [Fact]
    public void AnImageThatCannotBeReadIsNotKnown()
    {
        ContainerImage image = new() { Path = "/nowhere/app.sqfs", Digest = "", Size = 1 };
        ImageMpiFacts facts = ImageMpiFacts.Of(image, "app", "/", default);
        Assert.Null(facts.Facts);
        Assert.StartsWith("what MPI the image has could not be read: /nowhere/app.sqfs: ", facts.Why, StringComparison.Ordinal);
        MpiVerdict verdict = Compatibility.Judge(facts, LauncherTable.BuiltIn.Launchers[0], null);
        Assert.Equal((MpiFit.Unknown, facts.Why), (verdict.Fit, verdict.Reason));
    }
}
