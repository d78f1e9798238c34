using System.Globalization;
using System.Text;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Building.Archives;

/// <summary>
/// cpio archives in the formats newc and crc (cpio(5), "New ASCII Format"): a header of hexadecimal digits, name and content padded to four
/// bytes.
/// </summary>
static class CpioReader
{
    const int HeaderLength = 110, LongestName = 4096;

    public static bool IsCpio(ReadOnlySpan<byte> head) => head.StartsWith("070701"u8) || head.StartsWith("070702"u8);

    public static IEnumerable<ArchiveEntry> Read(Stream stream)
    {
        byte[] header = new byte[HeaderLength];
        for (int number = 1; ; number++)
        {
            stream.ReadExactly(header);
            if (!IsCpio(header))
                throw new InvalidDataException($"entry {number} does not begin with 070701 or 070702");
            uint Field(int index) => uint.Parse(Encoding.ASCII.GetString(header, 6 + 8 * index, 8), NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture);
            uint inode = Field(0), mode = Field(1), owner = Field(2), group = Field(3), links = Field(4), modified = Field(5),
            size = Field(6), name = Field(11);
            if (name is 0 or > LongestName)
                throw new InvalidDataException($"entry {number} has a name of {name} bytes");
            string path = Text(stream, (int)name);
            Skip(stream, Padding(HeaderLength + name));
            if (path == "TRAILER!!!")
                yield break;
            using Part content = new(stream, size);
            ArchiveKind kind = KindOf((ushort)mode & S_IFMT);
            string? target = null;
            if (kind == ArchiveKind.SymbolicLink)
                target = size <= LongestName ? Text(content, (int)size)
                    : throw new InvalidDataException($"entry {number} has a link of {size} bytes");
            yield return new ArchiveEntry(number, path, kind, target, mode & Mode.Bits, owner, group, modified,
                kind == ArchiveKind.File ? size : 0, content)
            {
                // names of one file: the content stands with the last of them in newc, with the others there is none
                Shared = kind == ArchiveKind.File && links > 1 ? $"{Field(7)}:{Field(8)}:{inode}" : null,
            };
            content.SkipRest();
            Skip(stream, Padding(size));
        }
    }

    /// <summary>The type in a mode is st_mode's (inode(7)).</summary>
    static ArchiveKind KindOf(mode_t type) => type == S_IFREG ? ArchiveKind.File : type == S_IFDIR ? ArchiveKind.Directory
        : type == S_IFLNK ? ArchiveKind.SymbolicLink : type == S_IFIFO ? ArchiveKind.Fifo
        : type == S_IFSOCK ? ArchiveKind.Socket : ArchiveKind.Device;

    static long Padding(long length) => (4 - length % 4) % 4;

    static string Text(Stream stream, int length)
    {
        byte[] bytes = new byte[length];
        stream.ReadExactly(bytes);
        return Encoding.UTF8.GetString(bytes).TrimEnd('\0');
    }

    static void Skip(Stream stream, long bytes)
    {
        byte[] some = new byte[Math.Min(bytes, 1 << 16)];
        for (; bytes > 0; bytes -= some.Length)
            stream.ReadExactly(some.AsSpan(0, (int)Math.Min(bytes, some.Length)));
    }

    /// <summary>The next bytes of a stream, and no more.</summary>
    sealed class Part(Stream stream, long length) : ForwardStream
    {
        long left = length;

        public override int Read(Span<byte> buffer)
        {
            int n = left == 0 ? 0 : stream.Read(buffer[..(int)Math.Min(left, buffer.Length)]);
            if (n == 0 && left > 0 && buffer.Length > 0)
                throw new EndOfStreamException("the archive ends within a file");
            left -= n;
            return n;
        }

        public void SkipRest()
        {
            Skip(stream, left);
            left = 0;
        }
    }
}
