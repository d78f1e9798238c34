namespace Slipway.Shared;

/// <summary>
/// What the front and the full launcher must both know of a rank. Compiled into both; the front has no strings, so the tables are UTF-8
/// text: one row a line, its words separated by spaces.
/// </summary>
static class RankTables
{
    /// <summary>Of a holder's entry and of the socket's protocol; part of every key, so that two versions never meet.</summary>
    public static ReadOnlySpan<byte> HolderVersion => "slipway-holder 3"u8;

    /// <summary>
    /// Which variables name a job step, innermost launcher first: a rank that mpirun started inside a Slurm job has the variables of both.
    /// A word for the launcher, then its variables. A row counts where all of them are set. None may differ between the ranks of a node:
    /// they would not share a container then. Hydra, and tasks of SGE, are told by the process that started them.
    /// </summary>
    public static ReadOnlySpan<byte> Steps =>
        "pmix PMIX_NAMESPACE\n"u8 +                             // Open MPI 4 and 5, PRRTE, Slurm with --mpi=pmix: one namespace a step
        "ompi OMPI_MCA_ess_base_jobid\n"u8 +                    // Open MPI 4 without PMIx
        "flux FLUX_URI FLUX_JOB_ID\n"u8 +
        "slurm SLURM_JOB_ID SLURM_STEP_ID\n"u8 +
        "pals PALS_APID\n"u8 +
        "pbs PBS_JOBID\n"u8 +                                   // pbs_mom starts the tasks of all jobs, so the parent tells nothing
        "lsf LSB_JOBID LSB_JOBINDEX\n"u8;

    /// <summary>The search path of commands in a container, where the image sets none.</summary>
    public static ReadOnlySpan<byte> DefaultPath => "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"u8;

    /// <summary>
    /// Variables that speak of the host's files and would mislead the image's programs: search paths of loader and shells, and prefixes of
    /// the host's MPI. Everything else is kept.
    /// </summary>
    public static ReadOnlySpan<byte> Dropped =>
        "PATH LD_LIBRARY_PATH LD_PRELOAD LD_AUDIT BASH_ENV ENV PYTHONHOME\n"u8 +
        "OPAL_PREFIX OPAL_LIBDIR PMIX_PREFIX PRTE_PREFIX OMPI_MCA_mca_base_component_path OMPI_MCA_mca_component_path\n"u8 +
        "MPIR_CVAR_HOME I_MPI_ROOT\n"u8 +
        "LOCPATH GCONV_PATH NLSPATH TERMINFO FI_PROVIDER_PATH RDMAV_DRIVERS IBV_DRIVERS UCX_MODULE_DIR\n"u8;
}
