using System.Globalization;

namespace Slipway.Linux;

/// <summary>proc_pid_stat(5).</summary>
static class ProcStat
{
    /// <summary>When a process started, in clock ticks since boot (field 22); 0 where there is none.</summary>
    public static long StartTime(int pid)
    {
        try
        {
            string? text = OpenedFile.TryTextNamed(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            if (text is null)
                return 0;
            // the command's name stands in parentheses and may hold anything, parentheses too
            string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return long.Parse(fields[19], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is FormatException or IndexOutOfRangeException or ArgumentOutOfRangeException)
        {
            return 0;
        }
    }
}
