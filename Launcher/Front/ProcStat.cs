using static Slipway.Front.LibC;

namespace Slipway.Front;

/// <summary>proc_pid_stat(5), as Module/Linux/ProcStat.cs has it.</summary>
static unsafe class ProcStat
{
    /// <summary>When a process started, in clock ticks since boot (field 22); 0 where there is none.</summary>
    public static long StartTime(int pid)
    {
        Text path = default;
        path.Add("/proc/"u8);
        path.AddNumber((ulong)pid);
        path.Add("/stat"u8);
        int fd = open(path.Bytes, O_RDONLY | O_CLOEXEC, 0);
        if (fd < 0)
            return 0;
        const int room = 2048;
        byte* text = stackalloc byte[room];
        nint length = read(fd, text, room - 1);
        close(fd);
        return length <= 0 ? 0 : Read(text, length);
    }

    static long Read(byte* text, nint length)
    {
        text[length] = 0;
        // the command's name stands in parentheses and may hold anything, parentheses too
        nint at = length;
        while (at > 0 && text[at] != ')')
            at--;
        // the state is the third field; the start time comes 19 spaces later
        for (int spaces = 0; spaces < 20; at++)
        {
            if (text[at] == 0)
                return 0;
            if (text[at] == ' ')
                spaces++;
        }
        nint end = at;
        while (text[end] is >= (byte)'0' and <= (byte)'9')
            end++;
        text[end] = 0;
        return CString.Number(text + at) is >= 0 and var start ? start : 0;
    }
}
