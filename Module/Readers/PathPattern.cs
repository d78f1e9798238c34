using System.IO.Enumeration;

namespace Slipway.Readers;

/// <summary>
/// An absolute path with wildcards: <c>*</c> and <c>?</c> inside a component, <c>**</c> for any number of components, <c>{a,b}</c> for
/// alternatives.
/// </summary>
sealed class PathPattern
{
    PathPattern(string text)
    {
        Text = text;
        Components = text.Split('/', StringSplitOptions.RemoveEmptyEntries);
        name = Components.Count > 0 && Components[^1] != "**" ? Components[^1] : null;
        int wild = text.AsSpan().IndexOfAny('*', '?');
        literal = wild < 0 ? text : text[..wild];
        if (wild < 0 || literal.EndsWith('/'))
            literal = literal.TrimEnd('/');
    }

    // what every match begins with, and the pattern of its last component: most paths are told apart by these
    readonly string literal;
    readonly string? name;

    public string Text { get; }

    public IReadOnlyList<string> Components { get; }

    /// <summary>Of one text: braces multiply, and a short text could mean more patterns than there are files.</summary>
    const int MostAlternatives = 1000;

    /// <summary>One pattern for each alternative.</summary>
    /// <exception cref="SlipwayException">There are too many.</exception>
    public static IEnumerable<PathPattern> Parse(string text) => Alternatives(text).Take(MostAlternatives + 1)
        .ToList() is { Count: <= MostAlternatives } all ? all
        : throw ReaderErrors.PatternTooLarge(text, MostAlternatives);

    /// <summary>
    /// A pattern of glob(7), as programs have it in their configuration: braces stand for themselves, and <c>**</c> is <c>*</c>.
    /// </summary>
    public static PathPattern OfGlob(string text) => new(text.Replace("**", "*", StringComparison.Ordinal));

    static IEnumerable<PathPattern> Alternatives(string text)
    {
        int open = text.IndexOf('{', StringComparison.Ordinal);
        int close = open < 0 ? -1 : text.IndexOf('}', open);
        if (close < 0)
            return [new PathPattern(text)];
        return text[(open + 1)..close].Split(',').SelectMany(choice => Alternatives(text[..open] + choice + text[(close + 1)..]));
    }

    public static bool IsWild(string component) => component.AsSpan().ContainsAny('*', '?');

    public static bool MatchesName(string pattern, ReadOnlySpan<char> name)
    {
        // each file is held against hundreds of these: nearly all differ before the first wildcard
        for (int i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] is '*' or '?' or '\\')
                return FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);
            if (i >= name.Length || name[i] != pattern[i])
                return false;
        }
        return name.Length == pattern.Length;
    }

    public bool Matches(string path)
    {
        if (!path.StartsWith(literal, StringComparison.Ordinal)
            || (name is not null && !MatchesName(name, System.IO.Path.GetFileName(path.AsSpan().TrimEnd('/')))))
            return false;
        string[] names = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        // from[i]: the components so far match the first i names
        bool[] from = new bool[names.Length + 1];
        from[0] = true;
        foreach (string component in Components)
        {
            bool[] to = new bool[names.Length + 1];
            if (component == "**")
                for ((int i, bool any) = (0, false); i <= names.Length; i++)
                    to[i] = any |= from[i];
            else
                for (int i = 0; i < names.Length; i++)
                    to[i + 1] = from[i] && MatchesName(component, names[i]);
            from = to;
        }
        return from[names.Length];
    }

    public override string ToString() => Text;
}
