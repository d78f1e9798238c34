using System.Globalization;
using Slipway.Launching;
using Slipway.Staging.Controller;

namespace Slipway.Preflight;

/// <summary>What came back from the nodes of a preflight, and what it means.</summary>
/// <param name="nodes">From which something has to come; empty where the launcher decides.</param>
/// <param name="ranks">How many were started.</param>
sealed class Findings(MpiVerdict? verdict, IReadOnlyList<string> nodes, int ranks)
{
    /// <summary>So many of the launcher's lines are told where nothing is known of them.</summary>
    const int LastLines = 4;

    /// <summary>How far a rank came.</summary>
    enum Reached { Loading, Starting, Ready, Met, Ended }

    sealed class Node(string name)
    {
        public string Name { get; } = name;
        public List<PreflightCheck> Checks { get; } = [];
        public bool HasBegun { get; set; }
        public List<Reached> Ranks { get; } = [];
        public string? NoLibrary { get; set; }
    }

    readonly Dictionary<string, Node> heard = new(StringComparer.OrdinalIgnoreCase);
    readonly List<(int Rank, int Size)> numbers = [];
    readonly List<string> other = [];
    string? library;

    /// <summary>A line of the launcher's output or of a rank's.</summary>
    public void Add(string line)
    {
        (PreflightCheck? check, string? name, string[] words, bool isRank) = PreflightLine.Read(line);
        if ((check?.Node ?? name) is not { } of)
        {
            if (line.Trim() is { Length: > 0 } said)
                other.Add(said);
            return;
        }
        Node node = heard.TryGetValue(NodeName.Short(of), out Node? known) ? known : heard[NodeName.Short(of)] = new Node(of);
        if (check is not null)
        {
            // two ranks on one node may say the same, or one the worse
            int same = node.Checks.FindIndex(c => c.Name == check.Name);
            if (same < 0)
                node.Checks.Add(check);
            else if (check.Status > node.Checks[same].Status)
                node.Checks[same] = check;
        }
        else if (!isRank)
            node.HasBegun = true;
        else
            AddRank(node, words);
    }

    void AddRank(Node node, string[] words)
    {
        if (words[0] == "no-library")
            node.NoLibrary = string.Join(' ', words[1..]);
        else if (words[0] == PreflightLine.Begin)
            node.Ranks.Add(Reached.Starting);
        else if (words is ["rank", var rank, var size, ..]
            && int.TryParse(rank, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && int.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out int count))
        {
            numbers.Add((number, count));
            library ??= string.Join(' ', words[3..]);
            Advance(node, Reached.Starting, Reached.Ready);
        }
        else if (words[0] == "met")
            Advance(node, Reached.Ready, Reached.Met);
        else if (words[0] == "end")
            Advance(node, Reached.Met, Reached.Ended);
    }

    /// <summary>Which rank of the node it is does not matter.</summary>
    static void Advance(Node node, Reached from, Reached to)
    {
        if (node.Ranks.IndexOf(from) is >= 0 and var at)
            node.Ranks[at] = to;
    }

    static PreflightCheck Check(string node, string name, PreflightStatus status, string seen, string? advice = null) =>
        new() { Node = node, Name = name, Status = status, Seen = seen, Advice = advice };

    public IReadOnlyList<PreflightCheck> Checks(MpiResult result, TimeSpan allowed)
    {
        List<PreflightCheck> checks = [];
        if (verdict is not null)
            checks.Add(Check("", "compatibility", StatusOf(verdict.Fit), verdict.Reason, verdict.Advice));
        checks.Add(Mpi(result, allowed));
        foreach (string name in nodes.Where(n => !heard.TryGetValue(NodeName.Short(n), out Node? node)
            || !(node.HasBegun || node.Checks.Count > 0)))
            checks.Add(Check(name, "launcher", PreflightStatus.Failed, $"no rank was started here: {Said(result)}",
                Symptoms.Find(other)?.Symptom.Advice
                ?? "Check that the launcher reaches this node, and that slipway is there at the same path as here "
                + "(Publish-ImageCache brings it along)."));
        // in the order of the nodes
        foreach (Node node in heard.Values.OrderBy(n => IndexOf(n.Name)).ThenBy(n => n.Name, StringComparer.Ordinal))
            checks.AddRange(node.Checks.Select(c => c with { Node = node.Name }));
        return checks;
    }

    static PreflightStatus StatusOf(MpiFit fit) =>
        fit switch { MpiFit.Works => PreflightStatus.Ok, MpiFit.Unknown => PreflightStatus.Warning, _ => PreflightStatus.Failed };

    int IndexOf(string node)
    {
        for (int i = 0; i < nodes.Count; i++)
            if (NodeName.Short(nodes[i]).Equals(NodeName.Short(node), StringComparison.OrdinalIgnoreCase))
                return i;
        return int.MaxValue;
    }

    string Said(MpiResult result) => Symptoms.Find(other) is { } found ? $"{found.Symptom.Means} ({found.Line})"
        : other.Count > 0 ? string.Join(" | ", other.TakeLast(LastLines))
        : $"the launcher ended with exit code {result.ExitCode} and said nothing";

