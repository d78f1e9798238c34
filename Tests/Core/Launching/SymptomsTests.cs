using Slipway.Launching;

namespace Slipway.Tests.Launching;

public sealed class SymptomsTests
{
    [Fact]
    public void EachSymptomIsFoundInALineOfItsOwn()
    {
        (string Line, string Name)[] said =
        [
            ("We were unable to find any usable plugins for the PSEC framework. This PMIx", "pmix-security"),
            ("but OMPI was not built with SLURM's PMI support and therefore cannot", "pmi"),
            ("[n1:1] PMIX ERROR: ERROR in file ../src/mca/gds/ds12/gds_ds12_lock_pthread.c at line 169", "gds"),
            ("  orte_session_dir failed", "tmpdir"),
            ("ssh: connect to host n1 port 22: Connection refused", "launcher"),
            ("There are not enough slots available in the system to satisfy the 2", "launcher"),
            ("ORTE was unable to reliably start one or more daemons.", "launcher"),
            ("slurmstepd: error: execve(): /x/slipway: No such file or directory", "launcher"),
            ("srun: error: Task launch for StepId=2.0 failed on node n2: Zero Bytes were transmitted or received", "launcher"),
        ];
        Assert.All(said, s => Assert.Equal(s.Name, Symptoms.Find(["something", s.Line])!.Value.Symptom.Name));
        Assert.Equal(said.Length, said.Select(s => Symptoms.Find([s.Line])!.Value.Symptom).Distinct().Count());
        Assert.Null(Symptoms.Find(["rank 0 of 4 on n1: sum 10"]));
    }
}
