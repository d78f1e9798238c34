using Slipway.Linux;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Controller;

/// <summary>Which nodes a command is for.</summary>
public sealed record NodeSelection
{
    /// <summary>None of the three: this node.</summary>
    public IReadOnlyList<string> Nodes { get; init; } = [];

    /// <summary>A partition of Slurm.</summary>
    public string? Partition { get; init; }

    /// <summary>A job of Slurm; its nodes are reached through it.</summary>
    public string? JobId { get; init; }

    /// <summary>How many nodes are worked on at a time.</summary>
    public int ThrottleLimit { get; init; } = 64;

    internal bool IsHere => Nodes.Count == 0 && Partition is null && JobId is null;

    /// <summary>The nodes' names, each once, as they were given; bad ones among them.</summary>
    /// <exception cref="SlipwayException">The batch system does not know the job or the partition.</exception>
    internal IReadOnlyList<string> Resolve()
    {
        if (ThrottleLimit < 1)
            throw StagingErrors.BadThrottleLimit(ThrottleLimit);
        List<string> all = [.. Nodes.Select(n => n.Trim())];
        if (Partition is { } partition)
        {
            if (!NodeName.IsValid(partition))
                throw StagingErrors.BadPartition(partition);
            List<string> found = Lines("sinfo", $"--partition={partition}", "--noheader", "--Node", "--format=%N");
            all.AddRange(found.Count > 0 ? found : throw StagingErrors.PartitionNotFound(partition));
        }
        if (JobId is { } job)
            all.AddRange(OfJob(job));
        return [.. all.Where(n => n.Length > 0).Distinct(StringComparer.Ordinal)];
    }

    internal static IReadOnlyList<string> OfJob(string job)
    {
        if (job.Length == 0 || job.AsSpan().ContainsAnyExcept("0123456789_+"))
            throw StagingErrors.BadJobId(job);
        // squeue(1) fails for a number that it has never seen or has forgotten
        string? nodes = HostProgram.Read(HostProgram.Find("squeue"), $"--jobs={job}", "--noheader", "--states=RUNNING", "--format=%N");
        if (nodes?.Trim() is not { Length: > 0 } list)
            throw StagingErrors.JobNotFound(job);
        return Expand(list);
    }

    /// <summary>Slurm's <c>n[1-3,7]</c>, name by name.</summary>
    internal static IReadOnlyList<string> Expand(string list) => Lines("scontrol", "show", "hostnames", list);

    /// <summary>Names of Slurm's partitions, to complete a word from; none where Slurm is not here, or does not answer soon.</summary>
    public static IReadOnlyList<string> Partitions() => [.. Offered("sinfo", "--noheader", "--format=%R").Distinct(StringComparer.Ordinal)];

    /// <summary>Numbers of this user's jobs that run, each with its name and nodes, to complete a word from; likewise.</summary>
    public static IReadOnlyList<(string JobId, string Description)> Jobs() =>
        [.. Offered("squeue", "--me", "--noheader", "--states=RUNNING", "--format=%i %j on %N").Select(l => l.Split(' ', 2))
            .Select(l => (l[0], l[^1]))];

    static List<string> Offered(string program, params string[] arguments)
    {
        // somebody waits at a prompt
        using CancellationTokenSource late = new(TimeSpan.FromSeconds(3));
        List<string> lines = [];
        try
        {
            return HostProgram.TryFind(program) is { } path
                && HostProgram.Run(path, arguments, l => lines.Add(l.Trim()), _ => { }, cancel: late.Token) == 0
                ? [.. lines.Where(l => l.Length > 0)] : [];
        }
        catch (Exception e) when (e is SlipwayException or OperationCanceledException)
        {
            return [];
        }
    }

    static List<string> Lines(string program, params string[] arguments)
    {
        List<string> lines = [], errors = [];
        return HostProgram.Run(program, arguments, l => lines.Add(l.Trim()), errors.Add) == 0 ? [.. lines.Where(l => l.Length > 0)]
            : throw StagingErrors.BatchSystemFailed(program, arguments, errors);
    }
}