    /// <summary>Whether the ranks came up, know each other, can talk, and end.</summary>
    PreflightCheck Mpi(MpiResult result, TimeSpan allowed)
    {
        List<Node> all = [.. heard.Values];
        string seconds = allowed.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture);
        string? Behind(Reached stage) => string.Join(", ", all.Where(n => n.Ranks.Contains(stage)).Select(n => n.Name)) is { Length: > 0 }
            where ? where : null;
        PreflightCheck Failed(string seen, string? advice) => Check("", "mpi", PreflightStatus.Failed, seen, advice);

        if (all.SelectMany(n => n.Checks).FirstOrDefault(c => c.Name == "mpi") is { } own)
            return own with { Node = "" };
        if (all.Find(n => n.NoLibrary is not null) is { } lacking)
            return Failed($"{lacking.Name}: the image's MPI library cannot be loaded: {lacking.NoLibrary}",
                "Run slipway compare IMAGE to see what the image lacks.");
        if (numbers.Count > 1 && ranks > 1 && numbers.All(n => n == (0, 1)))
        {
            string alone = $"each of {numbers.Count} ranks takes itself for rank 0 of 1: they do not find each other";
            return Failed($"{alone}, and the job would do the whole work {ranks} times, with exit code 0 ({library})",
                RefusedAdvice() ?? Unmanaged() ?? UseItsOwn);
        }
        if (numbers.FirstOrDefault(n => n.Size != ranks) is { Size: > 0 } wrong)
            return Failed($"{ranks} ranks were started, and rank {wrong.Rank} counts {wrong.Size} ({library})",
                "See whether variables of another launcher (PMI_…, PMIX_…, OMPI_…) are in the environment of this one.");
        if (Behind(Reached.Starting) is { } starting)
        {
            string seen = result.TimedOut || !HasSpoken() ? $"MPI_Init did not come back within {seconds} s on {starting}"
                : $"MPI_Init failed on {starting}: {Said(result)}";
            return Failed(seen, Symptoms.Find(other)?.Symptom.Advice ?? RefusedAdvice() ?? Unmanaged()
                ?? "See the other checks, and what the launcher says with the same ranks on one node.");
        }
        if (Behind(Reached.Ready) is { } ready)
            return Failed($"the ranks found each other, but did not meet within {seconds} s on {ready}: "
                + "messages between nodes do not arrive",
                "Have the MPI use the network that all nodes share (OMPI_MCA_btl_tcp_if_include, UCX_NET_DEVICES, FI_TCP_IFACE), "
                + "and see whether a firewall is between them.");
        if (Behind(Reached.Met) is { } met)
            return Failed($"the ranks met, but MPI_Finalize did not come back within {seconds} s on {met}: "
                + $"a job would compute and then hang ({library})",
                "This is a known fault of MPICH 4.0 over UCX before 1.14 with TCP, inside and outside of containers: "
                + "take an image with a later UCX, or with an MPICH that is built on libfabric.");
        int ended = all.Sum(n => n.Ranks.Count(r => r == Reached.Ended));
        if (ended == ranks && result.ExitCode == 0)
        {
            string where = all.Count > 1 ? $" on {all.Count} nodes" : "";
            return Check("", "mpi", PreflightStatus.Ok,
                $"{ranks} rank{(ranks == 1 ? "" : "s")} found and met each other{where} ({library})");
        }
        string came = $"{ended} of {ranks} ranks came to their end";
        if (all.SelectMany(n => n.Checks).FirstOrDefault(c => c.Status == PreflightStatus.Failed) is { } reason)
            return Failed($"{came}: on {reason.Node}, {reason.Name}: {reason.Seen}", reason.Advice);
        if (all.SelectMany(n => n.Checks).FirstOrDefault(c => c.Name == "container" && c.Status == PreflightStatus.Warning) is { } untried)
            return Check("", "mpi", PreflightStatus.Warning, untried.Seen, untried.Advice);
        return Failed(result.TimedOut ? $"{came} within {seconds} s: {Said(result)}" : $"{came}: {Said(result)}",
            Symptoms.Find(other)?.Symptom.Advice ?? "See the other checks.");
    }

    const string UseItsOwn =
        "The image's MPI library does not speak what this launcher offers: use the launcher of the same MPI, srun with the other --mpi, "
        + "or the image's own on one node (-Mpi Image).";

    /// <summary>The table's, where it refuses the pair.</summary>
    string? RefusedAdvice() => verdict?.Fit == MpiFit.Refuse ? verdict.Advice : null;

    /// <summary>True where the launcher or a library has said what is wrong.</summary>
    bool HasSpoken() => Symptoms.Find(other) is not null || other.Count > 0;

    /// <summary>What to do where a node's launcher offers nothing.</summary>
    string? Unmanaged() => heard.Values.SelectMany(n => n.Checks)
        .FirstOrDefault(c => c.Name == "pmi" && c.Status == PreflightStatus.Failed)?.Advice;
}
