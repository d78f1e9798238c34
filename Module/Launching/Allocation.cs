using System.Globalization;
using Slipway.Linux;
using Slipway.Staging.Controller;

namespace Slipway.Launching;

/// <summary>The job of a batch system that we are in.</summary>
/// <param name="Nodes">With the number of slots where the batch system tells it; empty where it does not tell the nodes in a way that we
/// read.</param>
sealed record Allocation(BatchSystem System, IReadOnlyList<(string Node, int? Slots)> Nodes)
{
    /// <summary>Null outside of any job.</summary>
    public static Allocation? Current(LauncherTable table, Func<string, string?> variable)
    {
        foreach (BatchSystem system in table.BatchSystems)
            if (system.Inside.All(v => !string.IsNullOrEmpty(variable(v))))
                return new Allocation(system, system.Nodes is { } name && variable(name) is { Length: > 0 } value
                    ? Read(system.Form!, value, system.Slots is { } slots ? variable(slots) : null) : []);
        return null;
    }

    /// <summary>Where a launcher that fills one node after the other puts its ranks; nothing where that is not certain.</summary>
    public IReadOnlyList<string> Fill(int ranks) =>
        Nodes.All(n => n.Slots is not null) && Nodes.Sum(n => n.Slots) >= ranks
        ? [.. Nodes.SelectMany(n => Enumerable.Repeat(n.Node, n.Slots!.Value)).Take(ranks)] : [];

    static IReadOnlyList<(string, int?)> Read(string form, string value, string? tasks)
    {
        if (form == "slurm")
        {
            if (HostProgram.TryFind("scontrol") is null)
                return [];
            IReadOnlyList<int> each = Tasks(tasks ?? "");
            return [.. NodeSelection.Expand(value).Select((n, i) => (n, i < each.Count ? each[i] : (int?)null))];
        }
        // sge_pe(5): HOST SLOTS QUEUE RANGE; pbs_resources(7): a line a slot; LSB_DJOB_HOSTFILE: likewise
        Dictionary<string, int> slots = [];
        List<string> order = [];
        foreach (string[] words in (OpenedFile.TryTextNamed(value) ?? "").Split('\n')
            .Select(l => l.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)).Where(w => w.Length > 0 && NodeName.IsValid(w[0])))
        {
            int count = words.Length > 1 && int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out int given)
                ? given : 1;
            if (!slots.TryAdd(words[0], count))
                slots[words[0]] += count;
            else
                order.Add(words[0]);
        }
        return [.. order.Select(n => (n, (int?)slots[n]))];
    }

    /// <summary>Slurm's <c>4(x2),3</c>, node by node; nothing where it is something else.</summary>
    internal static IReadOnlyList<int> Tasks(string text)
    {
        const int MostNodes = 1 << 20;
        List<int> each = [];
        foreach (string part in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = part.TrimEnd(')').Split("(x");
            if (words.Length > 2 || !int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out int count)
                || !int.TryParse(words.ElementAtOrDefault(1) ?? "1", NumberStyles.None, CultureInfo.InvariantCulture, out int times)
                || times > MostNodes || each.Count + times > MostNodes)
                return [];
            each.AddRange(Enumerable.Repeat(count, times));
        }
        return each;
    }
}
