using Slipway.Shared;
using System.Runtime;
using static Slipway.Front.LibC;

namespace Slipway.Front;

/// <summary>
/// <c>slipway</c>, as each rank starts it: joins a running container and becomes the application. Whatever else is asked, and whatever is
/// not as it should be, is for the full launcher <c>slipway-full</c> beside it, which takes this process over with the same arguments.
/// </summary>
/// <remarks>
/// <c>slipway join HOLDER ENTRY run-arguments…</c> is how the full launcher hands back a process that it has registered: with descriptors
/// of the holder itself (a pidfd) and of a copy of its entry, so that nothing is looked for by a name that may have gone meanwhile.
/// </remarks>
internal static unsafe class Program
{
    static void Main() { } // the C# compiler wants one; libc calls the exported main below

    [RuntimeExport("main")]
    static int Start(int count, byte** arguments, byte** environment)
    {
        bool back = count > 4 && CString.IsSame(arguments[1], "join"u8);
        if (!back && (count < 3 || !CString.IsSame(arguments[1], "run"u8)))
            return FullLauncher.Become(arguments, environment);

        const int longestPath = 4096;
        byte* directory = (byte*)Room(null, longestPath);
        RunArguments request = default;
        HolderFields entry = default;
        int holder = -1, exitCode = HandItOver;
        bool usable = syscall(SYS_getcwd, (nint)directory, longestPath, 0, 0, 0) > 0 && *directory == '/';
        usable = usable && RunArguments.TryRead(arguments + (back ? 4 : 2), environment, directory, out request);
        if (usable && back)
            usable = TryInherit(arguments[2], arguments[3], ref entry, ref holder);
        else if (usable)
            usable = TryFindHolder(ref request, arguments, environment, directory, ref entry, ref holder, ref exitCode);
        if (exitCode != HandItOver)
            return exitCode;

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
            return back ? Rank.Complain(arguments[1], usable
                ? ": the holder of this container cannot be joined, though this process was registered with it: "u8 +
                    "if it was killed, run it again"u8
                : ": this is for slipway-full alone, which has registered this process with a holder"u8, usable ? errno : 0, 125)
                : FullLauncher.Become(arguments, environment);
        return Rank.Become(command, RankVariables.Make(environment, ref entry, ref request), ref entry, directory);
    }

    /// <summary>The exit code of a process that goes on.</summary>
    const int HandItOver = -1;

    /// <summary>Descriptors that the full launcher has left open for us, and for nobody after us.</summary>
    static bool TryInherit(byte* holderNumber, byte* entryNumber, ref HolderFields entry, ref int holder)
    {
        long first = CString.Number(holderNumber), second = CString.Number(entryNumber);
        if (first is < 3 or > int.MaxValue || second is < 3 or > int.MaxValue)
            return false;
        holder = (int)first;
        return fcntl(holder, F_SETFD, FD_CLOEXEC) == 0 && EntryFile.TryReadAndClose((int)second, out entry);
    }

    static bool TryFindHolder(
        ref RunArguments request, byte** arguments, byte** environment, byte* directory, ref HolderFields entry, ref int holder,
        ref int exitCode)
    {
        Text key = default, files = default;
        return Container.TryAddKey(ref key, ref request, environment, directory) && Container.TryAddFiles(ref files, ref key, environment)
            && TryRegisterOrStart(files.Bytes, key.Bytes, ref request, arguments, environment, directory, ref entry, ref holder,
                ref exitCode);
    }

    /// <summary>
    /// Registers this process with the holder, starting one if there is none; race-free among any number of ranks (HolderClient).
    /// </summary>
    /// <param name="exitCode">Gets the exit code where all is said.</param>
    /// <returns>False where the full launcher has to see it.</returns>
    static bool TryRegisterOrStart(
        byte* files, byte* key, ref RunArguments request, byte** arguments, byte** environment, byte* directory,
        ref HolderFields entry, ref int holder, ref int exitCode)
    {
        const int tries = 1000, pause = 2; // one that is being started can be connected to at once
        long deadline = 0;
        HolderLock claim = default;
        for (int i = 0; i < tries; i++)
        {
            if (deadline == 0)
                deadline = Now() + HolderChildren.Patience;
            Rank.Registration registration = Rank.Register(files, key, deadline, ref entry, ref holder);
            if (registration == Rank.Registration.Silent)
            {
                exitCode = Rank.Complain(files,
                    ".sock: the container's holder has not answered in time: it is stopped, or hung "u8 +
                    "(pkill -CONT slipway-holder lets it go on, pkill -KILL slipway-holder ends it)"u8, 0, 125);
                return false;
            }
            if (registration == Rank.Registration.NoHolder)
                registration = Rank.TryClaim(files, ref claim);
            else
                return registration == Rank.Registration.Done;
            if (registration == Rank.Registration.Odd)
                return false;
            if (registration == Rank.Registration.NoHolder)
            {
                poll(null, 0, i == 0 ? 0 : pause);
                continue;
            }
            HolderStart.Outcome outcome = HolderStart.Start(files, key, ref request, ref claim, environment, directory);
            if (outcome == HolderStart.Outcome.HandOver)
                exitCode = FullLauncher.Become(arguments, environment, claim.Held, claim.Listener);
            if (outcome == HolderStart.Outcome.Failed)
            {
                Rank.Abandon(files, ref claim);
                exitCode = 125;
            }
            if (outcome != HolderStart.Outcome.Started)
                return false;
            close(claim.Held);
            close(claim.Listener);
            deadline = 0;
        }
        return false;
    }
}
