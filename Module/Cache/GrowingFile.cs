using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Slipway.Linux;

namespace Slipway.Cache;

/// <summary>A file of a known size that is being written from its start, hashed on the way, and read by others while it grows.</summary>
sealed class GrowingFile : IDisposable
{
    readonly SafeFileHandle file;
    readonly IncrementalHash? hash;
    readonly string path;
    readonly object gate = new();
    long length;
    bool ended;

    GrowingFile(SafeFileHandle file, string path, long size, long length, IncrementalHash? hash)
    {
        (this.file, this.path, Size, this.length, this.hash) = (file, path, size, length, hash);
    }

    public long Size { get; }

    public long Length => Interlocked.Read(ref length);

    /// <summary>A new file, with its space taken at once: a disk that is too full says so before the work.</summary>
    /// <exception cref="IOException">There is no space, or the file is there.</exception>
    public static GrowingFile Create(string path, long size) =>
        new(File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite, FileOptions.None, preallocationSize: size),
            path, size, 0, Digest.Start());

    /// <summary>A file that has all of its bytes.</summary>
    public static GrowingFile Whole(string path)
    {
        SafeFileHandle file = OpenedFile.HandleNamed(path);
        long size = RandomAccess.GetLength(file);
        return new GrowingFile(file, path, size, size, null);
    }

    /// <exception cref="IOException">The disk is full.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > Size - Length)
            throw new IOException("more bytes came than the image has");
        RandomAccess.Write(file, bytes, length);
        hash?.AppendData(bytes);
        lock (gate)
        {
            length += bytes.Length;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>The digest of all bytes.</summary>
    public string Finish() => hash is null ? Digest.OfFile(path) : Digest.Prefix + Convert.ToHexStringLower(hash.GetHashAndReset());

    /// <summary>
    /// Reads what is there from <paramref name="offset"/>; waits up to <paramref name="milliseconds"/> for something to come.
    /// </summary>
    /// <returns>The number of bytes; 0 where none came in time, -1 where none will.</returns>
    public int Read(long offset, Span<byte> buffer, int milliseconds)
    {
        lock (gate)
        {
            if (offset >= length && !ended)
                Monitor.Wait(gate, milliseconds);
            if (ended)
                return -1;
            if (offset >= length)
                return 0;
        }
        return RandomAccess.Read(file, buffer[..(int)Math.Min(buffer.Length, Length - offset)], offset);
    }

    /// <summary>Nobody is to read any more: what was written is wrong, or cannot go on.</summary>
    public void End()
    {
        lock (gate)
        {
            ended = true;
            Monitor.PulseAll(gate);
        }
    }

    public void Dispose()
    {
        End();
        hash?.Dispose();
        file.Dispose();
    }
}
