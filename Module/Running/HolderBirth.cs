using System.Globalization;
using System.Runtime.InteropServices;
using Slipway.Linux;
using static Slipway.Linux.LibC;

namespace Slipway.Running;

/// <summary>
/// Starts a holder. A process with a second thread, as a .NET one has, can make no user namespace for itself but for a child: so the holder comes
/// of raw clones, whose children do nothing but system calls on what was prepared before, until they exec.
/// </summary>
/// <remarks>
/// <code>
/// rank ── clone ── parent: setpgid, clone ────────── holder (new user and mount namespace): waits for its id maps,
///                  writes the holder's id maps,        opens /dev/fuse, mounts, clones the FUSE server, execs "slipway holder"
///                  exits: the holder is nobody's           └─ FUSE server: execs squashfuse
///                  child, so no rank ever sees it end
/// </code>
/// A user's FUSE mount is made in a namespace where id 0 is the user, so that the image's files, root's, are the user's own: an overlay can then change
/// them, and programs that mind who owns their configuration (ssh) are content. From there the holder goes on to one where the user's ids are themselves.
/// The FUSE server is not in the mount namespace that its mount is put into: when the last process of the container has gone, however that went, the mount goes, and
/// with it the server. SIGTERM at the end of a step is for the ranks, which may be saving their state: server and holder ignore it.
/// </remarks>
internal static unsafe class HolderBirth
{
    /// <summary>Descriptors that the holder is born with, besides /dev/null on 0 to 2.</summary>
    public const int ReadyFd = 3, MountFd = 4, ServerLogFd = 5, ServerFd = 6;

    /// <summary>Descriptors are moved to this or above before they are moved to their places, so that none is overwritten.</summary>
    const int High = 10, F_DUPFD = 0;

    struct Prepared
    {
        public byte* DevNull, DevFuse, Self, Fuse, KeySource, KeyFd, KeyRootMode, RootMode, KeyUser, KeyGroup, Zero, KeyAllowOther, Source;
        public byte** HolderArguments, HolderEnvironment, ServerArguments;
        public byte* Server, Maps, GroupMaps, OwnMaps, OwnGroupMaps, Deny;
        public int MapsLength, GroupMapsLength, OwnMapsLength, OwnGroupMapsLength, DenyLength;
        public int Ready, Log, Mount, GatePipeRead, GatePipeWrite;
        public bool ByFuse, Root;
    }

    /// <summary>Starts one and waits until it is ready.</summary>
    /// <param name="arguments">Of <c>slipway holder</c>.</param>
    /// <exception cref="SlipwayException">What the holder said why it could not be made.</exception>
    public static void Start(IReadOnlyList<string> arguments, ImageMount image)
    {
        Prepared p = Prepare(arguments, image);
        int* ready = stackalloc int[2], gate = stackalloc int[2];
        if (pipe2(ready, O_CLOEXEC) != 0 || pipe2(gate, O_CLOEXEC) != 0)
            throw Error($"no pipe can be made (errno {errno})");
        byte log = 0;
        p.Log = memfd_create(&log, 0);
        p.Ready = ready[1];
        p.GatePipeRead = gate[0];
        p.GatePipeWrite = gate[1];

        int parent = clone3(0);
        if (parent == 0)
            Parent(&p);
        close(ready[1]);
        close(gate[0]);
        close(gate[1]);
        if (parent < 0)
            throw Error($"no process can be made (errno {errno})");
        int status;
        waitpid(parent, &status, 0);
        string said = ReadAll(ready[0]);
        close(ready[0]);
        string serverLog = ReadLog(p.Log);
        close(p.Log);
        if (said == "ok")
            return;
        throw Explain(said, serverLog, image.Image);
    }

    static SlipwayException Error(string message, string? recommendation = null) => new("ContainerNotMade", ErrorKind.InvalidOperation, message, recommendation);

    /// <summary>The children before their exec can say a letter and an errno; the holder says a sentence.</summary>
    static SlipwayException Explain(string said, string serverLog, string imagePath)
    {
        serverLog = serverLog.ReplaceLineEndings(" ").Trim();
        bool isCode = said.Length > 1 && said.Skip(1).All(char.IsAsciiDigit);
        string error = isCode ? said[1..] : "";
        return (isCode ? said[..1] : said) switch
        {
            "U" => Error($"no user namespace can be made (errno {error})", "Allow user namespaces: /proc/sys/user/max_user_namespaces must not be 0, nor (Debian, Ubuntu) unprivileged ones switched off by sysctl."),
            "M" => Error($"the ids of the user namespace cannot be set (errno {error})", "Check that a security policy (AppArmor, SELinux) allows user namespaces for slipway."),
            "F" => Error($"/dev/fuse cannot be opened (errno {error}), so the image cannot be mounted by a user", "Load the kernel's fuse module (modprobe fuse) and give /dev/fuse the mode 0666, or have root mount the image (slipway prolog)."),
            "S" => Error($"the FUSE mount cannot be made (errno {error})", "Unprivileged FUSE takes kernel 4.18 or later; the mount calls kernel 5.11."),
            "X" => Error($"the holder cannot be started (errno {error})"),
            "" => Error($"{imagePath}: the holder ended before the container was ready{(serverLog.Length > 0 ? ": " + serverLog : "")}"),
            _ => Error(said.Split('\n')[0] + (serverLog.Length > 0 ? $": {serverLog}" : ""), said.Split('\n', 2) is [_, { Length: > 0 } advice] ? advice : null),
        };
    }

