using System.Diagnostics;
using Slipway.Linux;

namespace Slipway.Running;

/// <summary>One command in a container, for a front end that is not itself to become it.</summary>
public sealed class ContainerRequest
{
    public required ContainerImage Image { get; init; }

    /// <summary>Empty: the image's runscript.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>Each <c>SRC[:DST[:ro]]</c>.</summary>
    public IReadOnlyList<string> Binds { get; init; } = [];

    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary><c>auto</c>, <c>none</c>, or the path of a plan.</summary>
    public string Fabric { get; init; } = "auto";

    /// <summary>Commands with the same key share a container; null is the process that asks.</summary>
    public string? Job { get; init; }

    public bool WritableTmpfs { get; init; }

    /// <summary>Where the command works, if the container shows it; null is where we are.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>What <c>slipway run</c> is asked for then.</summary>
    internal RunRequest ToRun() => new()
    {
        Image = Image.Placements.Count > 0 ? Image.Digest : Image.Path,
        Command = [.. Command],
        Binds = [.. Binds.Select(Bind.Parse)],
        Variables = [.. Environment.Select(v => new RunVariable(v.Key, v.Value))],
        Fabric = Fabric,
        Job = Job,
        WritableTmpfs = WritableTmpfs,
    };
}

/// <summary>Runs a command in a container by <c>slipway run</c>, and waits for it.</summary>
public static class ContainerProcess
{
    /// <summary>How long a command may clean up after SIGTERM before it is killed.</summary>
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <param name="output">Gets each line of standard output as it comes; the result has them all.</param>
    /// <param name="error">Likewise of standard error.</param>
    /// <exception cref="SlipwayException">The container could not be started: what <c>slipway</c> said.</exception>
    public static ContainerResult Run(ContainerRequest request, Action<string> output, Action<string> error,
        CancellationToken cancel = default)
    {
        Stopwatch watch = Stopwatch.StartNew();
        RunRequest run = Checked(request);
        List<string> lines = [], errors = [];
        int exit = HostProgram.Run(SlipwayProgram.Path, ["run", .. run.ToArguments()], line => { lines.Add(line); output(line); },
            line => { errors.Add(line); error(line); },
            directory: request.WorkingDirectory, grace: Grace, cancel: cancel);
        const string prefix = "slipway: ";
        if (exit == 125 && errors.FindAll(l => l.StartsWith(prefix, StringComparison.Ordinal)).ConvertAll(l => l[prefix.Length..])
            is [_, ..] said)
            throw RunningErrors.NotStarted(said, request.Image.Path);
        return new ContainerResult { ExitCode = exit, Output = lines, ErrorOutput = errors, Elapsed = watch.Elapsed,
            Image = request.Image.Path, Command = string.Join(' ', request.Command) };
    }

    /// <summary>Whatever is wrong with it, the container is not started: that is the error.</summary>
    static RunRequest Checked(ContainerRequest request)
    {
        try
        {
            return request.ToRun();
        }
        catch (SlipwayException e)
        {
            throw RunningErrors.NotStarted(e.Recommendation is { } advice ? [e.Message, advice] : [e.Message], request.Image.Path);
        }
    }
}
