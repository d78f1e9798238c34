using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace Slipway.Readers.Elf;

/// <summary>
/// The bytes of one file: its beginning, where nearly everything that a loader reads lies, and the part behind that was looked at last.
/// </summary>
/// <remarks>
/// Files are read with pread(2) and not mapped: a mapped file that is cut short by somebody else (a package upgrade, a network
/// filesystem) kills the reader with SIGBUS, and an image holds thousands of files of which only a few kilobytes matter. .NET's own way to
/// open a file asks the kernel six times before the first byte; here it is once.
/// </remarks>
sealed unsafe class ElfWindow : IDisposable
{
    const int BlockSize = 16384, NamesSize = 1024;

    readonly int fd = -1;
    readonly ReadOnlyMemory<byte> memory;
    readonly ElfWindow? whose;
    readonly byte[] head = [], block = [];
    readonly int headLength;
    long blockOffset;
    int blockLength;
    byte[]? whole;

    /// <param name="length">The size of the file, in bytes.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public ElfWindow(string path, long length)
    {
        Path = path;
        Length = length;
        // whatever stands there by now: opening it does not wait
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
        if (fd < 0)
            throw errno == EACCES || errno == EPERM ? new UnauthorizedAccessException($"{path}: permission denied") : Failure();
        head = ArrayPool<byte>.Shared.Rent(BlockSize);
        block = ArrayPool<byte>.Shared.Rent(BlockSize);
        try
        {
            headLength = ReadAt(head.AsSpan(0, (int)Math.Min(length, BlockSize)), 0);
        }
        catch (IOException)
        {
            Dispose();
            throw;
        }
    }

    ElfWindow(ElfWindow whose)
    {
        (this.whose, Path, Length, fd, memory, head, headLength) =
            (whose, whose.Path, whose.Length, whose.fd, whose.memory, whose.head, whose.headLength);
        block = fd < 0 ? [] : ArrayPool<byte>.Shared.Rent(NamesSize);
    }

    public ElfWindow(ReadOnlyMemory<byte> memory, string path)
    {
        this.memory = memory;
        Path = path;
        Length = memory.Length;
    }

    public string Path { get; }

    public long Length { get; }

    /// <summary>
    /// A second, smaller window on the same file, so that reading names does not lose the place in a table. It ends before this one.
    /// </summary>
    public ElfWindow Another() => new(this);

    public void Dispose()
    {
        if (fd < 0)
            return;
        ArrayPool<byte>.Shared.Return(block);
        if (whole is not null)
            ArrayPool<byte>.Shared.Return(whole);
        if (whose is not null)
            return;
        ArrayPool<byte>.Shared.Return(head);
        close(fd);
    }

    /// <summary>Bytes of the file, valid until the next call; at most 4096 of them, 1024 of a second window.</summary>
    /// <exception cref="ElfFormatException">The file does not reach that far.</exception>
    public ReadOnlySpan<byte> Slice(ulong offset, int length, string what)
    {
        if (offset > (ulong)Length || (ulong)length > (ulong)Length - offset)
            throw new ElfFormatException(Path, $"{what} at offset {offset} is beyond its end ({Length} bytes)");
        if (fd < 0)
            return memory.Span.Slice((int)offset, length);
        long start = (long)offset;
        if (start + length <= headLength)
            return head.AsSpan((int)start, length);
        if (start < blockOffset || start + length > blockOffset + blockLength)
        {
            blockOffset = start;
            blockLength = ReadAt(block, start);
            if (blockLength < length)
                throw CutShort(what);
        }
        return block.AsSpan((int)(start - blockOffset), length);
    }

    /// <summary>A string that ends in NUL.</summary>
    /// <exception cref="ElfFormatException">It does not end within <paramref name="limit"/> bytes.</exception>
    public string Text(ulong offset, ulong limit, string what)
    {
        List<byte>? begun = null;
        for (ulong done = 0; done < limit;)
        {
            ulong at = offset + done;
            ulong room = Math.Min(limit - done, at < (ulong)Length ? (ulong)Length - at : 0);
            if (room == 0)
                break;
            ReadOnlySpan<byte> piece = Slice(at, (int)Math.Min(room, 256), what);
            int end = piece.IndexOf((byte)0);
            if (end >= 0 && begun is null)
                return Encoding.UTF8.GetString(piece[..end]);
            begun ??= [];
            begun.AddRange(end < 0 ? piece : piece[..end]);
            if (end >= 0)
                return Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(begun));
            done += (ulong)piece.Length;
        }
        throw new ElfFormatException(Path, $"{what} at offset {offset} has no end");
    }

    /// <summary>A piece of any size, valid until the next such call.</summary>
    /// <exception cref="ElfFormatException">The file does not reach that far.</exception>
    public ReadOnlySpan<byte> Whole(ulong offset, ulong length, string what)
    {
        if (offset > (ulong)Length || length > (ulong)Length - offset)
            throw new ElfFormatException(Path, $"{what} at offset {offset} is beyond its end ({Length} bytes)");
        if (fd < 0)
            return memory.Span.Slice((int)offset, (int)length);
        if (offset + length <= (ulong)headLength)
            return head.AsSpan((int)offset, (int)length);
        if (whole is not null)
            ArrayPool<byte>.Shared.Return(whole);
        whole = ArrayPool<byte>.Shared.Rent((int)length);
        Span<byte> piece = whole.AsSpan(0, (int)length);
        return ReadAt(piece, (long)offset) == piece.Length ? piece : throw CutShort(what);
    }

    /// <returns>Fewer bytes than were asked for only at the end of the file.</returns>
    int ReadAt(Span<byte> to, long offset)
    {
        int done = 0;
        fixed (byte* bytes = to)
            while (done < to.Length)
            {
                ssize_t got = pread(fd, bytes + done, to.Length - done, offset + done);
                if (got < 0)
                    throw Failure();
                if (got == 0)
                    break;
                done += (int)got;
            }
        return done;
    }

    ElfFormatException CutShort(string what) => new(Path, $"{what}: the file was cut short while it was read");

    IOException Failure() => new($"{Path}: {Marshal.GetPInvokeErrorMessage(errno)}");
}
