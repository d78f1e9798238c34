using System.Globalization;
using Slipway.Cache;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Running;

/// <summary>
/// <c>slipway holder</c>: the process that owns a container on a node. It makes the mounts, counts the ranks by their pidfds, and goes when
/// the last one has gone.
/// </summary>
/// <remarks>
/// A rank starts it, by <see cref="HolderChildren"/>, with <see cref="HolderArguments"/> and with the descriptors that are named there: it
/// is born in a user and a mount
/// namespace that are its own, and nobody's child. It owns the container's lock, socket and files in the runtime directory (
/// <see cref="HolderFiles"/>). It has no console: it says
/// how it went on <see cref="HolderChildren.ReadyFd"/>, and what it did in its entry and its explanation.
/// </remarks>
static unsafe class HolderProgram
{
    /// <summary>
    /// How long an empty container waits for the next rank, in milliseconds: a shell loop of short commands keeps its holder.
    /// </summary>
    const int Linger = 300;

    /// <summary>Inode number of the host's own user namespace (PROC_USER_INIT_INO of the kernel's include/linux/proc_ns.h).</summary>
    const ulong InitialUserNamespace = 0xEFFFFFFD;

    /// <summary>A holder changes the root of the namespace that it is in: started by hand, as root, that would be the host's.</summary>
    static bool HasNamespacesOfItsOwn() => stat("/proc/self/ns/user", out statx found) == 0 && found.stx_ino != InitialUserNamespace;

