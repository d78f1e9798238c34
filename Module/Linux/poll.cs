using System.Runtime.InteropServices;

namespace Slipway.Linux;

// poll.h: Tmds.LibC's own keeps no errno
public static unsafe partial class LibC
{
    [LibraryImport(libc, SetLastError = true)] private static partial int poll(pollfd* fds, nuint nfds, int timeout);

    public static int poll(pollfd* fds, int count, int timeout) => poll(fds, (nuint)count, timeout);

    public static int poll(Span<pollfd> fds, int timeout)
    {
        fixed (pollfd* first = fds)
            return poll(first, (nuint)fds.Length, timeout);
    }
}
