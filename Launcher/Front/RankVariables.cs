using Slipway.Shared;
using static Slipway.Front.LibC;

namespace Slipway.Front;

/// <summary>The variables that this rank's container and its command line set, for RankEnvironment.</summary>
static unsafe class RankVariables
{
    /// <summary>The environment of the command.</summary>
    public static byte** Make(byte** environment, ref HolderFields entry, ref RunArguments arguments)
    {
        int most = 1 + arguments.VariableCount, kept = 0, count = 0;
        for (byte* variable = null; (variable = entry.Next(HolderFields.VariableKind, variable)) != null;)
            most++;
        while (environment[kept] != null)
            kept++;
        byte** sets = (byte**)Room(null, (nuint)(most + 1) * (nuint)sizeof(byte*));
        byte** result = (byte**)Room(null, (nuint)(most + kept + 1) * (nuint)sizeof(byte*));

        Text path = default;
        path.Add("PATH="u8);
        path.Add(RankTables.DefaultPath);
        sets[count++] = path.Bytes;
        for (byte* variable = null; (variable = entry.Next(HolderFields.VariableKind, variable)) != null;)
            sets[count++] = variable;
        for (int i = 0; i < arguments.VariableCount; i++)
            sets[count++] = arguments.Variables[i];
        sets[count] = null;
        RankEnvironment.Make(result, sets, environment);
        return result;
    }
}
