namespace Slipway.Shared;

/// <summary>
/// A file name for a key of any length (FNV-1a, 128 bits, in hexadecimal). It is used in directories where nobody else may write, so
/// collisions need not be made hard, only rare.
/// </summary>
static unsafe class KeyName
{
    /// <summary>Of each of these names, in bytes.</summary>
    public const int Length = 32;

    /// <summary>Adds the name.</summary>
    public static void Add(ref Text path, byte* key, nuint length)
    {
        // of the prime, which is 2^88 + 0x13b
        const ulong prime = 0x13b;
        ulong high = 0x6c62272e07bb0142, low = 0x62b821756295c58d;
        for (nuint i = 0; i < length; i++)
        {
            low ^= key[i];
            ulong first = (low & 0xffffffff) * prime, second = (low >> 32) * prime + (first >> 32);
            high = high * prime + (second >> 32) + (low << 24);
            low = (second << 32) | (first & 0xffffffff);
        }
        path.AddHexadecimal(high);
        path.AddHexadecimal(low);
    }
#if !FRONT

    /// <summary>The name of a key.</summary>
    public static string Of(string key)
    {
        Text name = default;
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(key);
        fixed (byte* start = bytes)
            Add(ref name, start, (nuint)bytes.Length);
        return name.Take();
    }
#endif
}
