using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Slipway.Linux;

namespace Slipway.Launching;

/// <summary>A launcher that is there.</summary>
/// <param name="Program">Absolute path.</param>
/// <param name="Version">As it says itself; null where it does not.</param>
/// <param name="Said">By what it was recognised.</param>
sealed record FoundLauncher(Launcher Row, string Program, string? Version, string Said);

/// <summary>What MPI the host has: the launchers of the table that are on the PATH and answer as their rows say.</summary>
static class HostMpi
{
    /// <summary>A program that answers neither way after this long is none of ours.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    static readonly ConcurrentDictionary<string, string> Answers = new(StringComparer.Ordinal);

    /// <summary>Those of the rows that can be used here, in their order.</summary>
    /// <param name="variable">A variable of the environment.</param>
    /// <param name="looked">Gets what was looked for, and why it did not do.</param>
    public static IEnumerable<FoundLauncher> Find(IEnumerable<Launcher> rows, Func<string, string?> variable, List<string> looked,
        CancellationToken cancel = default)
    {
        foreach (Launcher row in rows)
        {
            if (row.Inside.FirstOrDefault(v => string.IsNullOrEmpty(variable(v))) is { } missing)
            {
                looked.Add($"{row.Name}: {missing} is not set");
                continue;
            }
            FoundLauncher? found = null;
            foreach (string program in row.Programs.Select(HostProgram.TryFind).OfType<string>().Select(InRealDirectory))
                if (Recognise(row, program, a => Ask(program, a, cancel), looked) is { } recognised)
                {
                    found = recognised;
                    break;
                }
            if (found is not null)
                yield return found;
            else if (row.Programs.All(p => HostProgram.TryFind(p) is null))
                looked.Add($"{row.Name}: {string.Join(", ", row.Programs)}: not on the PATH");
        }
    }

    /// <summary>
    /// Open MPI's mpirun takes the directory above its own for where it is installed on the nodes, and stops at /bin, which is a link
    /// today.
    /// </summary>
    static string InRealDirectory(string program) =>
        Path.GetDirectoryName(program) is { } directory && Directory.ResolveLinkTarget(directory, returnFinalTarget: true) is { } real
        && Path.Join(real.FullName, Path.GetFileName(program)) is var there && File.Exists(there) ? there : program;

    /// <param name="ask">What the program answers to some arguments.</param>
    public static FoundLauncher? Recognise(Launcher row, string program, Func<IReadOnlyList<string>, string> ask, List<string> looked)
    {
        Match match = row.Recognise.Pattern.Match(ask(row.Recognise.Arguments));
        if (!match.Success)
        {
            looked.Add($"{row.Name}: {program} {string.Join(' ', row.Recognise.Arguments)} does not answer as {row.Title} does");
            return null;
        }
        string said = match.Value.ReplaceLineEndings(" ").Trim();
        if (row.Offers is { } offers && !offers.Pattern.IsMatch(ask(offers.Arguments)))
        {
            looked.Add($"{row.Name}: {program} {string.Join(' ', offers.Arguments)} does not offer it");
            return null;
        }
        string? version = match.Groups["version"] is { Success: true, Value: var found } ? found.TrimEnd('.') : null;
        return new FoundLauncher(row, program, version, said);
    }

    /// <summary>What a program of the host answers. Each is asked once.</summary>
    public static string Ask(string program, IReadOnlyList<string> arguments, CancellationToken cancel)
    {
        string written = File.GetLastWriteTimeUtc(program).Ticks.ToString(CultureInfo.InvariantCulture);
        return Answers.GetOrAdd(string.Join('\0', [program, written, .. arguments]), _ => AskNow(program, arguments, cancel));
    }

    /// <summary>Both streams; some launchers tell their version on standard error, and some with an exit code other than 0.</summary>
    public static string AskNow(string program, IReadOnlyList<string> arguments, CancellationToken cancel)
    {
        StringBuilder said = new();
        void Add(string line)
        {
            if (said.Length < 1 << 20)
                said.Append(line).Append('\n');
        }
        using CancellationTokenSource late = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        late.CancelAfter(Patience);
        try
        {
            HostProgram.Run(program, arguments, Add, Add, cancel: late.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return "";
        }
        catch (SlipwayException)
        {
            return ""; // it cannot be started
        }
        return said.ToString();
    }
}
