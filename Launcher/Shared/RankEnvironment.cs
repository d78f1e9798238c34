namespace Slipway.Shared;

/// <summary>
/// The environment of a rank: the launcher's, less a listed set (<see cref="RankTables.Dropped"/>), plus what the image, the plan and the
/// user set.
/// </summary>
static unsafe class RankEnvironment
{
    /// <summary>Makes it of both.</summary>
    /// <param name="result">With room for all of them and a null pointer, which ends it.</param>
    /// <param name="sets">
    /// What is set: of a name the last one counts, and what is no NAME=VALUE is passed over. A null pointer ends it.
    /// </param>
    /// <param name="environment">The launcher's.</param>
    public static void Make(byte** result, byte** sets, byte** environment)
    {
        int set = 0;
        for (; *sets != null; sets++)
            if (**sets != '=' && CString.Find(*sets, (byte)'=') != null)
            {
                int at = Find(result, set, *sets);
                result[at < 0 ? set++ : at] = *sets;
            }
        int count = set;
        for (; *environment != null; environment++)
            if (!IsDropped(*environment) && Find(result, set, *environment) < 0)
                result[count++] = *environment;
        result[count] = null;
    }

    static int Find(byte** variables, int count, byte* variable)
    {
        for (int i = 0; i < count; i++)
            if (CString.IsSameName(variables[i], variable))
                return i;
        return -1;
    }

    static bool IsDropped(byte* variable)
    {
        ReadOnlySpan<byte> names = RankTables.Dropped;
        for (int at = 0; at < names.Length; at++)
        {
            int i = 0;
            for (; names[at] is not ((byte)' ' or (byte)'\n'); at++)
                if (i >= 0)
                    i = variable[i] == names[at] ? i + 1 : -1;
            if (i >= 0 && variable[i] == '=')
                return true;
        }
        return false;
    }
}
