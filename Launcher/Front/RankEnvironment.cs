using System;
using Slipway.Shared;
using static Slipway.Front.LibC;

namespace Slipway.Front;

/// <summary>The environment of a rank, by the rules of Running/ContainerEnvironment.cs.</summary>
static unsafe class RankEnvironment
{
    /// <summary>The launcher's environment, less a listed set, plus the image's, the plan's and the user's.</summary>
    public static byte** Make(byte** environment, ref HolderEntry entry, ref RunArguments arguments)
    {
        int sets = 1 + arguments.VariableCount, kept = 0;
        for (byte* variable = null; (variable = entry.Next((byte)'e', variable)) != null;)
            sets++;
        while (environment[kept] != null)
            kept++;
        byte** result = (byte**)Room(null, (nuint)(sets + kept + 1) * (nuint)sizeof(byte*));

        Text path = default;
        path.Add("PATH="u8);
        path.Add(RankTables.DefaultPath);
        int set = 0;
        Set(result, ref set, path.Bytes);
        for (byte* variable = null; (variable = entry.Next((byte)'e', variable)) != null;)
            if (*variable != '=' && CString.Find(variable, (byte)'=') != null)
                Set(result, ref set, variable);
        for (int i = 0; i < arguments.VariableCount; i++)
            Set(result, ref set, arguments.Variables[i]);

        int count = set;
        for (byte** variable = environment; *variable != null; variable++)
            if (!IsDropped(*variable) && Find(result, set, *variable) < 0)
                result[count++] = *variable;
        result[count] = null;
        return result;
    }

    /// <summary>The last one of a name counts.</summary>
    static void Set(byte** to, ref int count, byte* variable)
    {
        int at = Find(to, count, variable);
        to[at < 0 ? count++ : at] = variable;
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
