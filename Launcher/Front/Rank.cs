using System;
using static Slipway.Front.LibC;

namespace Slipway.Front;

/// <summary>A process on its way into a container.</summary>
static unsafe class Rank
{
    /// <summary>How many ranks may wait for a holder that is being started (HolderClaim.Waiting).</summary>
    const int Waiting = 4096;

    public enum Registration
    {
        Done,
        NoHolder,

        /// <summary>Something is not as it should be.</summary>
        Odd,

        /// <summary>There is one, and it does not answer.</summary>
        Silent,
    }

    /// <summary>The right to start a holder (HolderClaim): its lock, and the socket at which it will listen.</summary>
    public struct Claim
    {
        public int Held, Listener;
    }

    static bool TryAddress(byte* files, out sockaddr_un address)
    {
        address = default;
        Text path = default;
        path.Add(files);
        path.Add(".sock"u8);
        address.sun_family = AF_UNIX;
        if (path.Length >= 108)
            return false;
        for (nuint i = 0; i < path.Length; i++)
            address.sun_path[i] = path.Bytes[i];
        return true;
    }

    /// <summary>Registers this process with the holder whose files these are, and makes sure that it is the one that the entry speaks of.</summary>
    /// <param name="files">Path of the files, without an ending.</param>
    /// <param name="deadline">Until when its answer is waited for: it may be being started.</param>
    /// <param name="holder">pidfd of the holder.</param>
    public static Registration Register(byte* files, byte* key, long deadline, ref HolderEntry entry, ref int holder)
    {
        sockaddr_un address;
        int fd;
        if (!TryAddress(files, out address) || (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
            return Registration.Odd;
        if (connect(fd, &address, (uint)sizeof(sockaddr_un)) != 0)
        {
            int error = errno;
            close(fd);
            return error is ENOENT or ECONNREFUSED ? Registration.NoHolder : Registration.Odd;
        }
        int pid = 0;
        ucred peer;
        uint length = (uint)sizeof(ucred);
        Registration welcome = Receive(fd, deadline, ref pid, ref holder);
        bool ours = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == geteuid();
        close(fd);
        if (welcome != Registration.Done)
            return welcome;
        Text path = default;
        path.Add(files);
        path.Add(".entry"u8);
        return ours && HolderEntry.TryRead(path.Bytes, out entry) && CString.IsSame(entry.Key, key) && pid == entry.Pid ? Registration.Done : Registration.Odd;
    }

    /// <summary>A control message that passes one descriptor (cmsg(3)).</summary>
    struct PassedDescriptor
    {
        public cmsghdr Header;
        public int Descriptor, Padding;
    }

    /// <summary>The holder's welcome: its number, and itself, as a descriptor that no later process of that number can be taken for.</summary>
    static Registration Receive(int fd, long deadline, ref int pid, ref int holder)
    {
        pollfd wait = default;
        wait.fd = fd;
        wait.events = POLLIN;
        int ready;
        do
        {
            long left = deadline - Now();
            ready = poll(&wait, 1, left > 0 ? (int)left : 0);
        }
        while (ready < 0 && errno == EINTR);
        if (ready == 0)
            return Registration.Silent;
        int number = 0;
        PassedDescriptor control = default;
        iovec data = default;
        data.iov_base = &number;
        data.iov_len = sizeof(int);
        msghdr message = default;
        message.msg_iov = &data;
        message.msg_iovlen = 1;
        message.msg_control = &control;
        message.msg_controllen = (nuint)sizeof(PassedDescriptor);
        // a holder that was about to end closes without a word
        if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) != sizeof(int) || control.Header.cmsg_level != SOL_SOCKET || control.Header.cmsg_type != SCM_RIGHTS)
            return Registration.NoHolder;
        pid = number;
        holder = control.Descriptor;
        return Registration.Done;
    }

    /// <summary>The right to start the holder of these files (HolderClaim.TryTake).</summary>
    /// <returns>Done; NoHolder where another has it, or has just gone; else Odd.</returns>
    public static Registration TryClaim(byte* files, ref Claim claim)
    {
        Text path = default;
        path.Add(files);
        path.Add(".lock"u8);
        int fd = open(path.Bytes, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0x180 /* 0600 */);
        if (fd < 0)
            return errno == ENOENT && ContainerKey.TryMakeDirectoryOf(files) ? Registration.NoHolder : Registration.Odd;
        if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        {
            int error = errno;
            close(fd);
            return error is EAGAIN or EINTR ? Registration.NoHolder : Registration.Odd;
        }
        // its last holder may have removed the one that we opened
        if (!IsNamed(fd, path.Bytes))
        {
            close(fd);
            return Registration.NoHolder;
        }
        claim.Held = fd;
        claim.Listener = Listen(files);
        if (claim.Listener >= 0)
            return Registration.Done;
        close(fd);
        return Registration.Odd;
    }

    /// <summary>True where a file that is open is the one that its name means now.</summary>
    static bool IsNamed(int fd, byte* path)
    {
        statx_t ours, named;
        byte empty = 0;
        return statx(fd, &empty, AT_EMPTY_PATH, STATX_BASIC_STATS, &ours) == 0 && statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &named) == 0
            && ours.stx_ino == named.stx_ino && ours.stx_dev_minor == named.stx_dev_minor && ours.stx_dev_major == named.stx_dev_major;
    }

    /// <summary>Takes the names away, if they are still those of this claim (HolderClaim.Abandon).</summary>
    public static void Abandon(byte* files, ref Claim claim)
    {
        Text path = default;
        path.Add(files);
        nuint end = path.Length;
        path.Add(".lock"u8);
        if (!IsNamed(claim.Held, path.Bytes))
            return;
        path.Cut(end);
        path.Add(".sock"u8);
        unlink(path.Bytes);
        path.Cut(end);
        path.Add(".entry"u8);
        unlink(path.Bytes);
        path.Cut(end);
        path.Add(".lock"u8);
        unlink(path.Bytes);
        path.Cut(end - 33); // a slash and the name
        rmdir(path.Bytes);
    }

    static int Listen(byte* files)
    {
        sockaddr_un address;
        if (!TryAddress(files, out address))
            return -1;
        unlink((byte*)address.sun_path); // of a holder that was killed
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (bind(listener, &address, (uint)sizeof(sockaddr_un)) == 0 && listen(listener, Waiting) == 0)
            return listener;
        if (listener >= 0)
            close(listener);
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
