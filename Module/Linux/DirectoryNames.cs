using System.Runtime.InteropServices;

namespace Slipway.Linux;

/// <summary>The names in a directory, by getdents64(2) alone: .NET's own way also looks at each link, and at what it leads to.</summary>
static unsafe class DirectoryNames
{
    /// <returns>In no order; null where it cannot be read.</returns>
    public static List<string>? Read(string path)
    {
        const int size = 32768;
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
        if (fd < 0)
            return null;
        List<string> names = [];
        byte* buffer = stackalloc byte[size];
        nint length;
        while ((length = getdents64(fd, buffer, size)) > 0)
            for (byte* at = buffer; at < buffer + length; at += ((dirent64*)at)->d_reclen)
                if (Marshal.PtrToStringUTF8((nint)((dirent64*)at)->d_name) is { } found and not ("." or ".."))
                    names.Add(found);
        close(fd);
        return length < 0 ? null : names;
    }
}
