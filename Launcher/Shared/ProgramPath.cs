#if FRONT
using static Slipway.Front.LibC;
#endif
using static Slipway.Shared.Stat;

namespace Slipway.Shared;

/// <summary>Where a program of the host is.</summary>
static unsafe class ProgramPath
{
    /// <summary>
    /// Finds it along a PATH, then in the sbin directories, which users' PATHs often lack. What is relative in a PATH is passed over.
    /// </summary>
    /// <param name="file">Gets its path.</param>
    /// <param name="path">A PATH; null where none is set.</param>
    /// <param name="name">Without a slash.</param>
    public static bool TryFind(ref Text file, byte* path, byte* name)
    {
        Text directories = default;
        if (path != null)
            directories.Add(path);
        else
            directories.Add("/usr/bin:/bin"u8);
        directories.Add(":/usr/sbin:/sbin"u8);
        bool found = false;
        for (byte* start = directories.Bytes, end; !found; start = end + 1)
        {
            end = start;
            while (*end is not (0 or (byte)':'))
                end++;
            file.Cut(0);
            file.Add(start, (nuint)(end - start));
            file.Add((byte)'/');
            file.Add(name);
            statx_t what;
            found = *start == '/' && access(file.Bytes, X_OK) == 0 && TryPath(file.Bytes, &what) && !what.IsDirectory;
            if (*end == 0)
                break;
        }
        directories.Free();
        return found;
    }
}
