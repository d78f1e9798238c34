#if FRONT
using static Slipway.Front.LibC;
#endif

namespace Slipway.Shared;

/// <summary>
/// The processes between a rank and its holder: children of raw clones, which do nothing but system calls on what was prepared before,
/// until they exec. No allocation, no exception, no string. Compiled into the full launcher and into the front, since either may start a
/// holder.
/// </summary>
/// <remarks>
/// <code>
/// rank ── clone ── parent: setpgid, clone ────────── holder (new user and mount namespace): writes its id maps,
///                  for root writes the id maps,        opens /dev/fuse, mounts, clones the FUSE server, execs "slipway holder"
///                  exits: the holder is nobody's           └─ FUSE server: execs squashfuse
///                  child, so no rank ever sees it end
/// </code>
/// A user's FUSE mount is made in a namespace where id 0 is the user, so that the image's files, root's, are the user's own: an overlay can
/// then change them, and programs that mind who owns their configuration (ssh) are content. From there the holder goes on to one where the
/// user's ids are themselves. The FUSE server is not in the mount namespace that its mount is put into: when the last process of the
/// container has gone, however that went, the mount goes, and with it the server. SIGTERM at the end of a step is for the ranks, which may
/// be saving their state: server and holder ignore it.
/// </remarks>
static unsafe class HolderChildren
{
    /// <summary>Descriptors that the holder is born with, besides /dev/null on 0 to 2.</summary>
    public const int ReadyFd = 3, MountFd = 4, ServerLogFd = 5, ServerFd = 6, LockFd = 7, ListenFd = 8;

    /// <summary>Those that the FUSE server has besides: the device, and the image.</summary>
    const int DeviceFd = 3, ImageFd = 4;

    /// <summary>
    /// What the FUSE server is told to serve, and where: descriptors both. Whatever becomes of the image's name, this is the file that was
    /// chosen.
    /// </summary>
    public static ReadOnlySpan<byte> ImagePath => "/proc/self/fd/4"u8;

    public static ReadOnlySpan<byte> MountPoint => "/dev/fd/3"u8;

    /// <summary>
    /// A holder is ready in a fraction of a second, and an image's scripts may take ten: what takes longer is stopped or hung.
    /// Milliseconds.
    /// </summary>
    public const int Patience = 30_000;

    /// <summary>
    /// What is said of a holder that does not come to say anything itself: one of these letters, and an errno. It was not ready in time
    /// (ETIMEDOUT).
    /// </summary>
    public const byte TimedOut = (byte)'T';

    /// <summary>
    /// Likewise: what cannot be had is the user namespace, its id maps, /dev/fuse, the FUSE mount, or the holder's program.
    /// </summary>
    public const byte NoNamespace = (byte)'U', NoIdMaps = (byte)'M', NoFuseDevice = (byte)'F',
        NoFuseMount = (byte)'S', NoProgram = (byte)'X';

    /// <summary>Descriptors are moved to this or above before they are moved to their places, so that none is overwritten.</summary>
    const int High = 10;

    /// <summary>What the children work on: made before the first clone.</summary>
    public struct Prepared
    {
        /// <summary>The full launcher.</summary>
        public byte* Launcher;

        public byte** HolderArguments, ServerArguments, Environment;

        /// <summary>
        /// The FUSE server; null where the image needs none, and <see cref="Mount"/> is its mount, or it lies in a directory.
        /// </summary>
        public byte* Server;

        /// <summary>What the FUSE mount is called in mountinfo.</summary>
        public byte* Source;

        public uint User, Group;

        /// <summary>A detached mount of the image; -1 where there is none yet.</summary>
        public int Mount;

        /// <summary>
        /// The image, open for reading, for the FUSE server. What locks this open file has (flock(2)), the server has as long as it lives.
        /// </summary>
        public int Image;

        /// <summary>The holder's lock, and the socket at which it listens (HolderClaim).</summary>
        public int Lock, Listener;

        /// <summary>What the FUSE server says.</summary>
        public int Log;

        /// <summary>Where the holder, or a child before it, says how it went; and where root's waits for its id maps.</summary>
        internal int Ready, GateRead, GateWrite, Born;

        /// <summary>
        /// For root alone, the id maps. Root keeps every id, so that files of any owner look as they are; a user may map only its own.
        /// </summary>
        public byte* RootMap, RootGroupMap;

        internal readonly bool Root => User == 0;
    }

