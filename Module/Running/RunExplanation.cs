using System.Globalization;
using System.Text;
using Slipway.Linux;

namespace Slipway.Running;

/// <summary><c>slipway run --explain</c>: what was done for a container and a rank, and why; one fact a line.</summary>
/// <remarks>
/// What was done for the container its holder tells: it writes that once into a file beside its entry, when it is ready, and only ranks
/// that are asked to explain read it.
/// A rank adds what it alone knows.
/// </remarks>
static class RunExplanation
{
    /// <summary>No file of a holder is larger: its readers take it for something else. Bytes.</summary>
    const int Most = OpenedFile.Small;

    /// <summary>
    /// What a holder did, as its file has it: lines with nothing in them that a terminal obeys, and no more than the readers take.
    /// </summary>
    /// <param name="leftOut">A sentence for each fabric plan that was not taken.</param>
    /// <param name="environment">What the image and the plan set, as NAME=VALUE.</param>
    public static string OfHolder(
        HolderArguments start, RunRequest request, FabricPlan? plan, IEnumerable<string> leftOut,
        IEnumerable<HostBind> binds, IEnumerable<string> environment)
    {
        StringBuilder text = new();
        int length = 0;
        foreach (string line in Facts(start, request, plan, leftOut, binds, environment).Select(Visible.Line))
        {
            const string rest = "…\n";
            length += Encoding.UTF8.GetByteCount(line) + 1;
            if (length + Encoding.UTF8.GetByteCount(rest) > Most)
                return text.Append(rest).ToString();
            text.Append(line).Append('\n');
        }
        return text.ToString();
    }

    static IEnumerable<string> Facts(
        HolderArguments start, RunRequest request, FabricPlan? plan, IEnumerable<string> leftOut,
        IEnumerable<HostBind> binds, IEnumerable<string> environment)
    {
        bool isCached = start.Content.StartsWith(Digest.Prefix, StringComparison.Ordinal);
        yield return Line("image", $"{start.Image} ({(isCached ? "" : "not in this node's cache; ")}{start.Content})");
        foreach (string reason in start.Reasons)
            yield return Line("mount", reason);
        yield return Line("root", request.WritableTmpfs ? "changes are kept in memory until the container goes (--writable-tmpfs)"
            : "read-only");
        yield return Line("fabric", plan is null ? string.Join("; ", leftOut.Prepend("no plan")) : $"{plan.Verdict}: {plan.Reason}");
        foreach (HostBind bind in binds)
        {
            string at = bind.Source == bind.Destination ? "" : " at " + bind.Destination;
            yield return Line("bind", $"{bind.Source}{at}{(bind.ReadOnly ? ", read-only" : "")} ({bind.Why})");
        }
        foreach (string assignment in environment)
            yield return Line("set", $"{assignment} (the image, or the fabric plan)");
    }

    /// <summary>What the holder did, and what only this rank knows.</summary>
    /// <param name="files">The holder's.</param>
    /// <param name="started">True where this rank started the holder.</param>
    public static IEnumerable<string> OfRank(HolderFiles files, HolderEntry entry, bool started, RankKey key, RunRequest request)
    {
        string? told = OpenedFile.TryTextFound(files.Explanation);
        foreach (string line in told?.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            ?? [Line("container", "what its holder did is not there to read any more")])
            yield return line;
        yield return Line("step key", $"{key.Step} (from {key.Reason})");
        yield return Line("holder",
            string.Create(CultureInfo.InvariantCulture, $"process {entry.Pid}, {(started ? "started by this rank" : "already running")}"));
        foreach (RunVariable variable in request.Variables)
            yield return Line("set", $"{variable} ({(variable.Inherited ? "--env, from the environment" : "--env")})");
        foreach (string name in ContainerEnvironment.DroppedHere())
            yield return Line("unset", $"{name} (it speaks of the host's files)");
        yield return Line("directory", ContainerCommand.Directory(entry));
        yield return Line("command", string.Join(' ', ContainerCommand.Of(entry, request)));
    }

    static string Line(string what, string text) => $"{what,-10} {text}";
}
