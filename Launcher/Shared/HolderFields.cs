namespace Slipway.Shared;

/// <summary>
/// What a holder tells its ranks (Running/HolderEntry writes it): fields that a zero ends, the first character of each telling its kind. It
/// is read in the memory where it lies.
/// </summary>
unsafe struct HolderFields
{
    /// <summary>The kinds: the version comes first, and the end last.</summary>
    public const byte VersionKind = (byte)'v', KeyKind = (byte)'k', PidKind = (byte)'p', RunscriptKind = (byte)'r',
        VisibleKind = (byte)'d', VariableKind = (byte)'e', EndKind = (byte)'.';

    byte* text;
    byte* end;

    public byte* Key;
    public int Pid;

    /// <summary>Null where the image has none.</summary>
    public byte* Runscript;

    /// <summary>Reads an entry that is whole, and of our version.</summary>
    /// <param name="text">There is room for one more byte.</param>
    public static bool TryRead(byte* text, long length, out HolderFields fields)
    {
        fields = default;
        text[length] = 0;
        fields.text = text;
        fields.end = text + length;
        if (length < 2 || text[length - 1] != 0 || *text != VersionKind || !CString.IsSame(text + 1, RankTables.HolderVersion))
            return false;
        byte* last = text;
        byte* pid = null;
        for (byte* field = text; field < fields.end; field += CString.Length(field) + 1)
        {
            last = field;
            switch (*field)
            {
                case KeyKind when fields.Key == null: fields.Key = field + 1; break;
                case PidKind when pid == null: pid = field + 1; break;
                case RunscriptKind when fields.Runscript == null: fields.Runscript = field + 1; break;
            }
        }
        // an entry that was cut has no end
        if (*last != EndKind || last[1] != 0 || fields.Key == null || pid == null)
            return false;
        long number = CString.Number(pid);
        fields.Pid = number is > 0 and <= 0x7fffffff ? (int)number : 0;
        return fields.Pid > 0;
    }

    /// <summary>The next field of a kind after a value; the first one after null; null where there is no other.</summary>
    public readonly byte* Next(byte kind, byte* after)
    {
        byte* field = after == null ? text : after + CString.Length(after) + 1;
        for (; field < end; field += CString.Length(field) + 1)
            if (*field == kind)
                return field + 1;
        return null;
    }
}