    static string ReadAll(int fd)
    {
        byte* buffer = stackalloc byte[4096];
        int length = 0;
        while (length < 4096 && read(fd, buffer + length, (nuint)(4096 - length)) is > 0 and var n)
            length += (int)n;
        return System.Text.Encoding.UTF8.GetString(buffer, length);
    }

    static string ReadLog(int fd)
    {
        byte* buffer = stackalloc byte[2048];
        nint n = fd < 0 ? 0 : pread(fd, buffer, 2048, 0);
        return System.Text.Encoding.UTF8.GetString(buffer, (int)Math.Max(n, 0));
    }

    static Prepared Prepare(IReadOnlyList<string> arguments, ImageMount image)
    {
        uint uid = geteuid(), gid = getgid();
        bool root = uid == 0, byFuse = image.Server is not null;
        // root keeps every id, so that files of any owner look as they are; a user may map only its own
        string Map(uint id, string file) => root ? Same(file) : string.Create(CultureInfo.InvariantCulture, $"{(byFuse ? 0 : id)} {id} 1");
        string OwnMap(uint id) => string.Create(CultureInfo.InvariantCulture, $"{id} 0 1");
        string maps = Map(uid, "/proc/self/uid_map"), groupMaps = Map(gid, "/proc/self/gid_map"), ownMaps = OwnMap(uid), ownGroupMaps = OwnMap(gid);
        Prepared p = new()
        {
            DevNull = NativeStrings.Of("/dev/null"), DevFuse = NativeStrings.Of("/dev/fuse"), Self = NativeStrings.Of("/proc/self/exe"), Fuse = NativeStrings.Of("fuse"),
            KeySource = NativeStrings.Of("source"), KeyFd = NativeStrings.Of("fd"), KeyRootMode = NativeStrings.Of("rootmode"), RootMode = NativeStrings.Of("40000"),
            KeyUser = NativeStrings.Of("user_id"), KeyGroup = NativeStrings.Of("group_id"), Zero = NativeStrings.Of("0"),
            // the user's other groups, and a rank after newgrp(1), may read too
            KeyAllowOther = NativeStrings.Of("allow_other"),
            HolderArguments = NativeStrings.Vector(["slipway", "holder", .. arguments]),
            HolderEnvironment = NativeStrings.Vector(NativeStrings.Environment()),
            Maps = NativeStrings.Of(maps), MapsLength = maps.Length, GroupMaps = NativeStrings.Of(groupMaps), GroupMapsLength = groupMaps.Length,
            OwnMaps = NativeStrings.Of(ownMaps), OwnMapsLength = ownMaps.Length, OwnGroupMaps = NativeStrings.Of(ownGroupMaps), OwnGroupMapsLength = ownGroupMaps.Length,
            Deny = NativeStrings.Of("deny"), DenyLength = 4, Root = root, Mount = image.Fd, ByFuse = byFuse, Source = NativeStrings.Of("slipway:" + image.Image),
        };
        if (image.Server is { } server)
        {
            p.Server = NativeStrings.Of(server);
            p.ServerArguments = NativeStrings.Vector([image.Rung, "-f", image.Image, "/dev/fd/3"]);
        }
        return p;
    }

