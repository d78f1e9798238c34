using System.Globalization;
using System.Text;

namespace Slipway.Linux;

/// <summary>
/// Text that comes from an image, a node or a user, on its way to a terminal or a log: what would move the cursor, begin a line of its own,
/// turn the writing round or not be seen at all is written out, as <c>\x1b</c> or <c>\u202e</c>.
/// </summary>
/// <remarks>Objects and JSON keep what they were given; what ranks write is theirs, and is passed on as it is.</remarks>
public static class Visible
{
    /// <summary>On one line.</summary>
    public static string Line(string? text) => Escape(text ?? "", lines: false);

    /// <summary>Line feeds and tabs stay.</summary>
    public static string Lines(string? text) => Escape(text ?? "", lines: true);

    /// <summary>What is put into the text is written out on one line; the text itself is ours, and stays.</summary>
    public static string Of(FormattableString text) => text.ToString(Formatter.Instance);

    static string Escape(string text, bool lines)
    {
        int at = 0;
        while (at < text.Length && !IsHidden(text, at, lines))
            at++;
        if (at == text.Length)
            return text;
        StringBuilder shown = new(text, 0, at, text.Length + 16);
        for (; at < text.Length; at++)
        {
            if (!IsHidden(text, at, lines))
                shown.Append(text[at]);
            else if (text[at] is '\n' or '\r' or '\t')
                shown.Append('\\').Append(text[at] switch { '\n' => 'n', '\r' => 'r', _ => 't' });
            else
                shown.Append(text[at] < 0x100 ? "\\x" : "\\u")
                    .Append(((int)text[at]).ToString(text[at] < 0x100 ? "x2" : "x4", CultureInfo.InvariantCulture));
        }
        return shown.ToString();
    }

    /// <summary>
    /// C0 and C1 controls (ECMA-48), marks that are not seen or turn the writing round (UAX #9), line separators, tags, and halves of a
    /// character.
    /// </summary>
    static bool IsHidden(string text, int at, bool lines)
    {
        char c = text[at];
        if (c < 0x7f)
            return c < ' ' && !(lines && c is '\n' or '\t');
        return c is <= '\u009f' or '\u00ad' or '\u061c' or '\u180e' or (>= '\u200b' and <= '\u200f') or (>= '\u2028' and <= '\u202e')
            or (>= '\u2060' and <= '\u206f') or '\ufeff' or (>= '\ufff9' and <= '\ufffb')
            || (char.IsHighSurrogate(c) ? c == '\udb40' || at + 1 == text.Length || !char.IsLowSurrogate(text[at + 1])
                : char.IsLowSurrogate(c) && (at == 0 || !char.IsHighSurrogate(text[at - 1]) || text[at - 1] == '\udb40'));
    }

    sealed class Formatter : IFormatProvider, ICustomFormatter
    {
        public static readonly Formatter Instance = new();

        public object? GetFormat(Type? formatType) => formatType == typeof(ICustomFormatter)
            ? this : CultureInfo.InvariantCulture.GetFormat(formatType);

        public string Format(string? format, object? arg, IFormatProvider? formatProvider) =>
            Line(arg is IFormattable value ? value.ToString(format, CultureInfo.InvariantCulture) : arg?.ToString());
    }
}
