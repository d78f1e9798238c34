using Slipway.Shared;
using static Slipway.Front.LibC;

namespace Slipway.Front;

/// <summary>The full launcher <c>slipway-full</c>, which lies beside this program.</summary>
static unsafe class FullLauncher
{
    /// <summary>Adds its path.</summary>
    public static void AddPath(ref Text path)
    {
        const int longestPath = 4096;
        byte* self = (byte*)Room(null, longestPath);
        nint length;
        fixed (byte* link = "/proc/self/exe"u8)
            length = readlink(link, self, longestPath);
        while (length > 0 && self[length - 1] != '/')
            length--;
        // never relative: what lies in the working directory is not ours
        if (length <= 0)
            path.Add((byte)'/');
        else
            path.Add(self, (nuint)length);
        path.Add("slipway-full"u8);
    }

    /// <summary>Becomes it.</summary>
    /// <param name="held">The lock of the container's files, which is handed on; less than 0 where it is not ours.</param>
    /// <param name="listener">Likewise, the holder's socket.</param>
    public static int Become(byte** arguments, byte** environment, int held = -1, int listener = -1)
    {
        Text path = default, words = default;
        AddPath(ref path);
        if (held >= 0)
        {
            // slipway run … becomes slipway run-locked LOCK SOCKET …
            int count = 0;
            while (arguments[count] != null)
                count++;
            byte** locked = (byte**)Room(null, (nuint)(count + 3) * (nuint)sizeof(byte*));
            words.Add("run-locked\0"u8);
            nuint first = words.Length;
            words.AddNumber((ulong)held);
            words.Add(0);
            nuint second = words.Length;
            words.AddNumber((ulong)listener);
            locked[0] = arguments[0];
            locked[1] = words.Bytes;
            locked[2] = words.Bytes + first;
            locked[3] = words.Bytes + second;
            for (int i = 2; i <= count; i++)
                locked[i + 2] = arguments[i];
            arguments = locked;
            fcntl(held, F_SETFD, 0);
            fcntl(listener, F_SETFD, 0);
        }
        execve(path.Bytes, arguments, environment);
        return Rank.Complain(path.Bytes, ": the launcher that belongs beside this program cannot be started"u8, errno, 125);
    }
}