    /// <summary>Starts a holder and waits until it is ready, or has said why it is not.</summary>
    /// <returns>The length of what was said: <c>ok</c> and a warning to pass on, a letter and an errno, or a sentence; less than 0, an
    /// errno negated, where nothing could be started.</returns>
    public static int Start(Prepared* p, byte* said, int room)
    {
        int* ready = stackalloc int[2], gate = stackalloc int[2], born = stackalloc int[2];
        if (pipe2(ready, O_CLOEXEC) != 0 || pipe2(gate, O_CLOEXEC) != 0 || pipe2(born, O_CLOEXEC) != 0)
            return -errno;
        byte name = 0;
        p->Log = memfd_create(&name, MFD_CLOEXEC);
        p->Ready = ready[1];
        p->GateRead = gate[0];
        p->GateWrite = gate[1];
        p->Born = born[1];
        int parent = clone3(0), error = parent < 0 ? errno : 0;
        if (parent == 0)
            Parent(p);
        close(ready[1]);
        close(gate[0]);
        close(gate[1]);
        close(born[1]);
        if (parent < 0)
            return -error;
        int status, holder = 0;
        waitpid(parent, &status, 0);
        read(born[0], &holder, sizeof(int));
        close(born[0]);
        int length = Listen(ready[0], holder, said, room);
        close(ready[0]);
        return length;
    }

    /// <summary>Reads what the holder says until it has said all, or its time is over: then it is killed.</summary>
    static int Listen(int ready, int holder, byte* said, int room)
    {
        int length = 0;
        pollfd wait = default;
        wait.fd = ready;
        wait.events = POLLIN;
        while (length < room)
        {
            int came = poll(&wait, 1, Patience);
            if (came < 0 && errno == EINTR)
                continue;
            if (came == 0)
            {
                // it has the other end of the pipe, so it lives, and the number is its own
                if (holder > 0)
                    kill(holder, SIGKILL);
                said[0] = TimedOut;
                return 1 + ProcPath.Digits(said + 1, (uint)ETIMEDOUT);
            }
            long n = read(ready, said + length, (uint)(room - length));
            if (n <= 0)
                break;
            length += (int)n;
        }
        return length;
    }

    static void Die(Prepared* p, byte what) => Die(p, what, errno);

    static void Die(Prepared* p, byte what, int error)
    {
        byte* text = stackalloc byte[16];
        text[0] = what;
        int length = 1 + ProcPath.Digits(text + 1, (uint)error);
        write(p->Ready, text, (uint)length);
        _exit(125);
    }

    static void Parent(Prepared* p)
    {
        // out of the terminal's reach, but in the ranks' session: in another one the scheduler (sched(7), autogroup) would let them wait
        // for the FUSE server
        setpgid(0, 0);
        int holder = clone3(CLONE_NEWUSER | CLONE_NEWNS);
        if (holder == 0)
            Holder(p);
        if (holder < 0)
            Die(p, NoNamespace);
        write(p->Born, &holder, sizeof(int));
        if (p->Root)
        {
            if (!WriteProc(holder, "/uid_map"u8, p->RootMap, (int)CString.Length(p->RootMap))
                || !WriteProc(holder, "/gid_map"u8, p->RootGroupMap, (int)CString.Length(p->RootGroupMap)))
            {
                int error = errno;
                kill(holder, SIGKILL);
                Die(p, NoIdMaps, error);
            }
            byte go = 1;
            write(p->GateWrite, &go, 1);
        }
        _exit(0);
    }

    /// <summary>One id of the namespace, and what it is outside.</summary>
    static bool WriteMap(int pid, ReadOnlySpan<byte> file, uint inside, uint outside)
    {
        byte* map = stackalloc byte[32];
        int n = ProcPath.Digits(map, inside);
        map[n++] = (byte)' ';
        n += ProcPath.Digits(map + n, outside);
        map[n++] = (byte)' ';
        map[n++] = (byte)'1';
        return WriteProc(pid, file, map, n);
    }

    static bool Deny(int pid)
    {
        fixed (byte* deny = "deny"u8)
            return WriteProc(pid, "/setgroups"u8, deny, 4);
    }

    static bool WriteProc(int pid, ReadOnlySpan<byte> file, byte* content, int length)
    {
        byte* path = stackalloc byte[ProcPath.Room];
        ProcPath.Write(path, pid, file);
        int fd = open(path, O_WRONLY | O_CLOEXEC, 0);
        if (fd < 0)
            return false;
        if (write(fd, content, (uint)length) != length)
            return false; // and left open: its errno is to be told, and we end
        close(fd);
        return true;
    }

