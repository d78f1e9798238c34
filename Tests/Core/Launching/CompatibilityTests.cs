using Slipway.Launching;

namespace Slipway.Tests.Launching;

public class CompatibilityTests
{
    static ImageMpi? Mpi(string? family, string? version, string speaks, string? flavour = null) => family is null ? null
        : new ImageMpi("libmpi.so.40", "/usr/lib/libmpi.so.40", family == "?" ? null : family) { Version = version,
            Speaks = speaks.Split(' ', StringSplitOptions.RemoveEmptyEntries), Flavour = flavour };

    static MpiVerdict Judge(ImageMpi? mpi, string launcher, string? version) =>
        Compatibility.Judge(mpi, LauncherTable.BuiltIn.Launchers.Single(l => l.Name == launcher), version);

    [Theory]
    [InlineData("Open MPI", "4.1.0", "pmix", "openmpi", "4.1.4", "Works", "both speak PMIx")]
    [InlineData("Open MPI", "5.0.7", "pmix", "openmpi", "4.1.4", "Works", "both speak PMIx")]
    [InlineData("Open MPI", "4.1.4", "pmix", "prrte", "5.0.7", "Works", "both speak PMIx")]
    [InlineData("Open MPI", "4.1.4", "pmix", "srun-pmix", "22.05.8", "Works", "both speak PMIx")]
    [InlineData("Open MPI", "4.1.4", "pmix", "srun-pmi2", "22.05.8", "Refuse", "PMI-1 or PMI-2 alone")]
    [InlineData("Open MPI", "4.1.4", "pmix pmi2", "srun-pmi2", "22.05.8", "Works", "both speak PMI-2")]
    [InlineData("Open MPI", "4.1.4", "pmix", "hydra", "4.0.2", "Refuse", "PMI-1 or PMI-2 alone")]
    [InlineData("Open MPI", "4.1.4", "pmix", "srun-none", "22.05.8", "Refuse", "rank 0 of 1")]
    [InlineData("Open MPI", "1.10.7", "pmix", "openmpi", "1.10.7", "Works", "same generation")]
    [InlineData("Open MPI", "1.10.7", "pmix", "openmpi", "4.1.4", "Refuse", "older than PMIx")]
    [InlineData("Open MPI", "1.10.7", "pmix", "srun-pmix", "22.05.8", "Refuse", "older than PMIx")]
    [InlineData("Open MPI", "4.1.4", "pmix", "openmpi", "1.10.7", "Refuse", "older than PMIx")]
    [InlineData("Open MPI", "2.1.1", "pmix", "openmpi", "4.1.4", "Refuse", "PMIx 1")]
    [InlineData("Open MPI", "2.1.1", "pmix", "openmpi", "2.0.2", "Works", "PMIx 1")]
    [InlineData("MPICH", "4.0.2", "pmi1", "hydra", "4.0.2", "Works", "both speak PMI-1")]
    [InlineData("MPICH", "3.4.1", "pmi1", "srun-pmi2", "22.05.8", "Works", "both speak PMI-1")]
    [InlineData("MPICH", "4.0.2", "pmi1", "openmpi", "4.1.4", "Refuse", "rank 0 of 1")]
    [InlineData("MPICH", "4.0.2", "pmi1", "srun-pmix", "22.05.8", "Refuse", "rank 0 of 1")]
    [InlineData("MPICH", "4.0.2", "pmi1", "srun-none", "22.05.8", "Refuse", "rank 0 of 1")]
    [InlineData("MPICH", "4.3.0", "pmi1 pmix", "srun-pmix", "24.05", "Works", "both speak PMIx")]
    [InlineData("MPICH", "4.0.2", "pmi1", "pals", "1.2.12", "Refuse", "Cray's PMI")]
    [InlineData("MPICH", "4.0.2", "pmi1", "flux", "0.60", "Works", "both speak PMI-1")]
    [InlineData(null, null, "", "openmpi", "4.1.4", "Unknown", "no MPI library")]
    [InlineData("?", null, "", "openmpi", "4.1.4", "Unknown", "no family")]
    public void TheTableDecides(string? family, string? version, string speaks, string launcher, string launcherVersion, string fit,
        string reason)
    {
        MpiVerdict verdict = Judge(Mpi(family, version, speaks), launcher, launcherVersion);
        Assert.Equal(fit, verdict.Fit.ToString());
        Assert.Contains(reason, verdict.Reason, StringComparison.Ordinal);
        // what does not work says what to do
        Assert.Equal(verdict.Fit != MpiFit.Works, verdict.Advice is not null);
        Assert.DoesNotContain("{", verdict.Reason + verdict.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void AVendorSBuildHasRowsOfItsOwn()
    {
        Assert.Contains("I_MPI_PMI_LIBRARY", Judge(Mpi("MPICH", "2021.13", "pmi1 pmi2", "Intel MPI"), "srun-pmi2", "22.05").Advice,
            StringComparison.Ordinal);
        Assert.Equal(MpiFit.Works, Judge(Mpi("MPICH", "2021.13", "pmi1 pmi2", "Intel MPI"), "hydra", "4.0.2").Fit);
        Assert.Equal(MpiFit.Works, Judge(Mpi("MPICH", "8.1.28", "cray", "Cray MPICH"), "pals", "1.2.12").Fit);
        Assert.Equal(MpiFit.Works, Judge(Mpi("MPICH", "8.1.28", "cray", "Cray MPICH"), "srun-cray", "23.02").Fit);
    }

    [Fact]
    public void EveryPairHasAVerdict()
    {
        // whatever an image has, and whatever stands in the table: a row fits
        foreach (Launcher row in LauncherTable.BuiltIn.Launchers)
            foreach (string? family in new[] { "Open MPI", "MPICH", "?", null })
                foreach (string? version in new[] { "1.6", "5.0", null })
                    foreach (string speaks in new[] { "", "pmix", "pmi1 pmi2", "cray" })
                        Assert.NotEmpty(Compatibility.Judge(Mpi(family, version, speaks), row, version).Reason);
    }

    [Theory]
    [InlineData(">=2 <3", "2.1.1", true)]
    [InlineData(">=2 <3", "3.0.0", false)]
    [InlineData("<2", "1.10.7", true)]
    [InlineData(">=5", "5.0.0rc1", true)]
    [InlineData(">=5", "5", true)]
    [InlineData(">=5", "unknown", false)]
    [InlineData(">=5", null, false)]
    public void VersionsAreComparedByNumber(string range, string? version, bool has) =>
        Assert.Equal(has, VersionRange.Parse(range).Has(version));

    [Fact]
    public void AnImageWithoutMungeIsGivenTheOtherSecurity()
    {
        static Launcher Row(string name) => LauncherTable.BuiltIn.Launchers.Single(l => l.Name == name);
        static string[] Set(string launcher, ImageFabric? facts, bool mpi = true) =>
            [.. Compatibility.Variables(Row(launcher), "22.05",
                new ImageMpiFacts(facts, mpi ? [Mpi("Open MPI", "4.1.4", "pmix")!] : [], "")).Where(v => v.For == "ranks")
                .Select(v => $"{v.Name}={v.Value}")];
        Assert.Equal(["PMIX_MCA_psec=native"], Set("srun-pmix", new ImageFabric()));
        Assert.Equal(["PMIX_MCA_psec=native"], Set("openmpi", new ImageFabric()));
        Assert.Empty(Set("srun-pmix", new ImageFabric { Sonames = ["libmunge.so.2"] }));
        Assert.Empty(Set("srun-pmix", new ImageFabric(), mpi: false));
        Assert.Empty(Set("srun-pmix", null));
        Assert.Empty(Set("hydra", new ImageFabric()));
    }

    [Fact]
    public void OpenMpi5UnderAnOlderMpirunDoesWithoutItsHierarchicalCollectives()
    {
        static string[] Set(string launcher, string launcherVersion, string version) =>
            [.. Compatibility.Variables(LauncherTable.BuiltIn.Launchers.Single(l => l.Name == launcher), launcherVersion,
                new ImageMpiFacts(new ImageFabric { Sonames = ["libmunge.so.2"] }, [Mpi("Open MPI", version, "pmix")!], ""))
                .Where(v => v.For == "ranks").Select(v => $"{v.Name}={v.Value}")];
        Assert.Equal(["OMPI_MCA_coll=^han"], Set("openmpi", "4.1.4", "5.0.7"));
        Assert.Empty(Set("openmpi", "4.1.4", "4.1.4"));
        Assert.Empty(Set("prrte", "5.0.7", "5.0.7"));
        Assert.Empty(Set("srun-pmix", "22.05", "5.0.7"));
    }
}
