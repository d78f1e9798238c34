using System.Globalization;
using Slipway.Running;

namespace Slipway.Preflight;

/// <summary>The arguments of <c>slipway preflight</c>.</summary>
/// <param name="Seconds">How long this rank may take in all.</param>
/// <param name="Ranks">How many of the job this node will have.</param>
/// <param name="Library">The image's MPI library, as the loader knows it; null where it has none that was recognised.</param>
/// <param name="Run">As the job's ranks have it, less the command. A command is the image's own launcher with its options, which starts the
/// ranks.</param>
sealed record PreflightArguments(uint Seconds, int Ranks, string? Library, RunRequest Run)
{
    /// <summary>The verb before them.</summary>
    public const string Verb = "preflight";

    const uint LongestSeconds = 3600;

    /// <summary>In the place of a library's name.</summary>
    public const string None = "-";

    /// <exception cref="SlipwayException">They are not what <see cref="ToArguments"/> makes.</exception>
    public static PreflightArguments Parse(string[] arguments) =>
        arguments is [var seconds, var ranks, var library, .. var run] && IsNumber(seconds, out int allowed)
        && allowed is > 0 and <= (int)LongestSeconds && IsNumber(ranks, out int count)
            ? new PreflightArguments((uint)allowed, count, library == None ? null : library, RunRequest.Parse(run))
            : throw PreflightErrors.Usage();

    static bool IsNumber(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    public string[] ToArguments() =>
    [
        Seconds.ToString(CultureInfo.InvariantCulture), Ranks.ToString(CultureInfo.InvariantCulture), Library ?? None,
        .. Run.ToArguments(),
    ];
}
