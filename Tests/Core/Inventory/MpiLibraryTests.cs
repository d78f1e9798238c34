using Slipway.Inventory;
using Slipway.Readers.Elf;

namespace Slipway.Tests.Inventory;

/// <summary>An MPI is told by what its library exports and holds, never by its name.</summary>
public sealed class MpiLibraryTests
{
    static ImageMpi Read(ElfBuilder elf, string soname, string text = "")
    {
        using TemporaryDirectory directory = new();
        string path = Path.Combine(directory.Path, soname);
        // what stands behind an ELF file belongs to nothing in it, and is found as a text of .rodata would be
        File.WriteAllBytes(path, [.. elf.Build(), .. System.Text.Encoding.ASCII.GetBytes("\0" + text + "\0")]);
        return MpiLibrary.Read(soname, "/usr/lib/" + soname, path, ElfFile.Read(path), ProviderTable.Default);
    }

    [Fact]
    public void OneSonameTwoFamilies()
    {
        ImageMpi old = Read(new ElfBuilder { Soname = "libmpi.so.12", Exports = ["MPI_Init", "ompi_mpi_comm_world"] }, "libmpi.so.12"),
            mpich = Read(new ElfBuilder { Soname = "libmpi.so.12", Exports = ["MPI_Init", "MPIR_Process"] }, "libmpi.so.12", "PMI_FD");
        Assert.Equal(("Open MPI", "pmix"), (old.Family, string.Join(' ', old.Speaks)));
        Assert.Equal(("MPICH", "pmi1"), (mpich.Family, string.Join(' ', mpich.Speaks)));
    }

    [Theory]
    [InlineData("libmpi.so.12", "Intel(R) MPI Library", "", "Intel MPI", "pmi1 pmi2")]
    [InlineData("libmpi.so.12", "MVAPICH2", "", "MVAPICH", "")]
    [InlineData("libmpi_cray.so.12", "", "", "Cray MPICH", "cray")]
    [InlineData("libmpi.so.12", "PMI_FD", "libpmix.so.2", null, "pmi1 pmix")]
    [InlineData("libmpi.so.12", "", "libpmi2.so.0", null, "pmi2")]
    public void AFamilyHasDescendants(string soname, string text, string needed, string? flavour, string speaks)
    {
        ImageMpi mpi =
            Read(new ElfBuilder { Soname = soname, Exports = ["MPI_Init", "MPIR_Process"], Needed = needed.Length > 0 ? [needed] : [] },
                soname, text);
        Assert.Equal(("MPICH", flavour, speaks), (mpi.Family, mpi.Flavour, string.Join(' ', mpi.Speaks)));
    }

    [Fact]
    public void TheStandardAbiBelongsToWhoeverMadeIt()
    {
        Assert.Equal("Open MPI", Read(new ElfBuilder { Soname = "libmpi_abi.so.1", Exports = ["MPI_Init"], Needed = ["libopen-pal.so.80"] },
            "libmpi_abi.so.1").Family);
        Assert.Equal("MPICH", Read(new ElfBuilder { Soname = "libmpi_abi.so.1", Exports = ["MPI_Init", "MPIR_Process"] }, "libmpi_abi.so.1")
            .Family);
        Assert.Null(Read(new ElfBuilder { Soname = "libmpi_abi.so.1", Exports = ["MPI_Init"] }, "libmpi_abi.so.1").Family);
    }

    [NeedsFact("/usr/lib/x86_64-linux-gnu/libmpi.so.40", "/usr/lib/x86_64-linux-gnu/libmpich.so.12", "mpirun.openmpi", "mpiexec.hydra")]
    public void TheInstalledOnesTellWhatTheirLaunchersTell()
    {
        ImageMpi Of(string path) => MpiLibrary.Read(Path.GetFileName(path), path, path, ElfFile.Read(path), ProviderTable.Default);
        ImageMpi openMpi = Of("/usr/lib/x86_64-linux-gnu/libmpi.so.40"), mpich = Of("/usr/lib/x86_64-linux-gnu/libmpich.so.12");
        Assert.Equal(("Open MPI", "pmix"), (openMpi.Family, string.Join(' ', openMpi.Speaks)));
        Assert.Equal("MPICH", mpich.Family);
        Assert.Contains("pmi1", mpich.Speaks);
        Assert.Contains(openMpi.Version!, Slipway.Linux.HostProgram.Read("mpirun.openmpi", "--version"), StringComparison.Ordinal);
        Assert.Contains(mpich.Version!, Slipway.Linux.HostProgram.Read("mpiexec.hydra", "--version"), StringComparison.Ordinal);
    }
}
