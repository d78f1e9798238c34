namespace Slipway.Launcher;

/// <summary>Progress on standard error: one line that is written over on a terminal, a line a step with <c>--verbose</c>, else nothing.</summary>
sealed class ProgressLine(bool verbose) : IProgress<StepProgress>, IDisposable
{
    readonly bool terminal = !Console.IsErrorRedirected;
    string last = "";

    public void Report(StepProgress value)
    {
        string text = $"{value.Activity}: {(value.Node is null ? "" : value.Node + ": ")}{value.Step}{(value.Percent >= 0 ? $" {value.Percent} %" : "")}";
        lock (this)
        {
            if (text == last)
                return;
            last = text;
            if (verbose)
                Console.Error.WriteLine(text);
            else if (terminal)
                Console.Error.Write($"\r\e[K{text}");
        }
    }

    public void Clear()
    {
        if (terminal && !verbose && last.Length > 0)
            Console.Error.Write("\r\e[K");
        last = "";
    }

    public void Dispose() => Clear();
}
