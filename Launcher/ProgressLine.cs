using Slipway.Linux;

namespace Slipway.Launcher;

/// <summary>
/// Progress on standard error: one line that is written over on a terminal, a line a step with <c>--verbose</c>, else nothing.
/// </summary>
sealed class ProgressLine(bool verbose) : IProgress<StepProgress>, IDisposable
{
    readonly bool terminal = !Console.IsErrorRedirected;
    readonly Dictionary<string, string> begun = [];
    string last = "";

    public void Report(StepProgress value)
    {
        string of = value.Node is null ? Visible.Of($"{value.Activity}: ") : Visible.Of($"{value.Activity}: {value.Node}: "),
        step = of + Visible.Line(value.Step), text = value.Percent >= 0 ? $"{step} {value.Percent} %" : step;
        lock (this)
        {
            if (text == last)
                return;
            last = text;
            if (!verbose && terminal)
                Output.Error.Raw($"\r\e[K{text}");
            // one line a step, whatever goes on beside it
            if (!verbose || begun.GetValueOrDefault(of) == value.Step)
                return;
            begun[of] = value.Step;
            Output.Error.WriteLine(step);
        }
    }

    public void Clear()
    {
        if (terminal && !verbose && last.Length > 0)
            Output.Error.Raw("\r\e[K");
        last = "";
    }

    public void Dispose() => Clear();
}
