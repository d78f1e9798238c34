using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Slipway.Linux;

/// <summary>
/// A small file that is there whole or not at all: it is written beside its destination and renamed over it (rename(2)). A link at the
/// destination is replaced, not followed. <see cref="PartialFile"/> is for what is long in the writing, so that its writer may die.
/// </summary>
/// <remarks>libc opens the file, not .NET, which would lock it (flock(2)): see <see cref="OpenedFile"/>.</remarks>
static class AtomicFile
{
    /// <summary>Writes a file anew; what was there stays until the new one is whole.</summary>
    /// <param name="mode">Of the new file, less the umask.</param>
    /// <param name="write">What it throws is handed on, and nothing is left of the new file.</param>
    /// <exception cref="IOException">The file cannot be written; the message names <paramref name="path"/>.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory may not be written to.</exception>
    public static void Write(string path, uint mode, Action<FileStream> write)
    {
        string beside = PartialFile.NameFor(path);
        int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd < 0)
            throw Failed(path, errno);
        try
        {
            using (FileStream stream = new(new SafeFileHandle(fd, ownsHandle: true), FileAccess.Write))
                write(stream);
            if (rename(beside, path) != 0)
                throw Failed(path, errno);
        }
        catch (Exception e)
        {
            unlink(beside);
            // of a full disk .NET tells in words that name no file
            if (e is IOException { HResult: > 0 })
                throw Failed(path, e.HResult);
            throw;
        }
    }

    /// <summary>The same of a text, in UTF-8.</summary>
    public static void Write(string path, uint mode, string text) => Write(path, mode, to => to.Write(Encoding.UTF8.GetBytes(text)));

    static Exception Failed(string path, int error)
    {
        string message = $"'{path}' cannot be written: {Marshal.GetPInvokeErrorMessage(error)}";
        return error == EACCES || error == EPERM || error == EROFS
            ? new UnauthorizedAccessException(message) { HResult = error } : new IOException(message, error);
    }
}
