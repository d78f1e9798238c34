using System.Text;

namespace Slipway.Linux;

/// <summary>Small text files in a few system calls: .NET's own way also locks, seeks and asks for the file system, which a start of a container has no time for.</summary>
internal static unsafe class SmallFile
{
    /// <summary>Nothing that is read whole is larger: what is, is something else.</summary>
    public const int Largest = 1 << 20;

    /// <summary>A regular file (or one of /proc) of at most <see cref="Largest"/> bytes; null for whatever else, or nothing, is there. Never waits, as a pipe would make it.</summary>
    public static string? Read(string path) => ReadAndClose(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0));

    /// <summary>The same of a file that is open, which is closed; null also for a negative number.</summary>
    public static string? ReadAndClose(int fd)
    {
        if (fd < 0)
            return null;
        try
        {
            if (fstat(fd, out statx found) != 0 || !found.IsRegular || found.stx_size > Largest)
                return null;
            byte[] bytes = new byte[Math.Max(4096, (int)found.stx_size + 1)]; // /proc tells no size
            int length = 0;
            while (true)
            {
                long n;
                fixed (byte* to = bytes)
                    n = read(fd, to + length, bytes.Length - length);
                if (n < 0)
                    return null;
                if (n == 0)
                    return Encoding.UTF8.GetString(bytes, 0, length);
                length += (int)n;
                if (length > Largest)
                    return null;
                if (length == bytes.Length)
                    Array.Resize(ref bytes, 2 * length);
            }
        }
        finally
        {
            close(fd);
        }
    }

    /// <summary>Writes a file anew; false where it cannot be, with the reason in errno.</summary>
    public static bool Write(string path, string text, uint mode)
    {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd < 0)
            return false;
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int done = 0;
        fixed (byte* from = bytes)
            while (done < bytes.Length && (int)write(fd, from + done, bytes.Length - done) is > 0 and var n)
                done += n;
        int error = errno;
        close(fd);
        System.Runtime.InteropServices.Marshal.SetLastPInvokeError(error);
        return done == bytes.Length;
    }
}
