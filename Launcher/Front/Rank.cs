using Slipway.Shared;
using static Slipway.Front.LibC;

namespace Slipway.Front;

/// <summary>A process on its way into a container.</summary>
static unsafe class Rank
{
    public enum Registration
    {
        Done,
        NoHolder,

        /// <summary>Something is not as it should be.</summary>
        Odd,

        /// <summary>There is one, and it does not answer.</summary>
        Silent,
    }

    /// <summary>
    /// Registers this process with the holder whose files these are, and makes sure that it is the one that the entry speaks of.
    /// </summary>
    /// <param name="files">Path of the files, without an ending.</param>
    /// <param name="deadline">Until when its answer is waited for: it may be being started.</param>
    /// <param name="holder">pidfd of the holder.</param>
    public static Registration Register(byte* files, byte* key, long deadline, ref HolderFields entry, ref int holder)
    {
        Text path = default;
        path.Add(files);
        path.Add(HolderEndings.Socket);
        HolderSocket.Answer answer = HolderSocket.Join(path.Bytes, deadline, out int pid, out holder);
        if (answer != HolderSocket.Answer.Welcome)
            return answer switch
            {
                HolderSocket.Answer.NoHolder or HolderSocket.Answer.Closed => Registration.NoHolder,
                HolderSocket.Answer.Silent => Registration.Silent,
                _ => Registration.Odd,
            };
        path.Cut(0);
        path.Add(files);
        path.Add(HolderEndings.Entry);
        return EntryFile.TryRead(path.Bytes, out entry) && CString.IsSame(entry.Key, key) && pid == entry.Pid
            ? Registration.Done : Registration.Odd;
    }

    /// <summary>The right to start the holder of these files.</summary>
    /// <returns>Done; NoHolder where another has it, or has just gone; else Odd.</returns>
    public static Registration TryClaim(byte* files, ref HolderLock claim)
    {
        Text path = default, socket = default;
        path.Add(files);
        path.Add(HolderEndings.Lock);
        socket.Add(files);
        socket.Add(HolderEndings.Socket);
        HolderLock.Outcome outcome = HolderLock.TryTake(path.Bytes, socket.Bytes, out claim, out int error);
        return outcome == HolderLock.Outcome.Taken ? Registration.Done
            : outcome == HolderLock.Outcome.OfAnother
                || (outcome == HolderLock.Outcome.NotOpened && error == ENOENT && Container.TryMakeDirectoryOf(files))
                ? Registration.NoHolder : Registration.Odd;
    }

    /// <summary>Takes the names away, if they are still those of this claim (HolderClaim.Abandon).</summary>
    public static void Abandon(byte* files, ref HolderLock claim)
    {
        Text path = default;
        path.Add(files);
        nuint end = path.Length;
        path.Add(HolderEndings.Lock);
        if (!HolderLock.IsNamed(claim.Held, path.Bytes))
            return;
        ReadOnlySpan<byte> endings = HolderEndings.All;
        path.Cut(end);
        for (int i = 0; i < endings.Length; i++)
            if (endings[i] != 0)
                path.Add(endings[i]);
            else
            {
                unlink(path.Bytes);
                path.Cut(end);
            }
        path.Cut(0);
        Container.AddDirectoryOf(ref path, files);
        rmdir(path.Bytes);
    }

    /// <summary>Joins the holder's user and mount namespace: both or none.</summary>
    public static bool TryJoin(int holder) => setns(holder, CLONE_NEWUSER | CLONE_NEWNS) == 0;

    /// <summary>Becomes the command; returns only what the exit code is where that cannot be.</summary>
    /// <param name="workingDirectory">Outside. It is kept where the same directory is seen inside.</param>
    public static int Become(byte** command, byte** environment, ref HolderFields entry, byte* workingDirectory)
    {
        byte* visible = null;
        while ((visible = entry.Next(HolderFields.VisibleKind, visible)) != null && !TextPath.IsBelow(workingDirectory, visible))
            continue;
        if (visible != null && chdir(workingDirectory) != 0)
            return Complain(workingDirectory, ": this working directory cannot be entered in the container"u8, errno, 125);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        int error = Execute(command, environment);
        return error == ENOENT
            ? Complain(command[0], CString.Find(command[0], (byte)'/') != null && access(command[0], F_OK) == 0
                ? ": the interpreter or loader that this file names is not in the container"u8 : ": this command is not in the container"u8,
                error, 127)
            : Complain(command[0], ": this command cannot be executed in the container"u8, error, 126);
    }

    /// <summary>execvp(3), but along the PATH of the environment that is handed on. Returns the errno.</summary>
    static int Execute(byte** command, byte** environment)
    {
        if (CString.Find(command[0], (byte)'/') != null)
            return Execute(command[0], command, environment);
        if (*command[0] == 0)
            return ENOENT;
        int result = ENOENT;
        byte* path = CString.Variable(environment, "PATH"u8);
        Text file = default;
        while (path != null)
        {
            byte* end = path;
            while (*end is not (0 or (byte)':'))
                end++;
            file.Add(path, (nuint)(end - path));
            if (end > path)
                file.Add((byte)'/');
            file.Add(command[0]);
            int error = Execute(file.Bytes, command, environment);
            if (error == EACCES)
                result = EACCES; // there may be another one further on
            else if (error is not (ENOENT or ENOTDIR or ESTALE or ENODEV or ETIMEDOUT))
                return error;
            file.Cut(0);
            path = *end == 0 ? null : end + 1;
        }
        return result;
    }

    static int Execute(byte* file, byte** command, byte** environment)
    {
        execve(file, command, environment);
        int error = errno;
        if (error != ENOEXEC)
            return error;
        // a script without a first line that names its interpreter
        int count = 0;
        while (command[count] != null)
            count++;
        byte** shell = (byte**)Room(null, (nuint)(count + 2) * (nuint)sizeof(byte*));
        Text name = default;
        name.Add("/bin/sh"u8);
        shell[0] = name.Bytes;
        shell[1] = file;
        for (int i = 1; i <= count; i++)
            shell[i + 1] = command[i];
        execve(name.Bytes, shell, environment);
        return error;
    }

    /// <summary>One error, for a person, on standard error.</summary>
    public static int Complain(byte* what, ReadOnlySpan<byte> why, int error, int exitCode)
    {
        Text text = default;
        text.Add("slipway: "u8);
        text.AddShown(what);
        text.Add(why);
        if (error != 0)
        {
            text.Add(" (errno "u8);
            text.AddNumber((ulong)error);
            text.Add((byte)')');
        }
        text.Add((byte)'\n');
        write(2, text.Bytes, text.Length);
        return exitCode;
    }
}
