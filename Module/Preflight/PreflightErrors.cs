using System.Globalization;

namespace Slipway.Preflight;

/// <summary>What can be wrong with a preflight itself; what it finds is told as checks.</summary>
static class PreflightErrors
{
    public static SlipwayException BadTimeout(TimeSpan timeout) =>
        new("BadTimeout", ErrorKind.InvalidArgument,
            string.Create(CultureInfo.InvariantCulture, $"{timeout.TotalSeconds:0.###} s is not a time-out for a preflight"),
            "Give 1 to 3600 seconds.", timeout);

    /// <summary>What is the same on many nodes is said once.</summary>
    public static SlipwayException Failed(IEnumerable<PreflightCheck> checks, string image)
    {
        List<IGrouping<(string Name, string? Advice), PreflightCheck>> failed = [.. checks.GroupBy(c => (c.Name, c.Advice))];
        IEnumerable<string> said = failed.Select(g => $"{Where(g)}{g.Key.Name}: {g.First().Seen}");
        return new("PreflightFailed", ErrorKind.InvalidOperation,
            $"the preflight failed, and nothing was started: {string.Join("; ", said)}",
            string.Join(" ", failed.Select(g => g.Key.Advice).OfType<string>().Distinct()), image);
    }

    static string Where(IEnumerable<PreflightCheck> same) => same.First().Node.Length == 0
        ? "" : string.Join(", ", same.Select(c => c.Node)) + ": ";

    public static SlipwayException Usage() =>
        new("PreflightUsage", ErrorKind.InvalidArgument, "'slipway mpi test' starts 'slipway preflight' itself");

    public static SlipwayException ProbeNotMade(int error) =>
        new("PreflightProbe", ErrorKind.ResourceUnavailable, $"a file in memory cannot be made (errno {error})");

    public static SlipwayException ProbeNotWritten(int error) =>
        new("PreflightProbe", ErrorKind.WriteError, $"a file in memory cannot be written (errno {error})");

    public static SlipwayException RankNotStarted(string program, int error) =>
        new("PreflightProbe", ErrorKind.InvalidOperation, $"{program}: cannot be started (errno {error})");
}
