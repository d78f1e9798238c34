using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;

namespace Slipway.Staging.Messages;

/// <summary>Replies as lines: each has a mark, the node's name, and a part of the reply as JSON.</summary>
/// <remarks>
/// A batch system hands on the output of many nodes in one stream. Whole lines of up to 1024 bytes stay whole there (srun(1): MAX_MSG_LEN
/// of src/slurmd/slurmstepd/io.c); longer ones may have others in their midst, so a long reply goes in several.
/// </remarks>
/// <param name="nodes">Whoever may answer. Where it is one alone, all is said by it, by whatever name.</param>
sealed class ReplyLines(IReadOnlyList<string> nodes)
{
    public const string Mark = "slipway-stage ";

    /// <summary>Characters; of a longer line only so many are read.</summary>
    public const int LongestLine = 1024;

    /// <summary>A node that says nothing for this long is given up.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Characters of JSON in one line; those outside ASCII are escaped there, and a node's name has 253 at most.</summary>
    const int LongestPart = 700;

    /// <summary>Characters: no cache has so many entries that their list is longer.</summary>
    const int LongestReply = 64 << 20;

    readonly HashSet<string> expected = [.. nodes];
    readonly Dictionary<string, StringBuilder> parts = [];

    /// <summary>The lines of one reply: <c>+</c> before each part that another follows, <c>=</c> before the last.</summary>
    public static IEnumerable<string> Of(NodeReply reply, string node)
    {
        string json = JsonSerializer.Serialize(reply, StagingJson.Default.NodeReply);
        for (int at = 0, end; at < json.Length; at = end)
        {
            end = Math.Min(at + LongestPart, json.Length);
            yield return $"{Mark}{node} {(end < json.Length ? '+' : '=')}{json[at..end]}";
        }
    }

    /// <summary>Takes a line.</summary>
    /// <param name="node">Who has said it, where this is the last line of a reply.</param>
    /// <param name="reply">The whole reply; where nobody can read it, that the node failed.</param>
    /// <returns>False where the line is no part of a reply of one of the nodes.</returns>
    public bool TryTake(string line, out string? node, out NodeReply? reply)
    {
        (node, reply) = (null, null);
        if (!line.StartsWith(Mark, StringComparison.Ordinal) || line[Mark.Length..].Split(' ', 2) is not [var name, ['+' or '=', ..] part])
            return false;
        // a node speaks for itself alone
        string speaker = nodes.Count == 1 ? nodes[0] : name;
        if (!expected.Contains(speaker))
            return false;
        if (!parts.TryGetValue(speaker, out StringBuilder? text))
            parts[speaker] = text = new StringBuilder();
        text.Append(part.AsSpan(1));
        if (part[0] == '+' && text.Length < LongestReply)
            return true;
        parts.Remove(speaker);
        node = speaker;
        reply = TryParse(text.ToString(), out NodeReply? whole)
            ? whole
            : new NodeReply.Failed(StagingErrors.AnswerUnreadable(text.ToString()));
        return true;
    }

    // the attributes of nullability do not speak of the items of a list
    static bool TryParse(string json, [NotNullWhen(true)] out NodeReply? reply) =>
        StagingJson.TryRead(Encoding.UTF8.GetBytes(json), StagingJson.Default.NodeReply, out reply)
        && !(reply is NodeReply.Entries entries && entries.All.Contains(null!));

    /// <summary>
    /// A line of what somebody else writes; of one that is longer than <see cref="LongestLine"/>, the beginning. Null at the end.
    /// </summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static string? ReadLine(TextReader from)
    {
        StringBuilder line = new();
        int read;
        for (; (read = from.Read()) is >= 0 and not '\n';)
            if (line.Length < LongestLine)
                line.Append((char)read);
        return read < 0 && line.Length == 0 ? null : line.ToString().TrimEnd('\r');
    }
}
