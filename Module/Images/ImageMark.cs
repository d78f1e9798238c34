using System.Globalization;
using Slipway.Linux;

namespace Slipway.Images;

/// <summary>
/// Tells an image from another by its size and a few of its bytes, where reading all of them would cost a container's start seconds.
/// </summary>
/// <remarks>
/// It is for mistakes: an image that was built anew at the same path is seen not to be the one of before, and a copy is seen to be the
/// same, which no stat(2) can tell. A SquashFS image ends in its
/// tables, and whatever changes in length moves all that follows; small images are read whole. Whoever owns an image could make two of the
/// same mark, and would have gained nothing:
/// where it matters who made something, its owner is asked, or its digest.
/// </remarks>
static class ImageMark
{
    /// <summary>Bytes of an image that is read whole; of a piece; how many pieces; and of the end, where the tables lie.</summary>
    const int Whole = 1 << 18, Piece = 4096, Pieces = 16, End = 1 << 16;

    /// <summary>FNV-1a of 64 bits.</summary>
    const ulong Basis = 0xcbf29ce484222325, Prime = 0x100000001b3;

    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static string Of(string path)
    {
        using FileStream file = OpenedFile.Named(path);
        long size = file.Length;
        byte[] buffer = new byte[Whole];
        ulong hash = Basis;
        if (size <= Whole)
            hash = Add(hash, file, 0, buffer.AsSpan(0, (int)size));
        else
            for (int i = 0; i <= Pieces; i++)
                hash = i < Pieces ? Add(hash, file, (size - End) / Pieces * i, buffer.AsSpan(0, Piece))
                    : Add(hash, file, size - End, buffer.AsSpan(0, End));
        return string.Create(CultureInfo.InvariantCulture, $"{size}:{hash:x16}");
    }

    static ulong Add(ulong hash, FileStream file, long offset, Span<byte> bytes)
    {
        int length = RandomAccess.Read(file.SafeFileHandle, bytes, offset);
        foreach (byte b in bytes[..length])
            hash = (hash ^ b) * Prime;
        return hash;
    }
}
