namespace Slipway.Shared;

/// <summary>Paths as texts alone, by the rules of the full launcher.</summary>
static unsafe class TextPath
{
    /// <summary>True for the directory and what is below it.</summary>
    public static bool IsBelow(byte* path, byte* directory)
    {
        nuint i = 0;
        while (directory[i] != 0 && path[i] == directory[i])
            i++;
        return directory[i] == 0 && (path[i] == 0 || path[i] == '/' || (i == 1 && *directory == '/'));
    }

    /// <summary>
    /// Adds a path, from the working directory where it is not absolute, without empty, <c>.</c> and <c>..</c> parts; a last slash stays.
    /// </summary>
    /// <param name="end">Where the path ends.</param>
    public static void AddFull(ref Text to, byte* workingDirectory, byte* path, byte* end)
    {
        nuint start = to.Length;
        if (*path != '/')
            AddParts(ref to, start, workingDirectory, workingDirectory + CString.Length(workingDirectory));
        AddParts(ref to, start, path, end);
        if (to.Length == start || end[-1] == '/')
            to.Add((byte)'/');
    }

    static void AddParts(ref Text to, nuint start, byte* path, byte* end)
    {
        while (path < end)
        {
            byte* part = path;
            while (path < end && *path != '/')
                path++;
            nuint length = (nuint)(path - part);
            path++;
            if (length == 0 || (length == 1 && part[0] == '.'))
                continue;
            if (length == 2 && part[0] == '.' && part[1] == '.')
            {
                nuint last = to.Length;
                while (last > start && to.Bytes[last - 1] != '/')
                    last--;
                if (to.Length > start)
                    to.Cut(last - 1);
                continue;
            }
            to.Add((byte)'/');
            to.Add(part, length);
        }
    }
}
