using System.Globalization;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Running;

/// <summary>A holder that this process is registered with: as long as this process lives, that one stays.</summary>
/// <param name="Entry">What it tells its ranks.</param>
/// <param name="Pidfd">The holder itself (pidfd_open(2)), from its own hand.</param>
sealed record JoinedHolder(HolderEntry Entry, int Pidfd);

/// <summary>A rank's way to its holder: join the one that runs, or start it; race-free among any number of ranks.</summary>
static unsafe class HolderClient
{
    /// <summary>Between two looks whether a holder that goes has gone, or one that comes has come. Milliseconds.</summary>
    const int Pause = 5;

    /// <summary>How often a holder may answer and yet not be one that can be joined, before another takes its place.</summary>
    const int MostOdd = 3;

    /// <summary>How long a lock may be held with nothing to connect to: its owner makes its socket at once, so by then somebody has removed that. Milliseconds.</summary>
    const int Vacancy = 5_000;

    /// <summary>How many holders are started for one rank: each may be killed before it is joined.</summary>
    const int MostStarts = 5;

    /// <summary>Registers this process with the holder of <paramref name="key"/>, starting one if there is none.</summary>
    /// <param name="claim">The right to start it, where this process has it already.</param>
    /// <param name="start">Starts a holder with the given claim, and returns when it is ready.</param>
    /// <exception cref="SlipwayException">It does not answer, or cannot be started.</exception>
    public static JoinedHolder Join(HolderFiles files, string key, HolderClaim? claim, Action<HolderClaim> start)
    {
        long deadline = Environment.TickCount64 + HolderChildren.Patience, vacant = Environment.TickCount64 + Vacancy;
        for (int odd = 0, starts = 0; starts < MostStarts;)
        {
            bool answered = false;
            if (claim is null && TryJoin(files, key, deadline, ref odd, out answered) is { } joined)
                return joined;
            if (answered)
                vacant = Environment.TickCount64 + Vacancy;
            if (claim is not null && !HolderClaim.IsNamed(claim.Lock, files.Lock))
            {
                claim.Dispose();
                claim = null;
            }
            claim ??= HolderClaim.TryTake(files);
            if (claim is not null)
            {
                Start(files, ref claim, start);
                starts++;
                deadline = Environment.TickCount64 + HolderChildren.Patience;
            }
            // a holder lives, or is being started, and cannot be joined: not yet, or no more
            else if (odd >= MostOdd || Environment.TickCount64 > vacant)
            {
                Replace(files);
                (odd, vacant) = (0, Environment.TickCount64 + Vacancy);
            }
            else
                Thread.Sleep(Pause);
        }
        throw new SlipwayException("HolderEnded", ErrorKind.InvalidOperation, string.Create(CultureInfo.InvariantCulture, $"{files.Socket}: {MostStarts} holders were started, and each ended before this process had joined it"),
            "Something kills them: see the limits of memory and processes of this job, and the kernel's log (dmesg).", files.Socket);
    }

    static void Start(HolderFiles files, ref HolderClaim? claim, Action<HolderClaim> start)
    {
        HolderClaim ours = claim!;
        claim = null;
        try
        {
            start(ours);
        }
        catch (SlipwayException)
        {
            ours.Abandon(files);
            throw;
        }
        finally
        {
            ours.Dispose();
        }
    }

    /// <summary>Lets another take the place of a holder that lives and cannot be joined, as when its entry was damaged: it keeps its ranks, but has no names any more.</summary>
    static void Replace(HolderFiles files)
    {
        using IDisposable turn = PartialFile.Turn(files.Directory);
        files.Remove();
    }

    /// <param name="odd">Is counted up where a holder answered, but not as it should.</param>
    /// <param name="answered">False where there was nothing to connect to.</param>
    static JoinedHolder? TryJoin(HolderFiles files, string key, long deadline, ref int odd, out bool answered)
    {
        answered = false;
        if (!TryUnixAddress(files.Socket, out sockaddr_un address))
            return null;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        try
        {
            if (connect(fd, (sockaddr*)&address, sizeof(sockaddr_un)) != 0)
                return null;
            answered = true;
            // a holder that was about to end closes without a word: the next round starts another
            if (!TryReceive(fd, files, deadline, out int pid, out int pidfd))
                return null;
            ucred peer;
            socklen_t length = sizeof(ucred);
            if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == geteuid() && HolderEntry.Read(files.Entry) is { } entry && entry.Key == key && entry.Pid == pid)
                return new JoinedHolder(entry, pidfd);
            close(pidfd);
            odd++;
            return null;
        }
        finally
        {
            close(fd);
        }
    }

    /// <summary>The holder's welcome: its number, and itself.</summary>
    static bool TryReceive(int fd, HolderFiles files, long deadline, out int pid, out int pidfd)
    {
        pollfd wait = new() { fd = fd, events = POLLIN };
        int ready;
        while ((ready = poll(new Span<pollfd>(ref wait), (int)Math.Max(0, deadline - Environment.TickCount64))) < 0 && errno == EINTR)
            continue;
        if (ready == 0)
            throw Silent(files);
        int number = 0;
        PassedDescriptor control = default;
        iovec data = new() { iov_base = &number, iov_len = sizeof(int) };
        msghdr message = new() { msg_iov = &data, msg_iovlen = 1, msg_control = &control, msg_controllen = sizeof(PassedDescriptor) };
        bool whole = recvmsg(fd, &message, MSG_CMSG_CLOEXEC) == sizeof(int) && control.Descriptor >= 0;
        (pid, pidfd) = whole ? (number, control.Descriptor) : (0, -1);
        return whole;
    }

    static SlipwayException Silent(HolderFiles files)
    {
        string signal = HolderEntry.Read(files.Entry) is { } entry ? string.Create(CultureInfo.InvariantCulture, $"kill -NAME {entry.Pid}") : "pkill -NAME slipway-holder";
        return new("HolderSilent", ErrorKind.OperationTimeout, $"{files.Socket}: the container's holder has not answered for {HolderChildren.Patience / 1000} s: it is stopped, or hung",
            $"Let it go on ({signal.Replace("NAME", "CONT", StringComparison.Ordinal)}), or end it ({signal.Replace("NAME", "KILL", StringComparison.Ordinal)}): the next run starts a new one.", files.Socket);
    }
}