    /// <summary>Every id that our own namespace has, as itself (user_namespaces(7)): root may be root of a namespace only.</summary>
    static string Same(string file) => string.Join('\n', (SmallFile.Read(file) ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(f => $"{f[0]} {f[0]} {f[2]}"));

    // From here to the end: children of a raw clone. System calls on what is in Prepared, nothing else: no allocation, no exception, no string.

    static void Die(Prepared* p, byte what)
    {
        int error = errno;
        byte* text = stackalloc byte[16];
        text[0] = what;
        int length = 1 + Digits(text + 1, error);
        write(p->Ready, text, (nuint)length);
        _exit(125);
    }

    static int Digits(byte* to, int number)
    {
        int length = 1;
        for (int n = number; n >= 10; n /= 10)
            length++;
        for (int i = length - 1; i >= 0; i--, number /= 10)
            to[i] = (byte)('0' + number % 10);
        return length;
    }

    static void Parent(Prepared* p)
    {
        // out of the terminal's reach, but in the ranks' session: in another one the scheduler (sched(7), autogroup) would let them wait for the FUSE server
        setpgid(0, 0);
        int holder = clone3(CLONE_NEWUSER | CLONE_NEWNS);
        if (holder == 0)
            Holder(p);
        if (holder < 0)
            Die(p, (byte)'U');
        bool ok = p->Root || WriteProc(holder, "/setgroups"u8, p->Deny, p->DenyLength);
        if (!ok || !WriteProc(holder, "/uid_map"u8, p->Maps, p->MapsLength) || !WriteProc(holder, "/gid_map"u8, p->GroupMaps, p->GroupMapsLength))
        {
            int error = errno;
            kill(holder, SIGKILL);
            Die(p, (byte)'M');
        }
        byte go = 1;
        write(p->GatePipeWrite, &go, 1);
        _exit(0);
    }

    static bool WriteProc(int pid, ReadOnlySpan<byte> file, byte* content, int length)
    {
        byte* path = stackalloc byte[64];
        int n = 0;
        foreach (byte b in "/proc/"u8)
            path[n++] = b;
        n += Digits(path + n, pid);
        foreach (byte b in file)
            path[n++] = b;
        path[n] = 0;
        int fd = open(path, O_WRONLY | O_CLOEXEC, 0);
        bool ok = fd >= 0 && write(fd, content, (nuint)length) == length;
        if (fd >= 0)
            close(fd);
        return ok;
    }

    static void Holder(Prepared* p)
    {
        byte go;
        if (read(p->GatePipeRead, &go, 1) != 1)
            _exit(125);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        signal(SIGHUP, 1);
        signal(SIGINT, 1);
        signal(SIGTERM, 1);
        int mount = p->Mount, server = -1;
        if (p->ByFuse)
        {
            mount = MountByFuse(p, &server);
            int self = getpid();
            if (!p->Root && (unshare((int)(CLONE_NEWUSER | CLONE_NEWNS)) != 0
                || !WriteProc(self, "/uid_map"u8, p->OwnMaps, p->OwnMapsLength) || !WriteProc(self, "/gid_map"u8, p->OwnGroupMaps, p->OwnGroupMapsLength)))
                Die(p, (byte)'M');
        }

        int ready = fcntl(p->Ready, F_DUPFD, High), image = fcntl(mount, F_DUPFD, High), log = fcntl(p->Log, F_DUPFD, High), watch = fcntl(server, F_DUPFD, High);
        int nothing = open(p->DevNull, O_RDWR, 0);
        for (int fd = 0; fd < 3; fd++)
            dup2(nothing, fd);
        // each place is taken, so that nothing that the holder opens lands there
        dup2(ready, ReadyFd);
        dup2(image >= 0 ? image : nothing, MountFd);
        dup2(log, ServerLogFd);
        dup2(watch >= 0 ? watch : nothing, ServerFd);
        p->Ready = ReadyFd;
        close_range(ServerFd + 1, uint.MaxValue);
        KeepOverExec(CAP_SYS_ADMIN);
        KeepOverExec(CAP_SYS_CHROOT);
        KeepOverExec(CAP_DAC_OVERRIDE);
        execve(p->Self, p->HolderArguments, p->HolderEnvironment);
        Die(p, (byte)'X');
    }

    /// <summary>A detached FUSE mount of the image, and its server. The device is opened here, since the kernel wants it opened in the namespace that mounts.</summary>
    /// <param name="watch">Gets a pidfd of the server.</param>
    static int MountByFuse(Prepared* p, int* watch)
    {
        int device = open(p->DevFuse, O_RDWR | O_CLOEXEC, 0);
        if (device < 0)
            Die(p, (byte)'F');
        byte* number = stackalloc byte[16];
        number[Digits(number, device)] = 0;
        int context = fsopen(p->Fuse);
        bool ok = context >= 0
            && fsconfig(context, FSCONFIG_SET_STRING, p->KeySource, p->Source, 0) == 0
            && fsconfig(context, FSCONFIG_SET_STRING, p->KeyFd, number, 0) == 0
            && fsconfig(context, FSCONFIG_SET_STRING, p->KeyRootMode, p->RootMode, 0) == 0
            && fsconfig(context, FSCONFIG_SET_STRING, p->KeyUser, p->Zero, 0) == 0
            && fsconfig(context, FSCONFIG_SET_STRING, p->KeyGroup, p->Zero, 0) == 0
            && fsconfig(context, FSCONFIG_SET_FLAG, p->KeyAllowOther, null, 0) == 0
            && fsconfig(context, FSCONFIG_CMD_CREATE, null, null, 0) == 0;
        int mount = ok ? fsmount(context, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY) : -1;
        if (mount < 0)
            Die(p, (byte)'S');
        // a user's holder leaves this mount namespace to its server; root's stays, so the server gets a copy
        int server = clone3(p->Root ? CLONE_NEWNS : 0);
        if (server == 0)
            Server(p, device);
        *watch = pidfd_open(server);
        return mount;
    }

    static void Server(Prepared* p, int device)
    {
        int fuse = fcntl(device, F_DUPFD, High), log = fcntl(p->Log, F_DUPFD, High), nothing = open(p->DevNull, O_RDWR, 0);
        dup2(nothing, 0);
        dup2(nothing, 1);
        dup2(log, 2);
        dup2(fuse, 3);
        close_range(4, uint.MaxValue);
        execve(p->Server, p->ServerArguments, p->HolderEnvironment);
        _exit(127);
    }
}
