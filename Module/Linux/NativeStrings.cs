using System.Runtime.InteropServices;

namespace Slipway.Linux;

/// <summary>
/// Strings and argument vectors outside the managed heap, for execve(2) and for the child of a raw clone. Never freed: an exec follows.
/// </summary>
static unsafe class NativeStrings
{
    public static byte* Of(string text)
    {
        byte[] bytes = CString(text);
        byte* to = (byte*)NativeMemory.Alloc((nuint)bytes.Length);
        bytes.CopyTo(new Span<byte>(to, bytes.Length));
        return to;
    }

    /// <summary>A vector that ends with a null pointer.</summary>
    public static byte** Vector(IReadOnlyList<string> items)
    {
        byte** vector = (byte**)NativeMemory.Alloc((nuint)(items.Count + 1) * (nuint)sizeof(byte*));
        for (int i = 0; i < items.Count; i++)
            vector[i] = Of(items[i]);
        vector[items.Count] = null;
        return vector;
    }

    /// <summary>Our environment, in the form of environ(7).</summary>
    public static List<string> Environment()
    {
        List<string> list = [];
        foreach (System.Collections.DictionaryEntry pair in System.Environment.GetEnvironmentVariables())
            list.Add($"{pair.Key}={pair.Value}");
        return list;
    }
}
