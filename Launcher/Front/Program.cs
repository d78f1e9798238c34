using System;
using System.Runtime;
using static Slipway.Front.LibC;

namespace Slipway.Front;

/// <summary>
/// <c>slipway</c>, as each rank starts it: joins a running container and becomes the application. Whatever else is asked, and whatever is not as it
/// should be, is for the full launcher <c>slipway-full</c> beside it, which takes this process over with the same arguments.
/// </summary>
/// <remarks>
/// <c>slipway join FILES KEY run-arguments…</c> is how the full launcher hands back a process that it has registered with the holder whose files and
/// key these are.
/// </remarks>
static unsafe class Program
{
    static void Main() { } // the C# compiler wants one; libc calls the exported main below

    [RuntimeExport("main")]
    static int Start(int count, byte** arguments, byte** environment)
    {
        bool back = count > 4 && CString.IsSame(arguments[1], "join"u8);
        if (!back && (count < 3 || !CString.IsSame(arguments[1], "run"u8)))
            return HandOver(arguments, environment);

        const int longestPath = 4096;
        byte* directory = (byte*)realloc(null, longestPath);
        Text key = default, files = default;
        RunArguments request = default;
        HolderEntry entry = default;
        int holder = -1;
        bool usable = syscall(SYS_getcwd, (nint)directory, longestPath, 0, 0, 0) > 0 && *directory == '/';
        usable = usable && RunArguments.TryRead(arguments + (back ? 4 : 2), directory, out request);
        if (usable && back)
        {
            files.Add(arguments[2]);
            key.Add(arguments[3]);
        }
        else if (usable)
        {
            usable = ContainerKey.TryAdd(ref key, ref request, environment, directory) && ContainerKey.TryAddFiles(ref files, key, environment);
        }
        usable = usable && Rank.TryRegister(files, key.Bytes, out entry, out holder);

        byte** command = request.Command;
        byte** runscript = stackalloc byte*[2];
        if (usable && *command == null)
        {
            runscript[0] = entry.Runscript;
            runscript[1] = null;
            command = runscript;
            usable = entry.Runscript != null;
        }
        if (!usable || !Rank.TryJoin(holder))
            return back ? Rank.Complain(arguments[2], ".sock: the holder of this container ended before this process had joined it; run it again"u8, 0, 125)
                : HandOver(arguments, environment);
        return Rank.Become(command, RankEnvironment.Make(environment, ref entry, ref request), ref entry, directory);
    }

    /// <summary>Becomes the full launcher.</summary>
    static int HandOver(byte** arguments, byte** environment)
    {
        const int longestPath = 4096;
        byte* self = (byte*)realloc(null, longestPath);
        Text path = default;
        path.Add("/proc/self/exe"u8);
        nint length = readlink(path.Bytes, self, longestPath);
        while (length > 0 && self[length - 1] != '/')
            length--;
        path.Cut(0);
        path.Add(self, (nuint)(length > 0 ? length : 0));
        path.Add("slipway-full"u8);
        execve(path.Bytes, arguments, environment);
        return Rank.Complain(path.Bytes, ": the launcher that belongs beside this program cannot be started"u8, errno, 125);
    }
}
