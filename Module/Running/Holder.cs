using System.Globalization;
using Slipway.Linux;
using Slipway.Staging;

namespace Slipway.Running;

/// <summary>
/// The process that owns a container on a node (<c>slipway holder FILES-DIRECTORY NAME KEY IMAGE RUNG IMAGE-DIRECTORY PLAN run-arguments…</c>): it makes the mounts, counts the ranks by their
/// pidfds, and goes when the last one has gone.
/// </summary>
internal static unsafe class Holder
{
    /// <summary>How long an empty container waits for the next rank, in milliseconds: a shell loop of short commands keeps its holder.</summary>
    const int Linger = 300;

    /// <summary>Inode number of the host's own user namespace (PROC_USER_INIT_INO of the kernel's include/linux/proc_ns.h).</summary>
    const ulong InitialUserNamespace = 0xEFFFFFFD;

    /// <summary>A holder changes the root of the namespace that it is in: started by hand, as root, that would be the host's.</summary>
    static bool HasNamespacesOfItsOwn() => stat("/proc/self/ns/user", out statx found) == 0 && found.stx_ino != InitialUserNamespace;

    public static int Run(string[] arguments)
    {
        if (!HasNamespacesOfItsOwn())
            throw new SlipwayException("HolderUsage", ErrorKind.InvalidOperation, "'slipway holder' is started by 'slipway run', in namespaces of its own",
                "Start a container with slipway run.");
        prctl(PR_SET_NAME, (nint)NativeStrings.Of("slipway-holder"), 0, 0, 0);
        string said;
        bool ready = false;
        int listener = -1;
        HolderFiles files = new(arguments[0], arguments[1]);
        // the host's root will be gone when they are needed for cleaning up
        int directory = open(files.Directory, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        int parent = open(Path.GetDirectoryName(files.Directory)!, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        try
        {
            RunRequest request = RunRequest.Parse(arguments.AsSpan(7));
            SiteConfiguration site = SiteConfiguration.Read();
            List<string> warnings = [];
            FabricPlan? plan = ContainerFabric.Read(request, arguments[3], arguments[6], site, warnings.Add);
            // a job whose fabric was refused would go over TCP and look as if all were well
            if (plan?.Verdict == FabricRung.Refuse)
                warnings.Add($"fabric: {plan.Reason} (slipway fabric --explain tells more, --fabric none silences this)");
            SweepDead(files);
            listener = Listen(files.Socket);
            ContainerRoot root = new();
            root.Borrow(HostBinds.Make(request, plan, site), plan?.HiddenDeviceNodes ?? []);
            int pid = getpid();
            root.Enter(arguments[3], arguments[5].Length > 0 ? ContainerRoot.OfDirectory(arguments[5]) : HolderChildren.MountFd, request.WritableTmpfs, request.Command.FirstOrDefault());
            new HolderEntry
            {
                Key = arguments[2],
                Pid = pid,
                StartTime = ProcStat.StartTime(pid),
                Runscript = File.Exists("/.singularity.d/runscript") ? "/.singularity.d/runscript" : null,
                Mount = arguments[4],
                Visible = [.. root.Visible],
                Environment = ImageEnvironment.Read(plan),
            }.Write(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{directory}/{files.Name}.entry"));
            // the rank that started us says it for all
            said = "ok" + string.Concat(warnings.Select(ContainerFabric.Warning));
            ready = true;
        }
        catch (Exception e)
        {
            // nobody else hears of it: standard error is /dev/null
            SlipwayException error = SlipwayException.From(e);
            said = $"{error.Message}\n{error.Recommendation}";
        }
        Names names = new(parent, directory, files);
        // before whoever waits for us hears of it, and lets another start
        if (!ready)
            names.Remove();
        byte[] message = System.Text.Encoding.UTF8.GetBytes(said);
        fixed (byte* bytes = message)
            write(HolderChildren.ReadyFd, bytes, message.Length);
        close(HolderChildren.ReadyFd);
        close(HolderChildren.MountFd);
        close(HolderChildren.ServerLogFd);
        if (ready)
            Serve(listener, names, arguments[4].StartsWith("squashfuse", StringComparison.Ordinal) ? HolderChildren.ServerFd : -1);
        return ready ? 0 : 125;
    }

    static int Listen(string path)
    {
        if (!TryUnixAddress(path, out sockaddr_un address))
            throw new SlipwayException("NoRuntimeDirectory", ErrorKind.InvalidArgument, $"{path}: the path is too long for a socket", "Set XDG_RUNTIME_DIR to a shorter path.", path);
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        unlink(path); // of a holder that was killed; we are started under the lock
        if (bind(listener, (sockaddr*)&address, sizeof(sockaddr_un)) != 0 || listen(listener, 4096) != 0)
            throw new SlipwayException("NoRuntimeDirectory", ErrorKind.WriteError, $"{path}: the holder's socket cannot be made (errno {errno})", "Check that the disk of the runtime directory is not full.", path);
        return listener;
    }

    /// <summary>Removes what holders and ranks that were killed have left in the runtime directory.</summary>
    static void SweepDead(HolderFiles ours)
    {
        foreach (string name in Directory.EnumerateFiles(ours.Directory).Select(f => Path.GetFileName(f).Split('.')[0]).Distinct().ToList())
        {
            HolderFiles files = new(ours.Directory, name);
            if (name == ours.Name || HolderEntry.Read(files.Entry) is { IsAlive: true })
                continue;
            // whoever is starting a holder of this name has its lock
            int held = open(files.Lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
            if (held < 0 || flock(held, LOCK_EX | LOCK_NB) == 0)
                files.Remove();
            if (held >= 0)
                close(held);
        }
    }

    /// <summary>Lets ranks in and counts them, until the last one has gone.</summary>
    /// <param name="server">pidfd of the FUSE server; -1 where there is none.</param>
    static void Serve(int listener, Names names, int server)
    {
        List<int> ranks = [];
        while (listener >= 0 || ranks.Count > 0)
        {
            pollfd[] set = new pollfd[ranks.Count + 2];
            set[0] = new pollfd { fd = listener, events = POLLIN }; // poll(2) passes over negative ones
            set[1] = new pollfd { fd = server, events = POLLIN };
            for (int i = 0; i < ranks.Count; i++)
                set[i + 2] = new pollfd { fd = ranks[i], events = POLLIN };
            int ready = poll(set, ranks.Count > 0 ? -1 : Linger);
            if (ready == 0 && End(listener, names, ranks))
                return;
            if (set[1].revents != 0)
            {
                // without its image the container is of no use to anybody: the next rank starts another
                close(listener);
                listener = server = -1;
                set[0].revents = 0;
                names.Release();
            }
            if (set[0].revents != 0)
                Accept(listener, ranks);
            for (int i = set.Length - 1; i > 1; i--)
                if (set[i].revents != 0)
                {
                    close(set[i].fd);
                    ranks.Remove(set[i].fd);
                }
        }
    }

    static bool Accept(int listener, List<int> ranks)
    {
        bool any = false;
        while (accept4(listener, null, null, SOCK_CLOEXEC) is >= 0 and var rank)
        {
            ucred peer;
            socklen_t length = sizeof(ucred);
            // the rank waits for our answer, so its pid is its own until it has it
            if (getsockopt(rank, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == geteuid() && pidfd_open(peer.pid) is >= 0 and var pidfd)
            {
                fcntl(pidfd, F_SETFD, FD_CLOEXEC);
                ranks.Add(pidfd);
                byte welcome = 1;
                send(rank, &welcome, 1, MSG_NOSIGNAL);
                any = true;
            }
            close(rank);
        }
        return any;
    }

    /// <summary>Takes the names away under the lock, unless somebody is on its way in.</summary>
    static bool End(int listener, Names names, List<int> ranks)
    {
        if (!names.TryLock(out int held))
            return !names.Exist; // without its directory no rank can find us
        bool ended = !Accept(listener, ranks);
        if (ended)
            names.Remove();
        close(held);
        return ended;
    }

    /// <summary>A holder's names in the runtime directory, by descriptors: the host's root is no longer ours.</summary>
    sealed class Names(int parent, int directory, HolderFiles files)
    {
        string PathOf(string ending) => string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{directory}/{files.Name}{ending}");

        public bool Exist => stat(PathOf(".sock"), out _, follow: false) == 0;

        /// <summary>The lock that whoever starts or ends a holder of this name has. Never waits: who has it may be waiting for us.</summary>
        public bool TryLock(out int held)
        {
            held = open(PathOf(".lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0x180);
            if (held >= 0 && flock(held, LOCK_EX | LOCK_NB) == 0)
                return true;
            if (held >= 0)
                close(held);
            held = -1;
            return false;
        }

        /// <summary>Takes the names away, unless somebody is about to give them to a new holder.</summary>
        public void Release()
        {
            if (!TryLock(out int held))
                return;
            Remove();
            close(held);
        }

        public void Remove()
        {
            foreach (string ending in new[] { ".sock", ".entry", ".lock" })
                unlinkat(directory, NativeStrings.Of(files.Name + ending), 0);
            // the directory goes with its last holder; where another still is, this fails, and should
            unlinkat(parent, NativeStrings.Of(Path.GetFileName(files.Directory)), AT_REMOVEDIR);
        }
    }
}
