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

    /// <summary>
    /// How long a lock may be held with nothing to connect to: its owner makes its socket at once, so by then somebody has removed that.
    /// Milliseconds.
    /// </summary>
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
        throw RunningErrors.HoldersEnded(files.Socket, MostStarts);
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

    /// <summary>
    /// Lets another take the place of a holder that lives and cannot be joined, as when its entry was damaged: it keeps its ranks, but has
    /// no names any more.
    /// </summary>
    static void Replace(HolderFiles files)
    {
        using IDisposable turn = PartialFile.Turn(files.Directory);
        files.Remove();
    }

    /// <param name="odd">Is counted up where a holder answered, but not as it should.</param>
    /// <param name="answered">False where there was nothing to connect to.</param>
    static JoinedHolder? TryJoin(HolderFiles files, string key, long deadline, ref int odd, out bool answered)
    {
        int pid, pidfd;
        HolderSocket.Answer answer;
        fixed (byte* path = CString(files.Socket))
            answer = HolderSocket.Join(path, deadline, out pid, out pidfd);
        answered = answer is not (HolderSocket.Answer.NoHolder or HolderSocket.Answer.Unreachable);
        if (answer == HolderSocket.Answer.Silent)
            throw RunningErrors.HolderSilent(files.Socket, HolderEntry.Read(files.Entry)?.Pid);
        // a holder that was about to end closes without a word: the next round starts another
        if (answer is not (HolderSocket.Answer.Welcome or HolderSocket.Answer.NotOurs))
            return null;
        if (answer == HolderSocket.Answer.Welcome && HolderEntry.Read(files.Entry) is { } entry && entry.Key == key && entry.Pid == pid)
            return new JoinedHolder(entry, pidfd);
        if (pidfd >= 0)
            close(pidfd);
        odd++;
        return null;
    }
}
