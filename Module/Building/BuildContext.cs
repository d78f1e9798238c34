using Slipway.Building.Inside;

namespace Slipway.Building;

/// <summary>What every part of the builder shares: the job, its log, and the way to tell how far it is.</summary>
sealed class BuildContext(Definition definition, BuildJob job, Action<string, int> step, Action<string> log)
{
    public Definition Definition => definition;

    public BuildJob Job => job;

    /// <summary>Begins a step, as a person would name it; percent is -1 where nobody can tell.</summary>
    public void Step(string name, int percent = -1)
    {
        if (last == (name, percent))
            return;
        if (last.Name != name)
            log("== " + name);
        last = (name, percent);
        step(name, percent);
    }

    (string Name, int Percent) last;

    /// <summary>Tells a person something that the build goes on in spite of: in the log, and where steps are shown.</summary>
    public void Warn(string what) => Step("warning: " + what);

    public StepCache Cache { get; } = new(job.StepCache, job.UseStepCache, log);

    readonly FakerootRecords? records = BuildNamespace.IsFake ? new(log) : null;

    /// <summary>After programs have run in a root: for a user with but one id, what fakeroot remembers of its files is put right.</summary>
    public void Mend(string root) => records?.Mend(root);

    public void Log(string line) => log(line);

    /// <summary>A directory of this build, made where it is missing; it goes with the build.</summary>
    public string Directory(params string[] names) =>
        System.IO.Directory.CreateDirectory(Path.Combine([job.WorkDirectory, .. names])).FullName;

    /// <summary>Runs a program, its output into the log.</summary>
    /// <returns>Its exit code, and the last lines that it said.</returns>
    public (int Exit, IReadOnlyList<string> Said) Run(
        string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string?>? environment = null,
        Action<string>? line = null, CancellationToken cancel = default)
    {
        log("$ " + program + " " + string.Join(' ', arguments));
        List<string> said = [];
        void Line(string text)
        {
            log(text);
            lock (said)
            {
                said.Add(text);
                if (said.Count > MostLines)
                    said.RemoveRange(0, MostLines / 2);
            }
            line?.Invoke(text);
        }
        int exit = Linux.HostProgram.Run(program, arguments, Line, Line, environment, cancel: cancel);
        return (exit, said);
    }

    /// <summary>Four at once, for what waits for programs and disks; the first error is the one that is thrown.</summary>
    public static void Each(int count, CancellationToken cancel, Action<int> work)
    {
        try
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = cancel }, work);
        }
        catch (AggregateException e)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }

    const int MostLines = 20_000;
}
