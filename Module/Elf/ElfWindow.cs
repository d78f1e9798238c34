using Microsoft.Win32.SafeHandles;

namespace Slipway.Elf;

/// <summary>The bytes of one file, and the part of them that was looked at last.</summary>
/// <remarks>
/// Files are read with pread(2) and not mapped: a mapped file that is cut short by somebody else (a package upgrade, a network
/// filesystem) kills the reader with SIGBUS, and an image holds thousands of files of which only a few kilobytes matter.
/// </remarks>
internal sealed class ElfWindow
{
    const int BlockSize = 4096;

    readonly SafeFileHandle? handle;
    readonly ReadOnlyMemory<byte> memory;
    readonly byte[] block;
    long blockOffset;
    int blockLength;

    public ElfWindow(SafeFileHandle handle, string path)
    {
        this.handle = handle;
        Path = path;
        Length = RandomAccess.GetLength(handle);
        block = new byte[BlockSize];
    }

    public ElfWindow(ReadOnlyMemory<byte> memory, string path)
    {
        this.memory = memory;
        Path = path;
        Length = memory.Length;
        block = [];
    }

    public string Path { get; }

    public long Length { get; }

    /// <summary>A second window on the same file, so that reading names does not lose the place in a table.</summary>
    public ElfWindow Another() => handle is null ? new ElfWindow(memory, Path) : new ElfWindow(handle, Path);

    /// <summary>Bytes of the file, valid until the next call; at most 4096 of them.</summary>
    /// <exception cref="ElfFormatException">The file does not reach that far.</exception>
    public ReadOnlySpan<byte> Slice(ulong offset, int length, string what)
    {
        if (offset > (ulong)Length || (ulong)length > (ulong)Length - offset)
            throw new ElfFormatException(Path, $"{what} at offset {offset} is beyond its end ({Length} bytes)");
        if (handle is null)
            return memory.Span.Slice((int)offset, length);
        var start = (long)offset;
        if (start < blockOffset || start + length > blockOffset + blockLength)
            Fill(start, what, length);
        return block.AsSpan((int)(start - blockOffset), length);
    }

    /// <summary>A string that ends in NUL.</summary>
    /// <exception cref="ElfFormatException">It does not end within <paramref name="limit"/> bytes.</exception>
    public string Text(ulong offset, ulong limit, string what)
    {
        var bytes = new List<byte>();
        while ((ulong)bytes.Count < limit)
        {
            var at = offset + (ulong)bytes.Count;
            var room = Math.Min(limit - (ulong)bytes.Count, at < (ulong)Length ? (ulong)Length - at : 0);
            if (room == 0)
                break;
            var piece = Slice(at, (int)Math.Min(room, 256), what);
            var end = piece.IndexOf((byte)0);
            bytes.AddRange(end < 0 ? piece : piece[..end]);
            if (end >= 0)
                return System.Text.Encoding.UTF8.GetString(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes));
        }
        throw new ElfFormatException(Path, $"{what} at offset {offset} has no end");
    }

    /// <summary>A piece of any size, copied.</summary>
    /// <exception cref="ElfFormatException">The file does not reach that far.</exception>
    public byte[] Whole(ulong offset, ulong length, string what)
    {
        if (offset > (ulong)Length || length > (ulong)Length - offset)
            throw new ElfFormatException(Path, $"{what} at offset {offset} is beyond its end ({Length} bytes)");
        if (handle is null)
            return memory.Span.Slice((int)offset, (int)length).ToArray();
        var piece = new byte[length];
        for (var done = 0; done < piece.Length;)
        {
            var got = RandomAccess.Read(handle, piece.AsSpan(done), (long)offset + done);
            if (got == 0)
                throw new ElfFormatException(Path, $"{what}: the file was cut short while it was read");
            done += got;
        }
        return piece;
    }

    void Fill(long start, string what, int length)
    {
        blockOffset = start;
        blockLength = 0;
        while (blockLength < BlockSize)
        {
            var got = RandomAccess.Read(handle!, block.AsSpan(blockLength), start + blockLength);
            if (got == 0)
                break;
            blockLength += got;
        }
        if (blockLength < length)
            throw new ElfFormatException(Path, $"{what}: the file was cut short while it was read");
    }
}
