using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Slipway.Linux;

/// <summary>
/// Opens what may lie on a shared filesystem. .NET's own way to open a file takes flock(2) on it (SafeFileHandle.Unix.cs of the runtime), which costs the file's
/// server two more requests for each reader, and fails where another has the file locked.
/// </summary>
internal static class UnlockedFile
{
    /// <summary>For reading, without a buffer.</summary>
    /// <exception cref="IOException">It is not there, or cannot be opened; the message names the path in single quotes, as .NET's own does.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read, or is a directory.</exception>
    public static FileStream OpenRead(string path)
    {
        SafeFileHandle file = new(open(path, O_RDONLY | O_CLOEXEC, 0), ownsHandle: true);
        int error = file.IsInvalid ? errno : 0;
        if (error == 0 && fstat((int)file.DangerousGetHandle(), out statx found) == 0 && !found.IsDirectory)
            return new FileStream(file, FileAccess.Read, bufferSize: 0);
        file.Dispose();
        throw error switch
        {
            _ when error == ENOENT => new FileNotFoundException($"'{path}' is not there", path),
            _ when error == ENOTDIR => new DirectoryNotFoundException($"'{path}' is not there"),
            0 => new UnauthorizedAccessException($"'{path}' is a directory"),
            _ when error == EACCES || error == EPERM => new UnauthorizedAccessException($"'{path}' may not be read"),
            _ => new IOException(string.Create(CultureInfo.InvariantCulture, $"'{path}' cannot be opened: {Marshal.GetPInvokeErrorMessage(error)}")),
        };
    }
}
