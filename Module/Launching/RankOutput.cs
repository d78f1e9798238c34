using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Slipway.Launching;

/// <summary>
/// What comes from a launcher: takes the marks of ranks from its lines, hands the lines on, keeps the last ones of each rank, and reads
/// from the launcher's own messages which rank failed first.
/// </summary>
/// <param name="sink">Gets each line; null copies standard error to ours.</param>
sealed class RankOutput(RunnablePlan plan, Action<RankLine>? sink)
{
    const int LinesKept = 20;
    const int LongestKept = 2000;

    readonly object gate = new();
    readonly Dictionary<int, Queue<string>> byRank = [];
    readonly Queue<string> all = [];
    readonly Dictionary<(int Rank, bool IsError), StringBuilder> unfinished = [];
    readonly Dictionary<int, string> nodes = [];
    readonly Dictionary<string, string> failure = [];
    string? codes;
    (int? Rank, int? Exit)? aborted;

    Tagging? Tag => plan.Labelled ? plan.Row!.Tag : null;

    /// <summary>A line of one of the two streams, in the order in which they come; from any thread.</summary>
    public void Add(string line, bool isError)
    {
        lock (gate)
        {
            if (Tag is not { Anywhere: true } tag)
            {
                Match? match = Tag?.Pattern.Match(line) is { Success: true, Index: 0 } found ? found : null;
                Emit(match, match is null ? line : line[match.Length..], isError);
                return;
            }
            // Pieces of several ranks may stand in one line, each after its mark; the line's end belongs to the last.
            MatchCollection marks = tag.Pattern.Matches(line);
            if (marks.Count == 0)
            {
                Emit(null, line, isError);
                return;
            }
            if (marks[0].Index > 0)
                Emit(null, line[..marks[0].Index], isError);
            for (int i = 0; i < marks.Count; i++)
            {
                int from = marks[i].Index + marks[i].Length;
                string piece = i + 1 < marks.Count ? line[from..marks[i + 1].Index] : line[from..];
                int rank = int.Parse(marks[i].Groups["rank"].Value, CultureInfo.InvariantCulture);
                if (!unfinished.TryGetValue((rank, isError), out StringBuilder? begun))
                    unfinished[(rank, isError)] = begun = new StringBuilder();
                begun.Append(piece);
                if (i + 1 < marks.Count)
                    continue;
                Emit(marks[i], begun.ToString(), isError);
                begun.Clear();
            }
        }
    }

    /// <summary>Hands on what did not end with a line feed.</summary>
    public void Flush()
    {
        lock (gate)
            foreach (((int rank, bool isError), StringBuilder begun) in unfinished.OrderBy(u => u.Key.Rank))
                if (begun.Length > 0)
                {
                    Hand(new RankLine(rank, NodeOf(rank), isError, begun.ToString()));
                    begun.Clear();
                }
    }

    void Emit(Match? mark, string text, bool isError)
    {
        int? rank = mark is not null && int.TryParse(mark.Groups["rank"].Value, NumberStyles.None, CultureInfo.InvariantCulture,
            out int number) ? number : null;
        if (rank is { } known && mark!.Groups["node"] is { Success: true, Value: var node })
            nodes[known] = node;
        // a rank's own lines are not the launcher's, whatever they say, and count for itself alone; where lines are not marked nobody can
        // tell
        if (rank is null)
            Note(text);
        if (plan.Row?.Codes is { Arguments.Count: > 0 } asked && plan.Labelled && rank is null && Matches(asked.Pattern, text) is not null)
            return; // it is there because we asked
        foreach (Regex pattern in plan.Row?.Aborted ?? [])
            if (aborted is null && Matches(pattern, text) is { } match)
                aborted = (rank, int.TryParse(match.Groups["exit"].Value, NumberStyles.None, CultureInfo.InvariantCulture, out int code)
                    ? code : null);
        if (rank is not null && Tag?.Hides is { } hides && Matches(hides, text) is not null)
            return;
        Hand(new RankLine(rank, rank is { } r ? NodeOf(r) : null, isError, text));
    }

