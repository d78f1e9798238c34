using Slipway.Running;

namespace Slipway.Tests.Running;

public sealed class StepKeyTests
{
    static string Key(params (string Name, string Value)[] variables) =>
        StepKey.Find(null, name => Array.Find(variables, v => v.Name == name).Value, out _);

    /// <summary>What a launcher gives two ranks of one node, and another step of the same job.</summary>
    public static TheoryData<string, string, string, string, string> Launchers => new()
    {
        { "pmix", "PMIX_NAMESPACE=prterun-1 PMIX_RANK=0 OMPI_COMM_WORLD_RANK=0", "PMIX_NAMESPACE=prterun-1 PMIX_RANK=1 OMPI_COMM_WORLD_RANK=1", "PMIX_NAMESPACE=prterun-2 PMIX_RANK=0", "" },
        { "ompi", "OMPI_MCA_ess_base_jobid=7 OMPI_MCA_ess_base_vpid=0", "OMPI_MCA_ess_base_jobid=7 OMPI_MCA_ess_base_vpid=1", "OMPI_MCA_ess_base_jobid=8", "" },
        { "slurm", "SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_LOCALID=0", "SLURM_STEP_ID=0 SLURM_PROCID=1 SLURM_LOCALID=1", "SLURM_STEP_ID=1 SLURM_PROCID=0", "SLURM_JOB_ID=42" },
        { "flux", "FLUX_TASK_RANK=0", "FLUX_TASK_RANK=1", "FLUX_JOB_ID=ƒB", "FLUX_URI=local:///run/flux/local FLUX_JOB_ID=ƒA" },
        { "pals", "PALS_RANKID=0 PALS_APID=a", "PALS_RANKID=1 PALS_APID=a", "PALS_APID=b", "" },
        { "pbs", "PBS_TASKNUM=1 PBS_JOBID=1.server", "PBS_TASKNUM=2 PBS_JOBID=1.server", "PBS_JOBID=2.server", "" },
        { "lsf", "LSF_PM_TASKID=1 LSB_JOBINDEX=0", "LSF_PM_TASKID=2 LSB_JOBINDEX=0", "LSB_JOBINDEX=1", "LSB_JOBID=9" },
    };

    [Theory]
    [MemberData(nameof(Launchers))]
    public void RanksOfAStepShareItAndStepsDoNot(string launcher, string one, string two, string otherStep, string both)
    {
        (string, string)[] Variables(string text) => [.. (text + " " + both).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(v => v.Split('=', 2)).Select(v => (v[0], v[1]))];
        string first = Key(Variables(one));
        Assert.StartsWith(launcher + "=", first, StringComparison.Ordinal);
        Assert.Equal(first, Key(Variables(two)));
        Assert.NotEqual(first, Key(Variables(otherStep)));
    }

    [Fact]
    public void TheInnermostLauncherCounts() =>
        Assert.StartsWith("pmix=", Key(("SLURM_JOB_ID", "1"), ("SLURM_STEP_ID", "0"), ("PMIX_NAMESPACE", "slurm.pmix.1.0")), StringComparison.Ordinal);

    [Fact]
    public void WithoutALauncherItIsTheParent()
    {
        Assert.Matches(@"^parent=\d+\.\d+$", Key());
        Assert.Equal("job=mine", StepKey.Find("mine", _ => "set", out string reason));
        Assert.Equal("--job", reason);
    }
}
