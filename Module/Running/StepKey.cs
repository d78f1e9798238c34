using System.Globalization;
using System.Text;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Running;

/// <summary>What the ranks of one job step on one node have in common, so that they share a container.</summary>
static class StepKey
{
    static readonly (string Launcher, string[] Variables)[] Rows =
        [.. Encoding.UTF8.GetString(RankTables.Steps).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(row => row.Split(' ')).Select(words => (words[0], words[1..]))];

    /// <summary>The key, and where it comes from (for <c>--explain</c>).</summary>
    /// <param name="given">Of <c>--job</c>; null without.</param>
    /// <param name="variable">A variable of the environment.</param>
    public static string Find(string? given, Func<string, string?> variable, out string reason)
    {
        if (given is not null)
        {
            reason = "--job";
            return "job=" + given;
        }
        foreach ((string launcher, string[] variables) in Rows)
        {
            string?[] values = Array.ConvertAll(variables, name => variable(name));
            if (Array.TrueForAll(values, v => !string.IsNullOrEmpty(v)))
            {
                reason = string.Join(", ", variables);
                return launcher + "=" + string.Join('.', values);
            }
        }
        // Hydra, SGE, a shell: the process that started us
        int parent = getppid();
        reason = string.Create(CultureInfo.InvariantCulture, $"the parent process {parent}");
        return string.Create(CultureInfo.InvariantCulture, $"parent={parent}.{Identity(parent)}");
    }

    /// <summary>What tells a process from a later one of the same number, and is the same whoever asks.</summary>
    /// <remarks>
    /// Its start time, where /proc shows it. Of another user's it does not everywhere (hidepid, proc(5)): there the inode of its pidfd, which no other process has until the
    /// next boot (pidfd_open(2), since Linux 6.9). On kernels before, that is the same for all: then the number alone tells.
    /// </remarks>
    static ulong Identity(int pid)
    {
        if (ProcStat.StartTime(pid) is > 0 and var started)
            return (ulong)started;
        int fd = pidfd_open(pid);
        bool known = fd >= 0 & fstat(fd, out statx found) == 0;
        if (fd >= 0)
            close(fd);
        return known ? found.stx_ino : 0;
    }
}
