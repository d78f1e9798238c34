using System.Text;

namespace Slipway.Definitions;

/// <summary><c>${name}</c> in a definition: the values that its <c>variables</c> declares, and what the caller sets instead.</summary>
internal sealed class DefinitionVariables
{
    /// <summary>None: in it, <c>${name}</c> is an error wherever it is not the shell's.</summary>
    public static DefinitionVariables None { get; } = new(new SortedDictionary<string, string>(StringComparer.Ordinal));

    /// <param name="declared">From the definition; null where there is no default.</param>
    /// <param name="set">By the caller.</param>
    /// <exception cref="SlipwayException">A variable that is set is not declared, or one without a default is not set.</exception>
    public static DefinitionVariables Of(string path, IReadOnlyDictionary<string, Located?> declared, IReadOnlyDictionary<string, string> set)
    {
        if (set.Keys.FirstOrDefault(name => !declared.ContainsKey(name)) is { } unknown)
            throw new SlipwayException("DefinitionUnknownVariable", ErrorKind.InvalidArgument, $"{path}: it declares no variable '{unknown}'",
                declared.Count == 0 ? "Add 'variables: {NAME: default}' to the definition." : $"Its variables are: {string.Join(", ", declared.Keys)}.", unknown);
        SortedDictionary<string, string> values = new(StringComparer.Ordinal);
        foreach ((string name, Located? value) in declared)
            values[name] = set.GetValueOrDefault(name) ?? value?.Value
                ?? throw new SlipwayException("DefinitionVariableNotSet", ErrorKind.InvalidArgument, $"{path}: the variable '{name}' has no default and is not set", $"Set it: -Variable @{{{name} = '…'}}, or --variable {name}=….", name);
        return new DefinitionVariables(values);
    }

    DefinitionVariables(SortedDictionary<string, string> values) => Values = values;

    public SortedDictionary<string, string> Values { get; }

    /// <summary>Characters that all texts of a definition may come to.</summary>
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
        for (int at, end; (at = text.IndexOf("${", from, StringComparison.Ordinal)) >= 0 && (end = text.IndexOf('}', at)) >= 0; from = end + 1)
        {
            bool kept = at > from && text[at - 1] == '$';
            string name = text[(at + 2)..end];
            Add(text.AsSpan(from, at - from - (kept ? 1 : 0)));
            Add(!kept && Values.TryGetValue(name, out string? value) ? value : kept || shell ? text.AsSpan(at, end + 1 - at) : throw unknown(name));
        }
        if (expanded is null)
            return text;
        Add(text.AsSpan(from));
        return expanded.ToString();
    }
}
