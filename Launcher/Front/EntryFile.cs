using Slipway.Shared;
using static Slipway.Front.LibC;
using static Slipway.Shared.Stat;

namespace Slipway.Front;

/// <summary>The file of a holder's entry.</summary>
static unsafe class EntryFile
{
    /// <summary>As for every small file (Linux/OpenedFile.cs).</summary>
    const int Largest = 1 << 20;

    /// <summary>Reads a whole entry of our version and our owner.</summary>
    public static bool TryRead(byte* path, out HolderFields fields)
    {
        fields = default;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
        return fd >= 0 && TryReadAndClose(fd, out fields);
    }

    /// <summary>The same of a file that is open.</summary>
    public static bool TryReadAndClose(int fd, out HolderFields fields)
    {
        fields = default;
        statx_t found;
        byte* text = null;
        nint length = 0;
        if (TryOpened(fd, &found) && found.IsRegular && found.stx_uid == geteuid() && found.stx_size is > 0 and <= Largest)
        {
            nint room = (nint)found.stx_size;
            text = (byte*)Room(null, (nuint)room + 1);
            while (text != null && length < room && pread(fd, text + length, (nuint)(room - length), length) is > 0 and nint n)
                length += n;
        }
        close(fd);
        return text != null && HolderFields.TryRead(text, length, out fields);
    }
}
