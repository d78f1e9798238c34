using Slipway.Shared;
using static Slipway.Front.LibC;

namespace Slipway.Front;

/// <summary>The file by which a holder tells its ranks what they have to know (Running/HolderEntry.cs, which writes it): fields ended by a zero, each of a kind.</summary>
unsafe struct HolderEntry
{
    /// <summary>As for every small file (Linux/OpenedFile.cs).</summary>
    const int Largest = 1 << 20;

    byte* text;
    byte* end;

    public byte* Key;
    public int Pid;

    /// <summary>Null where the image has none.</summary>
    public byte* Runscript;

    /// <summary>Reads a whole entry of our version and our owner.</summary>
    public static bool TryRead(byte* path, out HolderEntry entry)
    {
        entry = default;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
        return fd >= 0 && TryReadAndClose(fd, out entry);
    }

    /// <summary>The same of a file that is open.</summary>
    public static bool TryReadAndClose(int fd, out HolderEntry entry)
    {
        entry = default;
        statx_t found;
        byte empty = 0;
        byte* text = null;
        nint length = 0;
        if (statx(fd, &empty, AT_EMPTY_PATH, STATX_BASIC_STATS, &found) == 0 && found.IsRegular && found.stx_uid == geteuid() && found.stx_size is > 0 and <= Largest)
        {
            nint room = (nint)found.stx_size;
            text = (byte*)Room(null, (nuint)room + 1);
            while (text != null && length < room && pread(fd, text + length, (nuint)(room - length), length) is > 0 and var n)
                length += n;
        }
        close(fd);
        return text != null && TryRead(text, length, out entry);
    }

    /// <summary>The same from memory, where there is room for one more byte.</summary>
    public static bool TryRead(byte* text, nint length, out HolderEntry entry)
    {
        entry = default;
        text[length] = 0;
        entry.text = text;
        entry.end = text + length;
        if (length < 2 || text[length - 1] != 0 || *text != 'v' || !CString.IsSame(text + 1, RankTables.HolderVersion))
            return false;
        byte* last = text;
        byte* pid = null;
        for (byte* field = text; field < entry.end; field += CString.Length(field) + 1)
        {
            last = field;
            switch (*field)
            {
                case (byte)'k' when entry.Key == null: entry.Key = field + 1; break;
                case (byte)'p' when pid == null: pid = field + 1; break;
                case (byte)'r' when entry.Runscript == null: entry.Runscript = field + 1; break;
            }
        }
        // an entry that was cut has no end
        if (!CString.IsSame(last, "."u8) || entry.Key == null || pid == null)
            return false;
        long number = CString.Number(pid);
        entry.Pid = number is > 0 and <= int.MaxValue ? (int)number : 0;
        return entry.Pid > 0;
    }

    /// <summary>The next field of a kind after a value; the first one after null; null where there is no other.</summary>
    public readonly byte* Next(byte kind, byte* after)
    {
        byte* field = after == null ? text : after + CString.Length(after) + 1;
        for (; field < end; field += CString.Length(field) + 1)
            if (*field == kind)
                return field + 1;
        return null;
    }
}
