#if FRONT
using static Slipway.Front.LibC;
#endif

namespace Slipway.Shared;

/// <summary>What the ranks of one job step on one node have in common, so that they share a container.</summary>
static unsafe class StepKey
{
    /// <summary>In place of a row: the key was given, or is that of the process that started us.</summary>
    public const int Given = -1, Parent = -2;

    /// <summary>Adds the key.</summary>
    /// <param name="job">Of <c>--job</c>; null without.</param>
    /// <returns>
    /// Where in <see cref="RankTables.Steps"/> the row starts that told it; or <see cref="Given"/> or <see cref="Parent"/>.
    /// </returns>
    public static int Add(ref Text key, byte* job, byte** environment)
    {
        if (job != null)
        {
            key.Add("job="u8);
            key.Add(job);
            return Given;
        }
        ReadOnlySpan<byte> rows = RankTables.Steps;
        nuint start = key.Length;
        for (int at = 0; at < rows.Length; at++)
        {
            int row = at;
            for (; rows[at] != ' '; at++)
                key.Add(rows[at]);
            byte separator = (byte)'=';
            bool all = true;
            while (rows[at] != '\n')
            {
                int name = ++at;
                while (rows[at] is not ((byte)' ' or (byte)'\n'))
                    at++;
                byte* value = CString.Variable(environment, rows, name, at - name);
                all &= value != null && *value != 0;
                if (!all)
                    continue;
                key.Add(separator);
                key.Add(value);
                separator = (byte)'.';
            }
            if (all)
                return row;
            key.Cut(start);
        }
        // Hydra, SGE, a shell: the process that started us
        int parent = getppid();
        key.Add("parent="u8);
        key.AddNumber((uint)parent);
        key.Add((byte)'.');
        key.AddNumber(ProcStat.Identity(parent));
        return Parent;
    }
}
