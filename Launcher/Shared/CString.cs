namespace Slipway.Shared;

/// <summary>Texts that a zero ends.</summary>
static unsafe class CString
{
    public static nuint Length(byte* text)
    {
        nuint length = 0;
        while (text[length] != 0)
            length++;
        return length;
    }

    /// <summary>
    /// How many bytes here a terminal would obey, or not show: a control (C0, or C1 as UTF-8 has it), a mark of direction or width, a
    /// separator; 0 where it is none.
    /// </summary>
    public static int Hidden(byte* text) =>
        *text is < (byte)' ' or 0x7f ? 1
        : (*text == 0xc2 && text[1] is >= 0x80 and < 0xa0 or 0xad) || (*text == 0xd8 && text[1] == 0x9c) ? 2
        : (*text == 0xe2 && ((text[1] == 0x80 && text[2] is (>= 0x8b and <= 0x8f) or (>= 0xa8 and <= 0xae))
            || (text[1] == 0x81 && text[2] is >= 0xa0 and <= 0xaf)))
            || (*text == 0xef && text[1] == 0xbb && text[2] == 0xbf) ? 3 : 0;

    public static bool IsSame(byte* a, byte* b)
    {
        while (*a == *b && *a != 0)
        {
            a++;
            b++;
        }
        return *a == *b;
    }

    public static bool IsSame(byte* text, ReadOnlySpan<byte> other) => StartsWith(text, other) && text[other.Length] == 0;

    public static bool StartsWith(byte* text, ReadOnlySpan<byte> start)
    {
        for (int i = 0; i < start.Length; i++)
            if (text[i] != start[i])
                return false;
        return true;
    }

    /// <summary>True for NAME=… of the same NAME.</summary>
    public static bool IsSameName(byte* a, byte* b)
    {
        while (*a == *b && *a != 0 && *a != '=')
        {
            a++;
            b++;
        }
        return *a == '=' && *b == '=';
    }

    /// <summary>Where a byte is in the text, or null.</summary>
    public static byte* Find(byte* text, byte value)
    {
        while (*text != 0 && *text != value)
            text++;
        return *text == 0 ? null : text;
    }

    /// <summary>A number of digits alone; -1 where it is anything else, or over 18 digits.</summary>
    public static long Number(byte* text)
    {
        long number = 0;
        int digits = 0;
        for (; text[digits] >= '0' && text[digits] <= '9' && digits < 19; digits++)
            number = number * 10 + text[digits] - '0';
        return digits is > 0 and < 19 && text[digits] == 0 ? number : -1;
    }

    /// <summary>The first variable of this name in an environment, as getenv(3) has it; null where it is not set.</summary>
    /// <param name="name">Ends at a space, a line's end or its own.</param>
    public static byte* Variable(byte** environment, ReadOnlySpan<byte> table, int name, int length)
    {
        for (byte** variable = environment; *variable != null; variable++)
        {
            int i = 0;
            while (i < length && (*variable)[i] == table[name + i])
                i++;
            if (i == length && (*variable)[i] == '=')
                return *variable + i + 1;
        }
        return null;
    }

    public static byte* Variable(byte** environment, ReadOnlySpan<byte> name) => Variable(environment, name, 0, name.Length);

    /// <summary>Well-formed UTF-8 (RFC 3629). Anything else the full launcher would see changed, so it is left to that alone.</summary>
    public static bool IsUtf8(byte* text)
    {
        while (*text != 0)
        {
            byte first = *text++;
            if (first < 0x80)
                continue;
            int more = first is >= 0xc2 and < 0xe0 ? 1 : first is >= 0xe0 and < 0xf0 ? 2 : first is >= 0xf0 and < 0xf5 ? 3 : 0;
            if (more == 0
                || (first == 0xe0 && *text < 0xa0) || (first == 0xed && *text > 0x9f)   // too long a form; surrogates
                || (first == 0xf0 && *text < 0x90) || (first == 0xf4 && *text > 0x8f))  // too long a form; over U+10FFFF
                return false;
            for (; more > 0; more--)
                if ((*text++ & 0xc0) != 0x80)
                    return false;
        }
        return true;
    }
}
