using System.Diagnostics;

namespace Slipway.Launching;

/// <summary>One launcher, from its start to its end.</summary>
static class LauncherProcess
{
    /// <summary>
    /// How long a launcher may take to end its ranks before it is killed; those of most then see that it is gone, and end too.
    /// </summary>
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    /// <summary>How long output is waited for when the launcher has ended.</summary>
    static readonly TimeSpan Rest = TimeSpan.FromSeconds(10);

    /// <summary>Between the signals of one row.</summary>
    static readonly TimeSpan Between = TimeSpan.FromMilliseconds(300);

    /// <returns>Its exit code, 128 + N where signal N ended it; and whether its time was over.</returns>
    public static (int Exit, bool Late) Run(RunnablePlan plan, RankOutput lines, bool takeOutput, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        ProcessStartInfo start = new(plan.Program, plan.Arguments)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = takeOutput,
            RedirectStandardInput = takeOutput,
            UseShellExecute = false,
            WorkingDirectory = plan.WorkingDirectory,
        };
        foreach (PlannedVariable variable in plan.Variables.Where(v => v.For == "launcher"))
            start.Environment[variable.Name] = variable.Value;
        using Process process = new() { StartInfo = start };
        process.OutputDataReceived += (_, e) => { if (e.Data is not null) lines.Add(e.Data, isError: false); };
        process.ErrorDataReceived += (_, e) => { if (e.Data is not null) lines.Add(e.Data, isError: true); };
        try
        {
            process.Start();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw LaunchErrors.LauncherNotStarted(start.FileName, plan.WorkingDirectory, e);
        }
        process.BeginErrorReadLine();
        if (takeOutput)
        {
            process.BeginOutputReadLine();
            process.StandardInput.Close();
        }
        using CancellationTokenSource time = plan.Timeout is { } limit ? new(limit) : new();
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancel);
        using (either.Token.Register(() => End(process, plan.Row?.Stop ?? [SIGTERM])))
            while (!process.WaitForExit(int.MaxValue))
                continue;
        // the rest of what it has said; a process that it has left behind may hold the pipes open for ever
        Task.Run(process.WaitForExit, CancellationToken.None).Wait(Rest, CancellationToken.None);
        cancel.ThrowIfCancellationRequested();
        return (process.ExitCode, time.IsCancellationRequested);
    }

    static void End(Process process, IReadOnlyList<int> signals)
    {
        try
        {
            foreach (int signal in signals)
            {
                kill(process.Id, signal);
                if (process.WaitForExit(Between))
                    return;
            }
            if (!process.WaitForExit(Grace))
                process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // it has ended by itself in the meantime
        }
    }
}
