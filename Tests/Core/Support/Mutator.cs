using System.Text;

namespace Slipway.Tests;

/// <summary>
/// Makes a text wrong in many ways, the same ones for the same seed: what an editor, a bad disk or an attacker would make of it.
/// </summary>
/// <param name="words">What stands in the place of words of the text: what its reader might stumble over, or take for what it is
/// not.</param>
sealed class Mutator(int seed, IReadOnlyList<string> words)
{
    readonly Random random = new(seed);

    /// <summary>One to three changes of the text.</summary>
    public byte[] Change(byte[] text)
    {
        for (int i = random.Next(1, 4); i > 0 && text.Length > 0; i--)
            text = One(text);
        return text;
    }

    byte[] One(byte[] text) => random.Next(10) switch
    {
        0 => Flip(text),
        1 => text[..random.Next(text.Length)],
        2 => Without(text, Piece(text)),
        3 => [.. text[..Piece(text).Start.Value], .. text[Piece(text)], .. text[Piece(text).Start.Value..]],
        4 => Lines(text),
        5 => [.. text.AsSpan(0, random.Next(text.Length)), (byte)random.Next(256), .. text.AsSpan(random.Next(text.Length))],
        _ => Word(text),
    };

    byte[] Flip(byte[] text)
    {
        byte[] changed = [.. text];
        changed[random.Next(changed.Length)] ^= (byte)(1 << random.Next(8));
        return changed;
    }

    Range Piece(byte[] text)
    {
        int start = random.Next(text.Length);
        return start..(start + random.Next(1, Math.Min(64, text.Length - start) + 1));
    }

    static byte[] Without(byte[] text, Range piece) => [.. text[..piece.Start.Value], .. text[piece.End.Value..]];

    /// <summary>Takes a line away, has it twice, or changes places.</summary>
    byte[] Lines(byte[] text)
    {
        List<string> lines = [.. Encoding.Latin1.GetString(text).Split('\n')];
        int at = random.Next(lines.Count), to = random.Next(lines.Count);
        switch (random.Next(3))
        {
            case 0:
                lines.RemoveAt(at);
                break;
            case 1:
                lines.Insert(to, lines[at]);
                break;
            default:
                (lines[at], lines[to]) = (lines[to], lines[at]);
                break;
        }
        return Encoding.Latin1.GetBytes(string.Join('\n', lines));
    }

    /// <summary>Puts one of the words in the place of a quoted text, a number or a name.</summary>
    byte[] Word(byte[] text)
    {
        int start = random.Next(text.Length);
        while (start < text.Length && !IsWord(text[start]) && text[start] != '"')
            start++;
        while (start > 0 && start < text.Length && IsWord(text[start - 1]))
            start--;
        int end = start;
        if (end < text.Length && text[end] == '"')
            for (end++; end < text.Length && text[end++] is not ((byte)'"' or (byte)'\n');)
                continue;
        while (end < text.Length && IsWord(text[end]))
            end++;
        return [.. text[..start], .. Encoding.UTF8.GetBytes(words[random.Next(words.Count)]), .. text[end..]];
    }

    static bool IsWord(byte b) => b is (byte)'_' or (byte)'-' or (byte)'.' or (byte)'/' || char.IsAsciiLetterOrDigit((char)b);
}
