using System;
using static Slipway.Front.LibC;

namespace Slipway.Front;

/// <summary>A process on its way into a container.</summary>
internal static unsafe class Rank
{
    /// <summary>A holder answers at once, or it is stopped or hung (HolderClient.Patience). Milliseconds.</summary>
    const int Patience = 60_000;

    public enum Registration
    {
        Done,
        NoHolder,

        /// <summary>Something is not as it should be.</summary>
        Odd,
    }

    /// <summary>Registers this process with the holder whose files these are, and makes sure that it is the one that the entry speaks of.</summary>
    /// <param name="files">Path of the files, without an ending.</param>
    /// <param name="holder">pidfd of the holder.</param>
    public static Registration Register(byte* files, byte* key, ref HolderEntry entry, ref int holder)
    {
        Text path = default;
        path.Add(files);
        nuint end = path.Length;
        path.Add(".sock"u8);
        sockaddr_un address = default;
        address.sun_family = AF_UNIX;
        if (path.Length >= 108)
            return Registration.Odd;
        for (nuint i = 0; i < path.Length; i++)
            address.sun_path[i] = path.Bytes[i];
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            return Registration.Odd;
        if (connect(fd, &address, (uint)sizeof(sockaddr_un)) != 0)
        {
            int error = errno;
            close(fd);
            return error is ENOENT or ECONNREFUSED ? Registration.NoHolder : Registration.Odd;
        }
        pollfd wait = default;
        wait.fd = fd;
        wait.events = POLLIN;
        int ready;
        while ((ready = poll(&wait, 1, Patience)) < 0 && errno == EINTR)
            continue;
        byte welcome;
        ucred peer;
        uint length = (uint)sizeof(ucred);
        // a holder that was about to end closes without a word
        bool welcomed = ready == 1 && read(fd, &welcome, 1) == 1;
        bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0;
        close(fd);
        if (!welcomed)
            return ready == 1 ? Registration.NoHolder : Registration.Odd;

        path.Cut(end);
        path.Add(".entry"u8);
        if (!known || !HolderEntry.TryRead(path.Bytes, out entry) || !CString.IsSame(entry.Key, key) || peer.pid != entry.Pid || peer.uid != geteuid())
            return Registration.Odd;
        // the descriptor first: where the pid was used again in between, the start time tells, and a process that has ended cannot be joined
        holder = pidfd_open(entry.Pid);
        return holder >= 0 && ProcStat.StartTime(entry.Pid) == entry.StartTime ? Registration.Done : Registration.Odd;
    }

    /// <summary>
    /// The lock of whoever starts the holder of these files; or, where another has it, waits until that one is done. Less than 0 then, and where it cannot be had.
    /// </summary>
    public static int LockOrWait(byte* files)
    {
        Text path = default;
        path.Add(files);
        path.Add(".lock"u8);
        int fd = open(path.Bytes, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0x180 /* 0600 */);
        if (fd < 0)
            return -1;
        statx_t ours, named;
        byte empty = 0;
        if (flock(fd, LOCK_EX | LOCK_NB) != 0)
            flock(fd, LOCK_SH);
        // its last holder may have removed the one that we opened
        else if (statx(fd, &empty, AT_EMPTY_PATH, STATX_BASIC_STATS, &ours) == 0
            && statx(AT_FDCWD, path.Bytes, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &named) == 0 && ours.stx_ino == named.stx_ino)
            return fd;
        close(fd);
        return -1;
    }

    /// <summary>Joins the holder's user and mount namespace: both or none.</summary>
    public static bool TryJoin(int holder) => setns(holder, CLONE_NEWUSER | CLONE_NEWNS) == 0;

    /// <summary>Becomes the command; returns only what the exit code is where that cannot be.</summary>
    /// <param name="workingDirectory">Outside. It is kept where the same directory is seen inside.</param>
    public static int Become(byte** command, byte** environment, ref HolderEntry entry, byte* workingDirectory)
    {
        byte* visible = null;
        while ((visible = entry.Next((byte)'d', visible)) != null && !TextPath.IsBelow(workingDirectory, visible))
            continue;
        if (visible != null && chdir(workingDirectory) != 0)
            return Complain(workingDirectory, ": this working directory cannot be entered in the container"u8, errno, 125);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        int error = Execute(command, environment);
        return error == ENOENT
            ? Complain(command[0], CString.Find(command[0], (byte)'/') != null && access(command[0], F_OK) == 0
                ? ": the interpreter or loader that this file names is not in the container"u8 : ": this command is not in the container"u8, error, 127)
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
