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
internal static unsafe class Program
{
    static void Main() { } // the C# compiler wants one; libc calls the exported main below

    [RuntimeExport("main")]
    static int Start(int count, byte** arguments, byte** environment)
    {
        bool back = count > 4 && CString.IsSame(arguments[1], "join"u8);
        if (!back && (count < 3 || !CString.IsSame(arguments[1], "run"u8)))
            return HandOver(arguments, environment);

        const int longestPath = 4096;
        byte* directory = (byte*)Room(null, longestPath);
        Text key = default, files = default;
        RunArguments request = default;
        HolderEntry entry = default;
        int holder = -1, held = -1;
        bool usable = syscall(SYS_getcwd, (nint)directory, longestPath, 0, 0, 0) > 0 && *directory == '/';
        usable = usable && RunArguments.TryRead(arguments + (back ? 4 : 2), directory, out request);
        if (usable && back)
        {
            files.Add(arguments[2]);
            key.Add(arguments[3]);
            usable = Rank.Register(files.Bytes, key.Bytes, ref entry, ref holder) == Rank.Registration.Done;
        }
        else if (usable)
        {
            usable = ContainerKey.TryAdd(ref key, ref request, environment, directory) && ContainerKey.TryAddFiles(ref files, ref key, environment)
                && TryRegisterOrStart(files.Bytes, key.Bytes, ref request, arguments + 2, environment, directory, ref entry, ref holder, ref held);
        }
        if (held >= 0)
            return HandOver(arguments, environment, held);

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

    /// <summary>Registers this process with the holder, starting one if there is none; race-free among any number of ranks (HolderClient).</summary>
    /// <param name="lockFd">Gets the lock where it is ours and the full launcher has to start the holder: the others go on waiting.</param>
    static bool TryRegisterOrStart(byte* files, byte* key, ref RunArguments request, byte** arguments, byte** environment, byte* directory, ref HolderEntry entry, ref int holder, ref int lockFd)
    {
        const int tries = 100;
        for (int i = 0; i < tries; i++)
        {
            Rank.Registration registration = Rank.Register(files, key, ref entry, ref holder);
            if (registration != Rank.Registration.NoHolder)
                return registration == Rank.Registration.Done;
            int held = Rank.LockOrWait(files);
            if (held < 0)
                continue;
            registration = Rank.Register(files, key, ref entry, ref holder);
            if (registration == Rank.Registration.NoHolder && HolderStart.TryStart(files, key, ref request, arguments, environment, directory))
                registration = Rank.Register(files, key, ref entry, ref holder);
            if (registration != Rank.Registration.Done)
            {
                lockFd = held;
                return false;
            }
            close(held);
            return true;
        }
        return false;
    }

    /// <summary>Adds the path of the full launcher: beside this program.</summary>
    public static void AddFullLauncher(ref Text path)
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

    /// <summary>Becomes the full launcher.</summary>
    /// <param name="held">The lock of the container's files, which is handed on; less than 0 where it is not ours.</param>
    static int HandOver(byte** arguments, byte** environment, int held = -1)
    {
        Text path = default, number = default, verb = default;
        AddFullLauncher(ref path);
        if (held >= 0)
        {
            // slipway run … becomes slipway run-locked FD …
            int count = 0;
            while (arguments[count] != null)
                count++;
            byte** locked = (byte**)Room(null, (nuint)(count + 2) * (nuint)sizeof(byte*));
            verb.Add("run-locked"u8);
            number.AddNumber((ulong)held);
            locked[0] = arguments[0];
            locked[1] = verb.Bytes;
            locked[2] = number.Bytes;
            for (int i = 2; i <= count; i++)
                locked[i + 1] = arguments[i];
            arguments = locked;
            fcntl(held, F_SETFD, 0);
        }
        execve(path.Bytes, arguments, environment);
        return Rank.Complain(path.Bytes, ": the launcher that belongs beside this program cannot be started"u8, errno, 125);
    }
}
