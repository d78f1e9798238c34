using System.Text;
using Slipway.Shared;

namespace Slipway.Running;

/// <summary>One row of <see cref="RunOptions"/>.</summary>
/// <param name="Value">What stands for it in the usage; null where the option takes none.</param>
/// <param name="Repeats">All that are given count; else the last one does.</param>
/// <param name="OfContainer">Ranks share a container only where it is the same.</param>
/// <param name="Front">The front serves it by itself.</param>
/// <param name="Hidden">Not for people.</param>
sealed record RunOption(string Name, string? Value, bool Repeats, bool OfContainer, bool Front, bool Hidden, string Description)
{
    public static IReadOnlyList<RunOption> All { get; } =
        [.. Encoding.UTF8.GetString(RunOptions.Rows).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(row => Row(row.Split(' ', 6)))];

    static RunOption Row(string[] words) =>
        new(words[0], words[1] == "-" ? null : words[1], words[2] == "many", words[3] == "container", words[4] == "front",
            words[4] == "hidden", words[5]);

    public static RunOption Find(string name) => All.First(o => o.Name == name);

    /// <summary>As the usage has it.</summary>
    public override string ToString() => $"[{Name}{(Value is null ? "" : " " + Value)}]{(Repeats ? "…" : "")}";
}
