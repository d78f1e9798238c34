using System.Text;

namespace Slipway.Readers.Yaml;

/// <summary><c>${name}</c> in the texts of a file, and what it stands for.</summary>
sealed class YamlVariables(SortedDictionary<string, string> values)
{
    /// <summary>None: in it, <c>${name}</c> is an error wherever it is not the shell's.</summary>
    public static YamlVariables None { get; } = new(new SortedDictionary<string, string>(StringComparer.Ordinal));

        public SortedDictionary<string, string> Values => values;

    /// <summary>Characters that all texts of a file may come to.</summary>
    public const long LongestText = 16 << 20;

    long made;

    /// <summary>The text with its variables replaced; <c>$${</c> stands for <c>${</c>.</summary>
    /// <param name="shell">Leaves names that are not declared to the shell; else they are errors.</param>
    /// <param name="tooLong">Makes the error about too much text.</param>
    /// <param name="unknown">Makes the error about a name that is not declared.</param>
    public string Expand(string text, bool shell, Func<SlipwayException> tooLong, Func<string, SlipwayException> unknown)
    {
        int from = 0;
        StringBuilder? expanded = null;
        void Add(ReadOnlySpan<char> part)
        {
            if ((made += part.Length) > LongestText)
                throw tooLong();
            (expanded ??= new StringBuilder()).Append(part);
        }
        for (int at, end; (at = text.IndexOf("${", from, StringComparison.Ordinal)) >= 0
            && (end = text.IndexOf('}', at)) >= 0; from = end + 1)
        {
            bool kept = at > from && text[at - 1] == '$';
            string name = text[(at + 2)..end];
            Add(text.AsSpan(from, at - from - (kept ? 1 : 0)));
            Add(!kept && values.TryGetValue(name, out string? value) ? value : kept || shell ? text.AsSpan(at, end + 1 - at)
                : throw unknown(name));
        }
        if (expanded is null)
            return text;
        Add(text.AsSpan(from));
        return expanded.ToString();
    }
}
