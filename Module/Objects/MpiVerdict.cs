namespace Slipway;

/// <summary>Whether an MPI and a launcher go together.</summary>
public enum MpiFit
{
    /// <summary>Nothing is known; it is tried, with a warning.</summary>
    Unknown,

    /// <summary>They go together.</summary>
    Works,

    /// <summary>The ranks would not find each other: nothing is started.</summary>
    Refuse,
}

/// <summary>What was found out before anything was started: whether the ranks will find each other.</summary>
/// <param name="Mpi">The image's, e.g. <c>Open MPI 4.1.4</c>; <c>no MPI</c> where none was recognised.</param>
/// <param name="Launcher">E.g. <c>Open MPI 1 to 4, version 4.1.4</c>.</param>
/// <param name="Advice">What to do, where it does not work or is not known to.</param>
public sealed record MpiVerdict(MpiFit Fit, string Mpi, string Launcher, string Reason, string? Advice)
{
    /// <summary>For people: <c>Works: REASON</c>.</summary>
    public override string ToString() => $"{Fit}: {Reason}";
}
