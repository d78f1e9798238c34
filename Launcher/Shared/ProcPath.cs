namespace Slipway.Shared;

/// <summary>Names in /proc, made without allocation: the child of a raw clone may make them too.</summary>
static unsafe class ProcPath
{
    /// <summary>Enough for each of them. Bytes.</summary>
    public const int Room = 64;

    /// <summary>Writes <c>/proc/PID/FILE</c> and a zero.</summary>
    /// <param name="file">With its slash.</param>
    public static void Write(byte* to, int pid, ReadOnlySpan<byte> file)
    {
        to += Copy(to, "/proc/"u8);
        to += Digits(to, (uint)pid);
        to += Copy(to, file);
        *to = 0;
    }

    /// <summary>Writes a number, and no zero; returns how many digits it has.</summary>
    public static int Digits(byte* to, uint number)
    {
        int length = 1;
        for (uint n = number; n >= 10; n /= 10)
            length++;
        for (int i = length - 1; i >= 0; i--, number /= 10)
            to[i] = (byte)('0' + number % 10);
        return length;
    }

    static int Copy(byte* to, ReadOnlySpan<byte> text)
    {
        for (int i = 0; i < text.Length; i++)
            to[i] = text[i];
        return text.Length;
    }
}
