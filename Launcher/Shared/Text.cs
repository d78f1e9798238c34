#if FRONT
using static Slipway.Front.LibC;
#else
using System.Runtime.InteropServices;
#endif

namespace Slipway.Shared;

/// <summary>
/// A text in the making, as bytes; a zero always follows it, so that it is a C string too. The front never frees one: an exec follows.
/// </summary>
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
#if FRONT
        bytes = (byte*)Room(bytes, room);
#else
        bytes = (byte*)NativeMemory.Realloc(bytes, room);
#endif
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

    /// <summary>
    /// Adds a text of others for a terminal: what would move its cursor or turn the writing round is written out, as <c>Visible.Line</c> of
    /// the full launcher does it.
    /// </summary>
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

    public void AddSigned(long number)
    {
        if (number < 0)
            Add((byte)'-');
        AddNumber(number < 0 ? 0 - (ulong)number : (ulong)number);
    }

    public void Free()
    {
#if !FRONT
        NativeMemory.Free(bytes);
#endif
        this = default;
    }
#if !FRONT

    /// <summary>The text, which is freed.</summary>
    public string Take()
    {
        string text = System.Text.Encoding.UTF8.GetString(new ReadOnlySpan<byte>(bytes, (int)length));
        Free();
        return text;
    }
#endif
}
