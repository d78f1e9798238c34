#if FRONT
using static Slipway.Front.LibC;
using socklen_t = uint;
#endif

namespace Slipway.Shared;

/// <summary>
/// The socket at which a holder lets its ranks in: what each side says there. Between ranks of two versions nothing is said (
/// <see cref="RankTables.HolderVersion"/>).
/// </summary>
static unsafe class HolderSocket
{
    /// <summary>
    /// How many ranks may wait for a holder that is being started; the kernel has a limit of its own (net.core.somaxconn).
    /// </summary>
    const int Waiting = 4096;

    public enum Answer
    {
        Welcome,

        /// <summary>Nobody listens.</summary>
        NoHolder,

        /// <summary>A holder that was about to end closed without a word.</summary>
        Closed,

        /// <summary>There is one, and it does not answer.</summary>
        Silent,

        /// <summary>Whoever answered is not this user.</summary>
        NotOurs,

        /// <summary>No connection can be made.</summary>
        Unreachable,
    }

    /// <summary>Registers this process with the holder that listens at a socket.</summary>
    /// <param name="deadline">Until when its answer is waited for (<see cref="Now"/>): it may be being started.</param>
    /// <param name="pid">The number that it says it has.</param>
    /// <param name="holder">A pidfd of the holder, from its own hand: no later process of that number can be taken for it.</param>
    public static Answer Join(byte* path, long deadline, out int pid, out int holder)
    {
        pid = 0;
        holder = -1;
        sockaddr_un address;
        int fd;
        if (!TryAddress(path, &address) || (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
            return Answer.Unreachable;
        if (connect(fd, (sockaddr*)&address, (uint)sizeof(sockaddr_un)) != 0)
        {
            int error = errno;
            close(fd);
            return error == ENOENT || error == ECONNREFUSED ? Answer.NoHolder : Answer.Unreachable;
        }
        Answer answer = Receive(fd, deadline, ref pid, ref holder);
        if (answer == Answer.Welcome && !IsOurs(fd, null))
        {
            close(holder);
            holder = -1;
            answer = Answer.NotOurs;
        }
        close(fd);
        return answer;
    }

    /// <summary>True where a process of this user is at the other end.</summary>
    /// <param name="pid">Gets its number; may be null.</param>
    public static bool IsOurs(int fd, int* pid)
    {
        ucred peer;
        socklen_t length = (uint)sizeof(ucred);
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || peer.uid != geteuid())
            return false;
        if (pid != null)
            *pid = peer.pid;
        return true;
    }

    static Answer Receive(int fd, long deadline, ref int pid, ref int holder)
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
            return Answer.Silent;
        int number = 0;
        PassedDescriptor control = default;
        iovec data;
        msghdr message = Message(&data, &number, &control);
        if ((long)recvmsg(fd, &message, MSG_CMSG_CLOEXEC) != sizeof(int) || control.Descriptor < 0)
            return Answer.Closed;
        pid = number;
        holder = control.Descriptor;
        return Answer.Welcome;
    }

    static msghdr Message(iovec* data, int* number, PassedDescriptor* control)
    {
        data->iov_base = number;
        data->iov_len = sizeof(int);
        msghdr message = default;
        message.msg_iov = data;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = (uint)sizeof(PassedDescriptor);
        return message;
    }

    /// <summary>A socket that listens, where a holder that was killed may have left one; less than 0 where it cannot be made.</summary>
    public static int Listen(byte* path)
    {
        sockaddr_un address;
        if (!TryAddress(path, &address))
            return -1;
        unlink(path);
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (bind(listener, (sockaddr*)&address, (uint)sizeof(sockaddr_un)) == 0 && listen(listener, Waiting) == 0)
            return listener;
        int error = errno;
        if (listener >= 0)
            close(listener);
        SetErrno(error);
        return -1;
    }

    /// <summary>False where a path is too long for sun_path (unix(7): 108 bytes with the zero that ends it).</summary>
    static bool TryAddress(byte* path, sockaddr_un* address)
    {
        const int room = 108;
        *address = default;
        address->sun_family = AF_UNIX;
        nuint length = CString.Length(path);
        if (length >= room)
        {
            SetErrno(ENAMETOOLONG);
            return false;
        }
        for (nuint i = 0; i < length; i++)
            address->sun_path[i] = path[i];
        return true;
    }
#if !FRONT

    /// <summary>A holder's word to a rank: its number, and itself as a descriptor, wherever /proc shows it or not.</summary>
    /// <param name="self">Its own pidfd.</param>
    public static bool TryWelcome(int rank, int self)
    {
        int pid = getpid();
        PassedDescriptor control = PassedDescriptor.Of(self);
        iovec data;
        msghdr message = Message(&data, &pid, &control);
        return (long)sendmsg(rank, &message, MSG_NOSIGNAL) == sizeof(int);
    }

    /// <summary>Milliseconds of a clock that nobody sets.</summary>
    static long Now() => System.Environment.TickCount64;

    static void SetErrno(int error) => System.Runtime.InteropServices.Marshal.SetLastPInvokeError(error);
#endif
}
