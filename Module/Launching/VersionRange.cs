using System.Globalization;

namespace Slipway.Launching;

/// <summary>E.g. <c>&gt;=2 &lt;3</c>: all of the comparisons hold.</summary>
sealed record VersionRange(IReadOnlyList<(string Sign, Version Bound)> Bounds)
{
    public static VersionRange Parse(string text) => new([.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(part =>
    {
        string sign = part.StartsWith(">=", StringComparison.Ordinal) ? ">=" : part.StartsWith('<')
            ? "<" : throw new FormatException($"'{part}' is neither >=VERSION nor <VERSION");
        return (sign, Number(part[sign.Length..]) ?? throw new FormatException($"'{part}' has no version"));
    })]);

    /// <summary>False for a version that is not known.</summary>
    public bool Has(string? version) => version is not null && Number(version) is { } number
        && Bounds.All(b => b.Sign == "<" ? number < b.Bound : number >= b.Bound);

    /// <summary>The leading numbers: <c>5.0.7rc1</c> is 5.0.7.</summary>
    public static Version? Number(string text)
    {
        List<int> numbers = [];
        foreach (string part in text.Split('.'))
        {
            string digits = string.Concat(part.TakeWhile(char.IsAsciiDigit));
            if (digits.Length == 0 || numbers.Count == 4
                || !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
                break;
            numbers.Add(number);
            if (digits.Length < part.Length)
                break;
        }
        return numbers.Count == 0 ? null
            : new Version(numbers[0], numbers.ElementAtOrDefault(1), numbers.ElementAtOrDefault(2), numbers.ElementAtOrDefault(3));
    }
}
