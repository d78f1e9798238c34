namespace Slipway.Shared;

/// <summary>
/// The first bytes of a SquashFS 4.0 image (kernel: fs/squashfs/squashfs_fs.h, struct squashfs_super_block), little-endian: where its
/// fields are, and what they must be.
/// </summary>
static unsafe class SquashFsHeader
{
    public const int Length = 96;

    /// <summary>Where each field is.</summary>
    public const int Magic = 0, Inodes = 4, Made = 8, BlockSize = 12, Compressor = 20, Major = 28, Minor = 30, BytesUsed = 40;

    /// <summary>The number of the last compressor that the format knows; the first is 1.</summary>
    public const int Compressors = 6;

    public enum Fault
    {
        None,
        NoSquashFs,

        /// <summary>Of a version that cannot be mounted.</summary>
        OfAnotherVersion,
        UnknownCompressor,

        /// <summary>Shorter than it says.</summary>
        Truncated,
    }

    /// <summary>The first thing that is wrong with an image.</summary>
    /// <param name="block">As many bytes as <see cref="Length"/>.</param>
    /// <param name="size">Of the file, in bytes.</param>
    public static Fault Check(byte* block, ulong size)
    {
        const uint hsqs = 0x73717368;
        ulong used = *(ulong*)(block + BytesUsed);
        return *(uint*)(block + Magic) != hsqs ? Fault.NoSquashFs
            : *(ushort*)(block + Major) != 4 || *(ushort*)(block + Minor) != 0 ? Fault.OfAnotherVersion
            : *(ushort*)(block + Compressor) is < 1 or > Compressors ? Fault.UnknownCompressor
            : used < Length || used > size ? Fault.Truncated : Fault.None;
    }
}
