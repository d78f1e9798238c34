using Slipway.Linux;
using Slipway.Running;

namespace Slipway.Tests.Running;

public sealed unsafe class RankKeyTests
{
    static RankKey Of(string[] arguments, string[] variables, string directory = "/elsewhere")
    {
        RunRequest request = RunRequest.Parse([.. arguments, "sha256:" + new string('a', 64)]);
        return RankKey.Of(request, ImageIdentity.Find(request.Image), NativeStrings.Vector(variables), directory);
    }

    static string Key(params (string Name, string Value)[] variables) => Of([], [.. variables.Select(v => $"{v.Name}={v.Value}")]).Step;

    /// <summary>What a launcher gives two ranks of one node, and another step of the same job.</summary>
    public static TheoryData<string, string, string, string, string> Launchers => new()
    {
        { "pmix", "PMIX_NAMESPACE=prterun-1 PMIX_RANK=0 OMPI_COMM_WORLD_RANK=0",
            "PMIX_NAMESPACE=prterun-1 PMIX_RANK=1 OMPI_COMM_WORLD_RANK=1", "PMIX_NAMESPACE=prterun-2 PMIX_RANK=0", "" },
        { "ompi", "OMPI_MCA_ess_base_jobid=7 OMPI_MCA_ess_base_vpid=0", "OMPI_MCA_ess_base_jobid=7 OMPI_MCA_ess_base_vpid=1",
            "OMPI_MCA_ess_base_jobid=8", "" },
        { "slurm", "SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_LOCALID=0", "SLURM_STEP_ID=0 SLURM_PROCID=1 SLURM_LOCALID=1",
            "SLURM_STEP_ID=1 SLURM_PROCID=0", "SLURM_JOB_ID=42" },
        { "flux", "FLUX_TASK_RANK=0", "FLUX_TASK_RANK=1", "FLUX_JOB_ID=ƒB", "FLUX_URI=local:///run/flux/local FLUX_JOB_ID=ƒA" },
        { "pals", "PALS_RANKID=0 PALS_APID=a", "PALS_RANKID=1 PALS_APID=a", "PALS_APID=b", "" },
        { "pbs", "PBS_TASKNUM=1 PBS_JOBID=1.server", "PBS_TASKNUM=2 PBS_JOBID=1.server", "PBS_JOBID=2.server", "" },
        { "lsf", "LSF_PM_TASKID=1 LSB_JOBINDEX=0", "LSF_PM_TASKID=2 LSB_JOBINDEX=0", "LSB_JOBINDEX=1", "LSB_JOBID=9" },
    };

    [Theory]
    [MemberData(nameof(Launchers))]
    public void RanksOfAStepShareItAndStepsDoNot(string launcher, string one, string two, string otherStep, string both)
    {
        (string, string)[] Variables(string text) =>
            [.. (text + " " + both).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(v => v.Split('=', 2))
                .Select(v => (v[0], v[1]))];
        string first = Key(Variables(one));
        Assert.StartsWith(launcher + "=", first, StringComparison.Ordinal);
        Assert.Equal(first, Key(Variables(two)));
        Assert.NotEqual(first, Key(Variables(otherStep)));
    }

    [Fact]
    public void TheInnermostLauncherCounts() =>
        Assert.StartsWith("pmix=", Key(("SLURM_JOB_ID", "1"), ("SLURM_STEP_ID", "0"), ("PMIX_NAMESPACE", "slurm.pmix.1.0")),
            StringComparison.Ordinal);

    [Fact]
    public void WithoutALauncherItIsTheParent()
    {
        Assert.Matches(@"^parent=\d+\.\d+$", Key());
        Assert.Matches(@"^the parent process \d+$", Of([], []).Reason);
    }

    [Fact]
    public void WhatIsGivenCountsBeforeEveryLauncher()
    {
        RankKey key = Of(["--job", "mine"], ["PMIX_NAMESPACE=a"]);
        Assert.Equal(("job=mine", "--job"), (key.Step, key.Reason));
    }

    [Fact]
    public void TheReasonNamesTheVariables() =>
        Assert.Equal("SLURM_JOB_ID, SLURM_STEP_ID", Of([], ["SLURM_JOB_ID=1", "SLURM_STEP_ID=0"]).Reason);

    [Fact]
    public void BelowHomeAndTmpAllRanksShareAContainer()
    {
        string At(string directory) => Of(["--job", "k"], ["HOME=/home/a"], directory).Value;
        Assert.Equal(At("/tmp"), At("/home/a/work"));
        Assert.Equal(At("/tmp/x"), At("/home/a"));
        Assert.NotEqual(At("/tmp"), At("/home/ab"));
        Assert.NotEqual(At("/scratch"), At("/scratch/x"));
    }

    [Fact]
    public void OptionsTellContainersApart()
    {
        string With(params string[] options) => Of(["--job", "k", .. options], []).Value;
        string[] all = [With(), With("--writable-tmpfs"), With("--bind", "/mnt"), With("--bind", "/mnt:/mnt:ro"), With("--fabric", "none")];
        Assert.Equal(all, all.Distinct());
        // these are the rank's alone
        Assert.Equal(With(), With("--env", "A=B", "--explain"));
    }
}