    static void Holder(Prepared* p)
    {
        byte go;
        int self = getpid();
        if (p->Root)
        {
            // only from outside may more than one's own id be mapped
            close(p->GateWrite);
            if (read(p->GateRead, &go, 1) != 1)
                _exit(125);
        }
        // the image's files, root's, are the user's own where a FUSE mount is made
        else if (!Deny(self) || !WriteMap(self, "/uid_map"u8, p->Server != null ? 0 : p->User, p->User)
            || !WriteMap(self, "/gid_map"u8, p->Server != null ? 0 : p->Group, p->Group))
            Die(p, NoIdMaps);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        signal(SIGHUP, 1);
        signal(SIGINT, 1);
        signal(SIGTERM, 1);
        int mount = p->Mount, server = -1;
        if (p->Server != null)
        {
            mount = MountByFuse(p, &server);
            if (!p->Root && (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || !WriteMap(self, "/uid_map"u8, p->User, 0)
                || !WriteMap(self, "/gid_map"u8, p->Group, 0)))
                Die(p, NoIdMaps);
        }

        int ready = fcntl(p->Ready, F_DUPFD, High), image = fcntl(mount, F_DUPFD, High), log = fcntl(p->Log, F_DUPFD, High),
        watch = fcntl(server, F_DUPFD, High);
        int held = fcntl(p->Lock, F_DUPFD, High), listener = fcntl(p->Listener, F_DUPFD, High);
        int nothing = OpenNull();
        for (int fd = 0; fd < 3; fd++)
            dup2(nothing, fd);
        // each place is taken, so that nothing that the holder opens lands there
        dup2(ready, ReadyFd);
        dup2(image >= 0 ? image : nothing, MountFd);
        dup2(log, ServerLogFd);
        dup2(watch >= 0 ? watch : nothing, ServerFd);
        dup2(held, LockFd);
        dup2(listener, ListenFd);
        p->Ready = ReadyFd;
        close_range(ListenFd + 1, uint.MaxValue);
        KeepOverExec(CAP_SYS_ADMIN);
        KeepOverExec(CAP_SYS_CHROOT);
        KeepOverExec(CAP_DAC_OVERRIDE);
        execve(p->Launcher, p->HolderArguments, p->Environment);
        Die(p, NoProgram);
    }

    static int OpenNull()
    {
        fixed (byte* path = "/dev/null"u8)
            return open(path, O_RDWR, 0);
    }

    /// <summary>
    /// A detached FUSE mount of the image, and its server. The device is opened here, since the kernel wants it opened in the namespace
    /// that mounts.
    /// </summary>
    /// <param name="watch">Gets a pidfd of the server.</param>
    static int MountByFuse(Prepared* p, int* watch)
    {
        // a zero follows each of these texts (C#, "UTF-8 string literals")
        fixed (byte* path = "/dev/fuse"u8, type = "fuse"u8, source = "source"u8, fd = "fd"u8, rootMode = "rootmode"u8,
            directory = "40000"u8, user = "user_id"u8, group = "group_id"u8,
            zero = "0"u8, allowOther = "allow_other"u8)
        {
            int device = open(path, O_RDWR | O_CLOEXEC, 0);
            if (device < 0)
                Die(p, NoFuseDevice);
            byte* number = stackalloc byte[16];
            number[ProcPath.Digits(number, (uint)device)] = 0;
            int context = fsopen(type);
            bool ok = context >= 0
                && fsconfig(context, FSCONFIG_SET_STRING, source, p->Source, 0) == 0
                && fsconfig(context, FSCONFIG_SET_STRING, fd, number, 0) == 0
                && fsconfig(context, FSCONFIG_SET_STRING, rootMode, directory, 0) == 0
                && fsconfig(context, FSCONFIG_SET_STRING, user, zero, 0) == 0
                && fsconfig(context, FSCONFIG_SET_STRING, group, zero, 0) == 0
                // the user's other groups, and a rank after newgrp(1), may read too
                && fsconfig(context, FSCONFIG_SET_FLAG, allowOther, null, 0) == 0
                && fsconfig(context, FSCONFIG_CMD_CREATE, null, null, 0) == 0;
            int mount = ok ? fsmount(context, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY) : -1;
            if (mount < 0)
                Die(p, NoFuseMount);
            // a user's holder leaves this mount namespace to its server; root's stays, so the server gets a copy
            int server = clone3(p->Root ? CLONE_NEWNS : 0);
            if (server == 0)
                Server(p, device);
            *watch = pidfd_open(server);
            return mount;
        }
    }

    static void Server(Prepared* p, int device)
    {
        int fuse = fcntl(device, F_DUPFD, High), log = fcntl(p->Log, F_DUPFD, High), image = fcntl(p->Image, F_DUPFD, High),
        nothing = OpenNull();
        dup2(nothing, 0);
        dup2(nothing, 1);
        dup2(log, 2);
        dup2(fuse, DeviceFd);
        dup2(image, ImageFd);
        close_range(ImageFd + 1, uint.MaxValue);
        execve(p->Server, p->ServerArguments, p->Environment);
        _exit(127);
    }
}
