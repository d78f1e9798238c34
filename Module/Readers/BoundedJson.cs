using System.Text.Json;
using Slipway.Linux;

namespace Slipway.Readers;

/// <summary>
/// JSON on its way to the deserializer: a few bytes of it may ask for a thousand times as much memory, so what it holds is counted before
/// anything is made of it.
/// </summary>
/// <remarks>Forward only. The grammar is the deserializer's to check; here only quotes, brackets and commas count (RFC 8259).</remarks>
sealed class BoundedJson(Stream from) : ForwardStream
{
    /// <summary>
    /// Objects cost most, values least; the longest text that we write is a definition, of at most 1 MiB. As deep as the deserializer goes.
    /// </summary>
    const int MostObjects = 100_000, MostLists = 200_000, MostValues = 1_000_000, LongestText = 4 << 20, DeepestNesting = 64;

    int objects, lists, values, text, depth;
    ulong listsAround; // a bit for each level, the innermost last
    bool inText, escaped;

    public override int Read(Span<byte> buffer)
    {
        int n = from.Read(buffer);
        foreach (byte b in buffer[..n])
            Count(b);
        return n;
    }

    void Count(byte b)
    {
        if (inText)
        {
            if (++text > LongestText)
                throw new JsonException($"a text in it has more than {LongestText} bytes");
            inText = escaped || b != '"';
            escaped = !escaped && b == '\\';
            return;
        }
        switch (b)
        {
            case (byte)'"':
                (inText, text) = (true, 0);
                break;
            case (byte)'{':
                Count(ref objects, MostObjects, "objects");
                Enter(list: false);
                break;
            case (byte)'[':
                Count(ref lists, MostLists, "lists");
                Enter(list: true);
                break;
            case (byte)'}' or (byte)']':
                (depth, listsAround) = (depth - 1, listsAround >> 1);
                break;
            // the deserializer would put it into a list of what is never null
            case (byte)'n' when (listsAround & 1) != 0:
                throw new JsonException("a list in it holds null");
            case (byte)',':
                Count(ref values, MostValues, "values");
                break;
        }
    }

    void Enter(bool list)
    {
        if (++depth > DeepestNesting)
            throw new JsonException($"it is nested more than {DeepestNesting} deep");
        listsAround = (listsAround << 1) | (list ? 1u : 0u);
    }

    static void Count(ref int have, int most, string what)
    {
        if (++have > most)
            throw new JsonException($"it has more than {most} {what}");
    }
}