    void Hand(RankLine line)
    {
        string kept = line.Text.Length > LongestKept ? line.Text[..LongestKept] + "…" : line.Text;
        Keep(all, line.Rank is null ? kept : $"[{line.Rank}] {kept}");
        if (line.Rank is { } rank)
        {
            if (!byRank.TryGetValue(rank, out Queue<string>? own))
                byRank[rank] = own = [];
            Keep(own, kept);
        }
        if (sink is not null)
            sink(line);
        else if (line.IsError)
            Console.Error.WriteLine(line.Text);
    }

    static void Keep(Queue<string> lines, string line)
    {
        if (lines.Count == LinesKept)
            lines.Dequeue();
        lines.Enqueue(line);
    }

    /// <summary>The first message counts; a later one only adds what it did not tell.</summary>
    void Note(string line)
    {
        foreach (Regex pattern in plan.Row?.Failed ?? [])
        {
            if (Matches(pattern, line) is not { } match
                || match.Groups.Values.Any(g => g is { Success: true, Name: not "0" } && failure.ContainsKey(g.Name)))
                continue;
            foreach (Group group in match.Groups.Values)
                if (group is { Success: true, Name: not "0" })
                    failure[group.Name] = group.Value;
            break;
        }
        if (plan.Row?.Codes is { } states && Matches(states.Pattern, line) is { } all)
            codes ??= all.Groups["codes"].Value;
    }

    static Match? Matches(Regex pattern, string line)
    {
        try
        {
            return pattern.Match(line) is { Success: true } match ? match : null;
        }
        catch (RegexMatchTimeoutException)
        {
            return null; // an expression of the site's that takes too long for this line tells nothing of it
        }
    }

    string? NodeOf(int rank) => nodes.GetValueOrDefault(rank) ?? plan.Placement.ElementAtOrDefault(rank);

    public IReadOnlyList<string> Last()
    {
        lock (gate)
            return [.. all];
    }

    /// <summary>Which rank it was, as far as the launcher has told.</summary>
    public RankFailure Failure(int exit)
    {
        lock (gate)
        {
            int? Number(string name) => failure.TryGetValue(name, out string? text)
                && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : null;
            int? rank = Number("rank"), code = Number("exit"), signal = Number("signal");
            failure.TryGetValue("node", out string? node);
            if (rank is null && aborted is { } own)
                (rank, code) = (own.Rank, own.Exit ?? code ?? exit);
            else if (rank is null && codes is not null)
                (rank, node, code, signal) = FromCodes(codes, node, code, signal, exit);
            node ??= rank is { } known ? NodeOf(known) : plan.Placement.Distinct().ToList() is [var only] ? only : null;
            string reason = failure.TryGetValue("why", out string? why) ? why : signal is not null ? $"ended by signal {signal}"
                : code is not null ? $"exit code {code}"
                : $"the launcher ended with exit code {exit}";
            return new RankFailure(rank, node, code, signal, reason, rank is { } r && byRank.TryGetValue(r, out Queue<string>? its)
                && its.Count > 0 ? [.. its] : [.. all]);
        }
    }

    /// <summary>
    /// Of states as wait(2) has them, <c>[NODE] S,S [NODE] S…</c> in the order of ranks, the one that is the cause: the only one that
    /// failed, or the only one that failed as the launcher did.
    /// </summary>
    static (int?, string?, int?, int?) FromCodes(string codes, string? node, int? exit, int? signal, int launcherExit)
    {
        List<(int Rank, string Node, int Status)> failed = [];
        int rank = 0;
        foreach (Match part in Regex.Matches(codes, @"\[([^\]]+)\] *([0-9, ]+)"))
            foreach (string text in part.Groups[2].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int status) && status != 0)
                    failed.Add((rank, part.Groups[1].Value, status));
                rank++;
            }
        static int Code(int status) => status > 255 ? status >> 8 : 0;
        static int Signal(int status) => status & 127;
        List<(int Rank, string Node, int Status)> cause = failed.Count == 1 ? failed
            : failed.FindAll(f => f.Status > 255 && Code(f.Status) == (exit ?? launcherExit));
        if (cause.Count != 1)
            return (null, node, exit, signal);
        return (cause[0].Rank, cause[0].Node, cause[0].Status > 255 ? Code(cause[0].Status) : null, cause[0].Status > 255
            ? null : Signal(cause[0].Status));
    }
}
