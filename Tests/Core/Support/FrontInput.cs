using System.Runtime.InteropServices;
using System.Text;

namespace Slipway.Tests;

/// <summary>Random input for the front, in memory whose end is the end of a page with nothing after it: reading on is a crash.</summary>
sealed unsafe class FrontInput : IDisposable
{
    const int PageSize = 4096, Pages = 64;

    readonly byte* start;
    byte* next;

    public FrontInput(int seed)
    {
        Random = new Random(seed);
        start = mmap(null, (Pages + 1) * PageSize, 3 /* PROT_READ, PROT_WRITE */, 0x22 /* MAP_PRIVATE, MAP_ANONYMOUS */, -1, 0);
        Assert.Equal(0, mprotect(start + Pages * PageSize, PageSize, 0));
        Clear();
    }

    public Random Random { get; }

    /// <summary>Gives all memory back to the next case.</summary>
    public void Clear() => next = start + Pages * PageSize;

    /// <summary>A copy that ends where the one before starts; the first ends at the guard.</summary>
    public byte* Copy(ReadOnlySpan<byte> bytes, int room = 0)
    {
        next -= bytes.Length + room;
        Assert.True(next > start, "a case is larger than its memory");
        bytes.CopyTo(new Span<byte>(next, bytes.Length));
        return next;
    }

    /// <summary>A vector of C strings, ended by a null pointer.</summary>
    public byte** Vector(IReadOnlyList<byte[]> items)
    {
        byte** vector = (byte**)NativeMemory.Alloc((nuint)(items.Count + 1) * (nuint)sizeof(byte*));
        vectors.Add((nint)vector);
        for (int i = 0; i < items.Count; i++)
            vector[i] = Copy([.. items[i], 0]);
        vector[items.Count] = null;
        return vector;
    }

    readonly List<nint> vectors = [];

    public T Pick<T>(params T[] from) => from[Random.Next(from.Length)];

    /// <summary>A text of a few words of what matters here, now and then with bytes that are no UTF-8.</summary>
    public byte[] Word(params string[] words)
    {
        StringBuilder text = new();
        for (int n = Random.Next(1, 5); n > 0; n--)
            text.Append(Pick(words));
        byte[] bytes = Encoding.UTF8.GetBytes(text.ToString().Replace("\0", "", StringComparison.Ordinal));
        if (bytes.Length > 0 && Random.Next(20) == 0)
            bytes[Random.Next(bytes.Length)] = (byte)Random.Next(1, 256);
        return bytes;
    }

    public void Dispose()
    {
        vectors.ForEach(v => NativeMemory.Free((void*)v));
        munmap(start, (Pages + 1) * PageSize);
    }

    [DllImport("libc")] static extern byte* mmap(void* addr, nint length, int prot, int flags, int fd, nint offset);
    [DllImport("libc")] static extern int mprotect(void* addr, nint length, int prot);
    [DllImport("libc")] static extern int munmap(void* addr, nint length);
}
