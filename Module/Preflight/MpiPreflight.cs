using Slipway.Launching;

namespace Slipway.Preflight;

/// <summary>
/// Tries before a job what would make it fail: on each of its nodes one rank, started by the very launcher and with the very options of the
/// job's plan, looks at the node and the container (<see cref="PreflightProgram"/>), then starts MPI, says which rank it is, and meets the
/// others.
/// </summary>
public static class MpiPreflight
{
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(60);

    /// <summary>How much longer than its ranks the launcher may take before it is ended.</summary>
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <summary>What was left out of a request that is only to be tried: any command, and a rank on each node, or two on one.</summary>
    public static MpiRequest Complete(MpiRequest request) => request with
    {
        Command = request.Command.Count > 0 ? request.Command : ["true"],
        Ranks = request.Ranks ?? (request.RanksPerNode is null ? Math.Max(2, request.Nodes.Count) : null),
    };

    /// <param name="request">Of the job.</param>
    /// <param name="timeout">For the ranks, after which they end by themselves.</param>
    /// <returns>Those of the job as a whole first, then node by node.</returns>
    /// <exception cref="SlipwayException">The request asks for what cannot be, or no launcher is there.</exception>
    public static IReadOnlyList<PreflightCheck> Check(MpiRequest request, TimeSpan? timeout = null, CancellationToken cancel = default)
    {
        TimeSpan allowed = timeout ?? DefaultTimeout;
        if (allowed < TimeSpan.FromSeconds(1) || allowed > TimeSpan.FromHours(1))
            throw PreflightErrors.BadTimeout(allowed);
        // the ranks are tried also where the table refuses: what they do says why
        RunnablePlan job = MpiJob.Plan(request with { TryMismatch = true }, cancel);
        RunnablePlan plan = ForProbe(request, job, out IReadOnlyList<string> nodes, allowed, cancel);
        Findings findings = new(job.Verdict, nodes, plan.Ranks);
        MpiResult result = MpiJob.Run(plan, line => findings.Add(line.Text), cancel);
        return findings.Checks(result, allowed);
    }

    /// <summary>The preflight of a job that is to be started if nothing failed.</summary>
    /// <param name="warning">Gets what is not as it could be.</param>
    /// <exception cref="SlipwayException">Something failed: what, where, and what to do.</exception>
    public static void Demand(MpiRequest request, Action<PreflightCheck> warning, CancellationToken cancel = default)
    {
        IReadOnlyList<PreflightCheck> checks = Check(request, cancel: cancel);
        foreach (PreflightCheck check in checks.Where(c => c.Status == PreflightStatus.Warning))
            warning(check);
        List<PreflightCheck> failed = [.. checks.Where(c => c.Status == PreflightStatus.Failed)];
        if (failed.Count > 0)
            throw PreflightErrors.Failed(failed, request.Image.Path);
    }

    /// <summary>The job's plan with the probe in the place of the ranks: one on each node, or two where there is one node.</summary>
    static RunnablePlan ForProbe(MpiRequest request, RunnablePlan job, out IReadOnlyList<string> nodes, TimeSpan allowed,
        CancellationToken cancel)
    {
        nodes = job.Mpi == MpiMode.Image ? [Environment.MachineName]
            : job.Nodes.Count > 0 ? [.. job.Nodes.Distinct()]
            : job.Placement.Count > 0 ? [.. job.Placement.Distinct()]
            : [.. Allocation.Current(LauncherTable.Read(), Environment.GetEnvironmentVariable)?.Nodes.Select(n => n.Node) ?? []];
        bool spread = nodes.Count > 1 && job.Ranks > 1;
        if (!spread && nodes.Count > 1)
            nodes = [];
        RunnablePlan plan = MpiJob.Plan(request with
        {
            Ranks = spread ? nodes.Count : Math.Min(2, job.Ranks),
            RanksPerNode = spread && job.Row?.RanksPerNode.Count > 0 ? 1 : null,
            Nodes = request.Nodes.Count > 0 ? nodes : [],
            Label = false,
            Timeout = allowed + Grace,
            TryMismatch = true,
        }, cancel);
        PreflightArguments preflight = new(
            (uint)allowed.TotalSeconds,
            Ranks: (job.Ranks + Math.Max(1, nodes.Count) - 1) / Math.Max(1, nodes.Count),
            ImageMpiFacts.Of(request.Image, request.Command[0], plan.WorkingDirectory, cancel).Candidates.FirstOrDefault()?.Soname,
            // the image's own launcher, which stands before the command of the ranks, stays
            plan.Run with { Command = plan.Run.Command[..^plan.Command.Count] });
        return plan with { Arguments = [.. plan.BeforeVerb, PreflightArguments.Verb, .. preflight.ToArguments()] };
    }
}
