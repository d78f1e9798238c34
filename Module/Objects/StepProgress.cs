namespace Slipway;

/// <summary>How far a long piece of work is.</summary>
/// <param name="Activity">The whole, e.g. <c>Building lammps.sqfs</c>.</param>
/// <param name="Step">What is going on now, e.g. <c>downloading packages</c>.</param>
/// <param name="Percent">0 to 100, or -1 where nobody can tell.</param>
/// <param name="Node">The node that it is about, where the work goes on on several.</param>
public sealed record StepProgress(string Activity, string Step, int Percent = -1, string? Node = null);
