using System.Text;
using Slipway.Linux;

namespace Slipway.Building;

/// <summary>A name for what something is made of: the same inputs give the same key.</summary>
static class ContentKey
{
    /// <summary>
    /// SHA-256 of the inputs, as 64 hexadecimal digits. Each is preceded by its length, so that no two lists run together.
    /// </summary>
    public static string Of(params IEnumerable<string> inputs)
    {
        StringBuilder text = new();
        foreach (string input in inputs)
            text.Append(input.Length).Append(':').Append(input);
        return Digest.OfText(text.ToString())[Digest.Prefix.Length..];
    }
}
