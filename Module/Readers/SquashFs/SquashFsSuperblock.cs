using System.Buffers.Binary;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Readers.SquashFs;

/// <summary>
/// The first 96 bytes of a SquashFS 4.0 image (kernel: fs/squashfs/squashfs_fs.h, struct squashfs_super_block), little-endian.
/// </summary>
public sealed record SquashFsSuperblock(int Compressor, uint BlockSize, uint Inodes, DateTimeOffset Made, long BytesUsed)
{
    static readonly string[] Compressors = ["gzip", "lzma", "lzo", "xz", "lz4", "zstd"];

    public string CompressorName => Compressors[Compressor - 1];

    /// <summary>Reads and checks the superblock.</summary>
    /// <exception cref="SlipwayException">The file is not there, not a SquashFS 4.0 image, or shorter than its superblock says.</exception>
    public static SquashFsSuperblock Read(string path) => Read(path, path);

    /// <param name="path">What errors name.</param>
    /// <param name="opened">What is read: the same file, by a descriptor of ours.</param>
    internal static SquashFsSuperblock Read(string path, string opened)
    {
        SlipwayException Bad(string why) => ReaderErrors.ImageInvalid(path, why);
        byte[] block = new byte[SquashFsHeader.Length];
        long size;
        try
        {
            using FileStream file = OpenedFile.Named(opened);
            size = file.Length;
            if (file.ReadAtLeast(block, block.Length, throwOnEndOfStream: false) < block.Length)
                throw Bad("is too short for a SquashFS image");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw ReaderErrors.ImageNotFound(path, e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw ReaderErrors.ImageUnreadable(path, OpenedFile.Why(e, path), e);
        }

        int Short(int at) => BinaryPrimitives.ReadUInt16LittleEndian(block.AsSpan(at));
        uint Word(int at) => BinaryPrimitives.ReadUInt32LittleEndian(block.AsSpan(at));
        int compressor = Short(SquashFsHeader.Compressor);
        long used = BinaryPrimitives.ReadInt64LittleEndian(block.AsSpan(SquashFsHeader.BytesUsed));
        switch (Check(block, size))
        {
            case SquashFsHeader.Fault.NoSquashFs: throw Bad("is not a SquashFS image (it does not begin with 'hsqs')");
            case SquashFsHeader.Fault.OfAnotherVersion:
                throw Bad($"is SquashFS {Short(SquashFsHeader.Major)}.{Short(SquashFsHeader.Minor)}; only 4.0 can be mounted");
            case SquashFsHeader.Fault.UnknownCompressor: throw Bad($"has an unknown compressor ({compressor})");
            case SquashFsHeader.Fault.Truncated: throw Bad($"is truncated: it has {size} bytes of the {used} that its superblock tells of");
        }
        return new SquashFsSuperblock(
            compressor, Word(SquashFsHeader.BlockSize), Word(SquashFsHeader.Inodes),
            DateTimeOffset.FromUnixTimeSeconds(Word(SquashFsHeader.Made)), used);
    }

    static unsafe SquashFsHeader.Fault Check(byte[] block, long size)
    {
        fixed (byte* start = block)
            return SquashFsHeader.Check(start, (ulong)size);
    }
}