    public static int Run(string[] arguments)
    {
        if (!HasNamespacesOfItsOwn())
            throw RunningErrors.HolderStartedByHand();
        HolderArguments start = HolderArguments.Parse(arguments);
        prctl(PR_SET_NAME, (nint)NativeStrings.Of("slipway-holder"), 0, 0, 0);
        string said;
        bool ready = false;
        HolderFiles files = start.Files;
        foreach (int own in new[] { HolderChildren.LockFd, HolderChildren.ListenFd })
            fcntl(own, F_SETFD, FD_CLOEXEC);
        // the host's root will be gone when they are needed for cleaning up
        int directory = open(files.Directory, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        int parent = open(Path.GetDirectoryName(files.Directory)!, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        try
        {
            RunRequest request = RunRequest.Parse([.. start.Options]);
            SiteConfiguration site = SiteConfiguration.Read();
            List<string> warnings = [];
            FabricPlan? plan = ContainerFabric.Read(request, start.Image, start.Plan, site, warnings.Add);
            List<string> leftOut = [.. start.LeftOut, .. warnings];
            // a job whose fabric was refused would go over TCP and look as if all were well
            if (plan?.Verdict == FabricRung.Refuse)
                warnings.Add($"fabric: {plan.Reason} (slipway fabric --explain tells more, --fabric none silences this)");
            SweepDead(files);
            ContainerRoot root = new();
            List<HostBind> binds = HostBinds.Make(request, plan, site);
            root.Borrow(binds, plan?.HiddenDeviceNodes ?? []);
            int image = start.Mounted is { } directoryOfImage ? MountTree.OfImage(directoryOfImage) : HolderChildren.MountFd;
            root.Enter(start.Image, image, request.WritableTmpfs, request.Command.FirstOrDefault());
            List<string> environment = ImageEnvironment.Read(plan);
            string own = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{directory}");
            HolderFiles inside = new(own, files.Name);
            // before the entry, which lets ranks in. A rank that finds none says so
            OpenedFile.Write(inside.Explanation, RunExplanation.OfHolder(start, request, plan, leftOut, binds, environment),
                Mode.rw_______);
            new HolderEntry
            {
                Key = start.Key,
                Pid = getpid(),
                Runscript = File.Exists("/.singularity.d/runscript") ? "/.singularity.d/runscript" : null,
                Visible = [.. root.Visible],
                Environment = environment,
            }.Write(inside);
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
            // nobody reads where who started us gave up, and a rank that is connected already is another matter
            write(HolderChildren.ReadyFd, bytes, message.Length);
        close(HolderChildren.ReadyFd);
        close(HolderChildren.MountFd);
        close(HolderChildren.ServerLogFd);
        if (ready)
            Serve(names, ImageMount.IsServed(start.Rung) ? HolderChildren.ServerFd : -1);
        return ready ? 0 : 125;
    }

    /// <summary>
    /// Removes what holders and ranks that were killed have left in the runtime directory: nobody has the lock of their name.
    /// </summary>
    static void SweepDead(HolderFiles ours)
    {
        foreach (string name in Directory.EnumerateFiles(ours.Directory).Select(f => Path.GetFileName(f).Split('.')[0])
            .Where(n => n != ours.Name).Distinct().ToList())
        {
            HolderFiles files = new(ours.Directory, name);
            if (HolderEntry.IsOfAnotherVersion(files.Entry))
                continue;
            // made where it is not there, so that nobody starts a holder of that name meanwhile
            int held = open(files.Lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, Mode.rw_______);
            if (held >= 0 && flock(held, LOCK_EX | LOCK_NB) == 0 && HolderClaim.IsNamed(held, files.Lock))
                files.Remove();
            if (held >= 0)
                close(held);
        }
    }

    /// <summary>Lets ranks in and counts them, until the last one has gone.</summary>
    /// <param name="server">pidfd of the FUSE server; -1 where there is none.</param>
    static void Serve(Names names, int server)
    {
        int listener = HolderChildren.ListenFd, self = pidfd_open(getpid());
        List<int> ranks = [];
        while (listener >= 0 || ranks.Count > 0)
        {
            pollfd[] set = new pollfd[ranks.Count + 2];
            set[0] = new pollfd { fd = listener, events = POLLIN }; // poll(2) passes over negative ones
            set[1] = new pollfd { fd = server, events = POLLIN };
            for (int i = 0; i < ranks.Count; i++)
                set[i + 2] = new pollfd { fd = ranks[i], events = POLLIN };
            int ready = poll(set, ranks.Count > 0 ? -1 : Linger);
            // who comes after that look finds the connection closed, and starts another
            if (ready == 0 && !Accept(listener, self, ranks))
            {
                names.Remove();
                return;
            }
            if (set[1].revents != 0)
            {
                // without its image the container is of no use to anybody: the next rank starts another
                names.Remove();
                close(listener);
                listener = server = -1;
                set[0].revents = 0;
            }
            if (set[0].revents != 0)
                Accept(listener, self, ranks);
            for (int i = set.Length - 1; i > 1; i--)
                if (set[i].revents != 0)
                {
                    close(set[i].fd);
                    ranks.Remove(set[i].fd);
                }
        }
    }

    static bool Accept(int listener, int self, List<int> ranks)
    {
        bool any = false;
        while (accept4(listener, null, null, SOCK_CLOEXEC) is >= 0 and var rank)
        {
            int pid;
            if (HolderSocket.IsOurs(rank, &pid) && pidfd_open(pid) is >= 0 and int pidfd)
            {
                fcntl(pidfd, F_SETFD, FD_CLOEXEC);
                // a rank that waits for our answer still has its pid; one that has gone may have left it to another
                if (HolderSocket.TryWelcome(rank, self))
                    ranks.Add(pidfd);
                else
                    close(pidfd);
                any = true;
            }
            close(rank);
        }
        return any;
    }

    /// <summary>A holder's names in the runtime directory, by descriptors: the host's root is no longer ours.</summary>
    sealed class Names(int parent, int directory, HolderFiles files)
    {
        /// <summary>
        /// Takes the names away, the lock last, if they are ours: another holder has them where somebody removed our lock's file. Then
        /// gives up the lock.
        /// </summary>
        public void Remove()
        {
            if (HolderClaim.IsNamed(HolderChildren.LockFd,
                string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{directory}/{Path.GetFileName(files.Lock)}")))
            {
                foreach (string name in files.Names)
                    unlinkat(directory, NativeStrings.Of(name), 0);
                // the directory goes with its last holder; where another still is, this fails, and should
                unlinkat(parent, NativeStrings.Of(Path.GetFileName(files.Directory)), AT_REMOVEDIR);
            }
            close(HolderChildren.LockFd);
        }
    }
}
