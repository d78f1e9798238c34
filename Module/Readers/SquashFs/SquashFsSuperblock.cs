using System.Buffers.Binary;
using Slipway.Linux;

namespace Slipway.Readers.SquashFs;

/// <summary>The first 96 bytes of a SquashFS 4.0 image (kernel: fs/squashfs/squashfs_fs.h, struct squashfs_super_block), little-endian.</summary>
public sealed record SquashFsSuperblock(int Compressor, uint BlockSize, uint Inodes, DateTimeOffset Made, long BytesUsed)
{
    const int Length = 96;
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
        Span<byte> block = stackalloc byte[Length];
        long size;
        try
        {
            using FileStream file = OpenedFile.Named(opened);
            size = file.Length;
            if (file.ReadAtLeast(block, Length, throwOnEndOfStream: false) < Length)
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

        if (BinaryPrimitives.ReadUInt32LittleEndian(block) != 0x73717368)
            throw Bad("is not a SquashFS image (it does not begin with 'hsqs')");
        int major = BinaryPrimitives.ReadUInt16LittleEndian(block[28..]), minor = BinaryPrimitives.ReadUInt16LittleEndian(block[30..]);
        if (major != 4 || minor != 0)
            throw Bad($"is SquashFS {major}.{minor}; only 4.0 can be mounted");
        int compressor = BinaryPrimitives.ReadUInt16LittleEndian(block[20..]);
        if (compressor is < 1 or > 6)
            throw Bad($"has an unknown compressor ({compressor})");
        long used = BinaryPrimitives.ReadInt64LittleEndian(block[40..]);
        if (used < Length || used > size)
            throw Bad($"is truncated: it has {size} bytes of the {used} that its superblock tells of");
        return new SquashFsSuperblock(compressor, BinaryPrimitives.ReadUInt32LittleEndian(block[12..]), BinaryPrimitives.ReadUInt32LittleEndian(block[4..]),
            DateTimeOffset.FromUnixTimeSeconds(BinaryPrimitives.ReadUInt32LittleEndian(block[8..])), used);
    }
}
