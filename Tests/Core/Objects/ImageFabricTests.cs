namespace Slipway.Tests.Objects;

public sealed class ImageFabricTests
{
    const string Whole = """
        {
          "schemaVersion": 3, "distribution": {"id": "debian", "versionId": "12", "prettyName": "Debian 12"}, "hasDpkg": true,
          "machine": "x86_64",
          "bits": 64, "glibcVersion": "2.36", "glibcxxVersion": "3.4.30", "x86Level": 2,
          "verbs": {"path": "/usr/lib/libibverbs.so.1", "version": "1.14.44.0", "privateAbi": 34},
          "providers": [
            {
              "name": "mlx5", "path": "/p/libmlx5-rdmav34.so", "suffix": 34, "privateAbi": 34,
              "versionsNeeded": {"libc.so.6": ["GLIBC_2.14"]},
              "needed": ["libc.so.6"], "x86Level": 1
            }
          ],
          "drivers": ["mlx5"], "driverFiles": ["/etc/libibverbs.d/mlx5.driver"], "libfabricProviders": ["/p/libpsm3-fi.so"],
          "libfabricBuiltIn": ["tcp"], "ucxModules": ["/u/libuct_ib.so.0"], "ucxSymbols": ["ucp_init"],
          "mpi": [
            {
              "soname": "libmpi.so.40", "path": "/l/libmpi.so.40", "family": "Open MPI", "transports": ["ucx"], "flavour": "HPC-X",
              "version": "4.1.4", "speaks": ["pmix"]
            }
          ],
          "mpiLaunchers": ["/usr/bin/mpirun"], "pmixComponents": ["mca_psec_munge.so"],
          "libraries": [
            {"soname": "liba.so.1", "path": "/l/liba.so.1", "version": "1.2", "versionsDefined": ["A_1"], "needed": ["libc.so.6"]}
          ],
          "sonames": ["liba.so.1"], "imports": {"libibverbs.so.1": {"IBVERBS_1.1": "/bin/a"}}, "importsComplete": false,
          "damaged": ["libb.so: cut"]
        }
        """;

    [Fact]
    public void WholeFactsAreTheSameWhenTheyAreReadAndWritten()
    {
        ImageFabric read = RoundTrip.Whole(Whole, ObjectsJson.Default.ImageFabric);
        Assert.Equal(new ImageVerbs("/usr/lib/libibverbs.so.1", "1.14.44.0", 34), read.Verbs);
        Assert.Equal("/bin/a", read.Imports["libibverbs.so.1"]["IBVERBS_1.1"]);
        Assert.Equal(["GLIBC_2.14"], read.Providers[0].VersionsNeeded["libc.so.6"]);
        Assert.False(read.ImportsComplete);
        Assert.Equal("HPC-X 4.1.4", read.Mpi[0].ToString());
    }

    [Fact]
    public void NothingIsKnownOfAnImageWithoutFacts()
    {
        ImageFabric none = new();
        Assert.Equal(ImageFabric.CurrentSchema, none.SchemaVersion);
        Assert.True(none.ImportsComplete);
        Assert.False(none.HasDpkg);
        Assert.Equal((0, 0), (none.Bits, none.X86Level));
        Assert.Null(none.Verbs);
        Assert.Null(none.Library("liba.so.1"));
        Assert.False(none.HasLibfabricProvider("tcp"));
    }

    [Fact]
    public void FindsALibraryByItsSonameAlone()
    {
        ImageFabric fabric = new() { Libraries = [new("liba.so.1", "/l/liba.so.1.2", "1.2"), new("liba.so.2", "/l/liba.so.2", null)] };
        Assert.Equal("/l/liba.so.2", fabric.Library("liba.so.2")?.Path);
        Assert.Null(fabric.Library("liba.so"));
    }

    [Theory]
    [InlineData("tcp", true)]
    [InlineData("psm3", true)]
    [InlineData("psm", false)]
    [InlineData("sm3", false)]
    [InlineData("verbs", false)]
    public void ALibfabricProviderIsBuiltInOrAFile(string name, bool there) =>
        Assert.Equal(
            there, new ImageFabric { LibfabricBuiltIn = ["tcp"],
                LibfabricProviders = ["/usr/lib/libfabric/libpsm3-fi.so"] }.HasLibfabricProvider(name));

    [Theory]
    [InlineData("1.14.44.0", "44.0")]
    [InlineData("1.0.0", "1.0.0")]
    [InlineData("1.14.44.0.1", "1.14.44.0.1")]
    [InlineData(null, null)]
    public void TheReleaseOfRdmaCoreIsTheLastTwoNumbersOfFour(string? version, string? release) =>
        Assert.Equal(release, new ImageVerbs("/l/libibverbs.so.1", version, null).Release);

    [Theory]
    [InlineData("Intel MPI", "MPICH", "2021.9", "Intel MPI 2021.9")]
    [InlineData(null, "MPICH", "4.0", "MPICH 4.0")]
    [InlineData(null, "Open MPI", null, "Open MPI")]
    [InlineData(null, null, null, "libmpi.so.1")]
    public void AnMpiIsNamedByWhatIsKnownOfIt(string? flavour, string? family, string? version, string name) =>
        Assert.Equal(name, new ImageMpi("libmpi.so.1", "/l/libmpi.so.1", family) { Flavour = flavour, Version = version }.ToString());
}
