using System;
using static Slipway.Front.LibC;

namespace Slipway.Front;

/// <summary>A text in the making, as bytes; a zero always follows it, so that it is a C string too. Never freed: an exec follows.</summary>
/// <remarks>A copy of one shares its bytes, so it is handed on by reference.</remarks>
unsafe struct Text
{
    byte* bytes;
    nuint length, room;

    public readonly byte* Bytes => bytes;

    public readonly nuint Length => length;

    /// <summary>Takes the end off again.</summary>
    public void Cut(nuint to)
    {
        length = to;
        if (bytes != null)
            bytes[length] = 0;
    }

    /// <summary>Makes place for so many more bytes and the zero.</summary>
    void Reserve(nuint more)
    {
        if (length + more < room)
            return;
        room = (length + more) * 2 + 256;
        bytes = (byte*)Room(bytes, room);
    }

    public void Add(byte value)
    {
        Reserve(1);
        bytes[length++] = value;
        bytes[length] = 0;
    }

    public void Add(byte* text, nuint count)
    {
        Reserve(count);
        for (nuint i = 0; i < count; i++)
            bytes[length + i] = text[i];
        length += count;
        bytes[length] = 0;
    }

    public void Add(byte* text) => Add(text, CString.Length(text));

    public void Add(ReadOnlySpan<byte> text)
    {
        fixed (byte* start = text)
            Add(start, (nuint)text.Length);
    }

    /// <summary>Adds a text of others for a terminal: what would move its cursor or turn the writing round is written out, as <c>Visible.Line</c> of the full launcher does it.</summary>
    public void AddShown(byte* text)
    {
        bool utf8 = CString.IsUtf8(text);
        while (*text != 0)
        {
            int hidden = utf8 || *text < 0x80 ? CString.Hidden(text) : 1;
            if (hidden == 0)
                Add(*text++);
            for (; hidden > 0; hidden--, text++)
            {
                Add("\\x"u8);
                Add("0123456789abcdef"u8[*text >> 4]);
                Add("0123456789abcdef"u8[*text & 15]);
            }
        }
    }

    public void AddNumber(ulong number)
    {
        if (number >= 10)
            AddNumber(number / 10);
        Add((byte)('0' + number % 10));
    }

    public void AddHexadecimal(ulong number)
    {
        for (int shift = 60; shift >= 0; shift -= 4)
            Add("0123456789abcdef"u8[(int)(number >> shift) & 15]);
    }
}

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

    /// <summary>How many bytes here a terminal would obey, or not show: a control (C0, or C1 as UTF-8 has it), a mark of direction or width, a separator; 0 where it is none.</summary>
    public static int Hidden(byte* text) =>
        *text is < (byte)' ' or 0x7f ? 1
        : (*text == 0xc2 && text[1] is >= 0x80 and < 0xa0 or 0xad) || (*text == 0xd8 && text[1] == 0x9c) ? 2
        : (*text == 0xe2 && ((text[1] == 0x80 && text[2] is (>= 0x8b and <= 0x8f) or (>= 0xa8 and <= 0xae)) || (text[1] == 0x81 && text[2] is >= 0xa0 and <= 0xaf)))
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

/// <summary>Paths as texts alone, by the rules of the full launcher.</summary>
static unsafe class TextPath
{
    /// <summary>True for the directory and what is below it.</summary>
    public static bool IsBelow(byte* path, byte* directory)
    {
        nuint i = 0;
        while (directory[i] != 0 && path[i] == directory[i])
            i++;
        return directory[i] == 0 && (path[i] == 0 || path[i] == '/' || (i == 1 && *directory == '/'));
    }

    /// <summary>Adds a path, from the working directory where it is not absolute, without empty, <c>.</c> and <c>..</c> parts; a last slash stays.</summary>
    /// <param name="end">Where the path ends.</param>
    public static void AddFull(ref Text to, byte* workingDirectory, byte* path, byte* end)
    {
        nuint start = to.Length;
        if (*path != '/')
            AddParts(ref to, start, workingDirectory, workingDirectory + CString.Length(workingDirectory));
        AddParts(ref to, start, path, end);
        if (to.Length == start || end[-1] == '/')
            to.Add((byte)'/');
    }

    static void AddParts(ref Text to, nuint start, byte* path, byte* end)
    {
        while (path < end)
        {
            byte* part = path;
            while (path < end && *path != '/')
                path++;
            nuint length = (nuint)(path - part);
            path++;
            if (length == 0 || (length == 1 && part[0] == '.'))
                continue;
            if (length == 2 && part[0] == '.' && part[1] == '.')
            {
                nuint last = to.Length;
                while (last > start && to.Bytes[last - 1] != '/')
                    last--;
                if (to.Length > start)
                    to.Cut(last - 1);
                continue;
            }
            to.Add((byte)'/');
            to.Add(part, length);
        }
    }
}
