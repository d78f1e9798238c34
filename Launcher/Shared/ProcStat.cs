#if FRONT
using static Slipway.Front.LibC;
#endif
using static Slipway.Shared.Stat;

namespace Slipway.Shared;

/// <summary>proc_pid_stat(5), and what else tells a process from others.</summary>
static unsafe class ProcStat
{
    /// <summary>When a process started, in clock ticks since boot (field 22); 0 where there is none.</summary>
    public static long StartTime(int pid)
    {
        byte* path = stackalloc byte[ProcPath.Room];
        ProcPath.Write(path, pid, "/stat"u8);
        int fd = open(path, O_RDONLY | O_CLOEXEC, 0);
        if (fd < 0)
            return 0;
        const int room = 2048;
        byte* text = stackalloc byte[room];
        long length = (long)read(fd, text, room - 1);
        close(fd);
        return length <= 0 ? 0 : StartTime(text, length);
    }

    /// <summary>The same from the file's text, where there is room for one more byte.</summary>
    public static long StartTime(byte* text, long length)
    {
        text[length] = 0;
        // the command's name stands in parentheses and may hold anything, parentheses too
        long at = length;
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
        long end = at;
        while (text[end] is >= (byte)'0' and <= (byte)'9')
            end++;
        text[end] = 0;
        return CString.Number(text + at) is >= 0 and long start ? start : 0;
    }

    /// <summary>What tells a process from a later one of the same number, and is the same whoever asks.</summary>
    /// <remarks>
    /// Its start time, where /proc shows it. Of another user's it does not everywhere (hidepid, proc(5)): there the inode of its pidfd,
    /// which no other process has until the
    /// next boot (pidfd_open(2), since Linux 6.9). On kernels before, that is the same for all: then the number alone tells.
    /// </remarks>
    public static ulong Identity(int pid)
    {
        long started = StartTime(pid);
        if (started > 0)
            return (ulong)started;
        int fd = pidfd_open(pid);
        if (fd < 0)
            return 0;
        statx_t found;
        bool known = TryOpened(fd, &found);
        close(fd);
        return known ? found.stx_ino : 0;
    }
}
