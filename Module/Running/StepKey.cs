using System.Globalization;
using Slipway.Linux;

namespace Slipway.Running;

/// <summary>What the ranks of one job step on one node have in common, so that they share a container.</summary>
internal static class StepKey
{
    /// <summary>
    /// Which variables name a step, innermost launcher first: a rank that mpirun started inside a Slurm job has the variables of both.
    /// A row counts where all of its variables are set.
    /// </summary>
    static readonly (string Launcher, string[] Variables)[] Rows =
    [
        ("pmix", ["PMIX_NAMESPACE"]),                           // Open MPI 4 and 5, PRRTE, Slurm with --mpi=pmix: one namespace a step
        ("ompi", ["OMPI_MCA_ess_base_jobid"]),                  // Open MPI 4 without PMIx
        ("flux", ["FLUX_URI", "FLUX_JOB_ID"]),
        ("slurm", ["SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_PROCID"]), // PROCID: a step, not the batch script
        ("pals", ["PALS_APID"]),
        ("lsf", ["LSB_JOBID", "LSF_PM_TASKID"]),
    ];

    /// <summary>The key, and where it comes from (for <c>--explain</c>).</summary>
    public static string Find(string? given, out string reason)
    {
        if (given is not null)
        {
            reason = "--job";
            return "job=" + given;
        }
        foreach ((string launcher, string[] variables) in Rows)
        {
            string?[] values = Array.ConvertAll(variables, Environment.GetEnvironmentVariable);
            if (Array.TrueForAll(values, v => !string.IsNullOrEmpty(v)))
            {
                reason = string.Join(", ", variables);
                return launcher + "=" + string.Join('.', values);
            }
        }
        // Hydra, PBS, SGE, a shell: the process that started us, told from a later one of the same number by its start time
        int parent = LibC.getppid();
        reason = string.Create(CultureInfo.InvariantCulture, $"the parent process {parent}");
        return string.Create(CultureInfo.InvariantCulture, $"parent={parent}.{ProcStat.StartTime(parent)}");
    }
}
