using static Slipway.Tests.FabricSample;

namespace Slipway.Tests.Inventory;

/// <summary>What the programs of an image import from the libraries that a plan may replace, and which MPIs they are.</summary>
public sealed class ImageImportsTests
{
    [Fact]
    public void AnMpiIsKnownByWhatItExportsAndWhatItsComponentsAreLinkedWith()
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
    public void MpichIsNotTakenForOpenMpiByItsSoname()
    {
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Library("libmpi.so.12", "libmpi.so.12.1.8", [], ["libfabric.so.1"], [], exports: ["MPIR_Err_create_code", "MPI_Init"]);
        ImageMpi mpi = Assert.Single(image.Read().Mpi);
        Assert.Equal("MPICH", mpi.Family);
        Assert.Equal(["libfabric"], mpi.Transports);
    }

    [Fact]
    public void LaunchersAndPmixComponentsOfAnImageAreListed()
    {
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Program("/usr/bin/orterun", []).Program("/opt/mpich/bin/mpiexec.hydra", [])
            .Library("mca_psec_munge.so", "pmix2/lib/pmix/mca_psec_munge.so", [], ["libc.so.6"], []);
        ImageFabric facts = image.Read();
        Assert.Equal(["/opt/mpich/bin/mpiexec.hydra", "/usr/bin/orterun"], facts.MpiLaunchers);
        Assert.Equal(["mca_psec_munge.so"], facts.PmixComponents);
    }

    [Fact]
    public void EachVersionIsToldWithTheFirstFileThatWantsIt()
    {
        using ImageTree image = Image(has => has.Program("/usr/bin/a", [("libibverbs.so.1", ["IBVERBS_1.1"])])
            .Program("/usr/bin/b", [("libibverbs.so.1", ["IBVERBS_1.1", "IBVERBS_1.5"]), ("libother.so.1", ["OTHER_1"])])
            .Program("/usr/bin/c", [("librdmacm.so.1", [])]));
        ImageFabric facts = image.Read();
        Assert.Equal(["libibverbs.so.1", "librdmacm.so.1"], facts.Imports.Keys);
        Assert.Equal([("IBVERBS_1.1", "/usr/bin/a"), ("IBVERBS_1.5", "/usr/bin/b")],
            facts.Imports["libibverbs.so.1"].Select(i => (i.Key, i.Value)));
        Assert.Empty(facts.Imports["librdmacm.so.1"]);
    }

    [Fact]
    public void PartsOfOneSetAskNothingOfEachOther()
    {
        using ImageTree image = Image(has => has.Verbs(34, "44.0").Rdmacm(34).Provider("rxe", 34).SharedProvider("mlx5", 34));
        Assert.Empty(image.Read().Imports);
        image.Library("libfabric.so.1", "libfabric.so.1.20.0", [], ["libibverbs.so.1"], [("libibverbs.so.1", ["IBVERBS_1.8"])])
            .Library("libcxi-fi.so", "libfabric/libcxi-fi.so", [], ["libfabric.so.1"], [("libfabric.so.1", ["FABRIC_1.0"])]);
        KeyValuePair<string, IReadOnlyDictionary<string, string>> import = Assert.Single(image.Read().Imports);
        Assert.Equal(("libibverbs.so.1", "IBVERBS_1.8"), (import.Key, Assert.Single(import.Value).Key));
    }

    [Fact]
    public void WhatIsNoProgramOfTheImageDoesNotCount()
    {
        using ImageTree image = Image();
        (string, string[])[] verbs = [("libibverbs.so.1", ["IBVERBS_1.1"])];
        foreach (string directory in (string[])["/proc", "/sys", "/dev", "/run", "/.slipway"])
            image.Program(directory + "/app", verbs);
        image.Program("/opt/arm/app", verbs, machine: 183);
        image.Write("opt/data", new ElfBuilder { Needed = ["libibverbs.so.1"] }.Build());
        image.Link("opt/link", "data");
        Assert.Empty(image.Read().Imports);
        image.Write("opt/data.so", new ElfBuilder { Needed = ["libibverbs.so.1"] }.Build());
        Assert.Equal(["libibverbs.so.1"], image.Read().Imports.Keys);
    }
}
