using System.Diagnostics;
using Slipway.Running;
using Slipway.Shared;
using static Slipway.Linux.LibC;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Running;

/// <summary>The right to a holder's name, and what is said at its socket.</summary>
public sealed unsafe class HolderClaimTests
{
    static HolderFiles Files(TemporaryDirectory directory) => new(directory.Path + "/run", "0123");

    static HolderClaim Take(HolderFiles files)
    {
        Assert.Null(HolderClaim.TryTake(files)); // which makes the directory
        return HolderClaim.TryTake(files)!;
    }

    static HolderSocket.Answer Join(HolderFiles files, int patience, out int pid, out int holder)
    {
        fixed (byte* path = Slipway.Linux.LibC.CString(files.Socket))
            return HolderSocket.Join(path, Environment.TickCount64 + patience, out pid, out holder);
    }

    [Fact]
    public void OneHasItAtATime()
    {
        using TemporaryDirectory directory = new();
        HolderFiles files = Files(directory);
        using (HolderClaim claim = Take(files))
        {
            Assert.Null(HolderClaim.TryTake(files));
            Assert.True(HolderClaim.IsNamed(claim.Lock, files.Lock));
        }
        using HolderClaim? next = HolderClaim.TryTake(files);
        Assert.NotNull(next);
    }

    [Fact]
    public void ALockThatWasRemovedIsNobodys()
    {
        using TemporaryDirectory directory = new();
        HolderFiles files = Files(directory);
        using HolderClaim claim = Take(files);
        File.Delete(files.Lock);
        using HolderClaim? other = HolderClaim.TryTake(files);
        Assert.NotNull(other);
        Assert.False(HolderClaim.IsNamed(claim.Lock, files.Lock));
        // the names are the other's now
        claim.Abandon(files);
        Assert.True(File.Exists(files.Lock));
        other.Abandon(files);
        Assert.False(Directory.Exists(files.Directory));
    }

    [Fact]
    public void ASocketsPathThatIsTooLongIsSaid()
    {
        using TemporaryDirectory directory = new();
        HolderFiles files = new(directory.Path + "/" + new string('x', 100), "0123");
        Directory.CreateDirectory(files.Directory);
        SlipwayException error = Assert.Throws<SlipwayException>(() => HolderClaim.TryTake(files));
        Assert.Equal(("NoRuntimeDirectory", ErrorKind.InvalidArgument), (error.Id, error.Kind));
        // and it is free again
        Assert.Throws<SlipwayException>(() => HolderClaim.TryTake(files));
    }

    [Fact]
    public void WithNobodyThereNobodyAnswers()
    {
        using TemporaryDirectory directory = new();
        HolderFiles files = Files(directory);
        Assert.Equal(HolderSocket.Answer.NoHolder, Join(files, 0, out _, out int holder));
        Assert.Equal(-1, holder);
        Take(files).Dispose();
        Assert.Equal(HolderSocket.Answer.NoHolder, Join(files, 0, out _, out _));
        HolderFiles unreachable = new(directory.Path + "/" + new string('x', 100), "0123");
        Assert.Equal(HolderSocket.Answer.Unreachable, Join(unreachable, 0, out _, out _));
    }

    [Fact]
    public void WhoDoesNotAnswerInTimeIsSilent()
    {
        using TemporaryDirectory directory = new();
        HolderFiles files = Files(directory);
        using HolderClaim claim = Take(files);
        Stopwatch watch = Stopwatch.StartNew();
        Assert.Equal(HolderSocket.Answer.Silent, Join(files, 200, out _, out _));
        Assert.InRange(watch.ElapsedMilliseconds, 190, 10_000);
    }

    /// <summary>What a holder does for one rank, on a thread of its own.</summary>
    sealed class Serving
    {
        readonly Thread thread;
        Exception? failed;

        public Serving(HolderClaim claim, Action<int> serve)
        {
            thread = new Thread(() => failed = Record.Exception(() =>
            {
                Tmds.Linux.pollfd wait = new() { fd = claim.Listener, events = POLLIN };
                Assert.Equal(1, poll(new Span<Tmds.Linux.pollfd>(ref wait), 10_000));
                int rank = accept4(claim.Listener, null, null, SOCK_CLOEXEC);
                serve(rank);
                close(rank);
            }));
            thread.Start();
        }

        public void Join()
        {
            thread.Join();
            Assert.Null(failed);
        }
    }

    [Fact]
    public void AWelcomeTellsTheHolder()
    {
        using TemporaryDirectory directory = new();
        HolderFiles files = Files(directory);
        using HolderClaim claim = Take(files);
        int self = pidfd_open(Environment.ProcessId), seen = 0;
        Serving holder = new(claim, rank =>
        {
            int pid;
            Assert.True(HolderSocket.IsOurs(rank, &pid));
            seen = pid;
            Assert.True(HolderSocket.TryWelcome(rank, self));
        });
        Assert.Equal(HolderSocket.Answer.Welcome, Join(files, 10_000, out int told, out int passed));
        holder.Join();
        Assert.Equal((Environment.ProcessId, Environment.ProcessId), (told, seen));
        // it is a pidfd, of us
        Assert.Contains($"Pid:\t{Environment.ProcessId}\n", File.ReadAllText($"/proc/self/fdinfo/{passed}"), StringComparison.Ordinal);
        Assert.Equal(FD_CLOEXEC, fcntl(passed, F_GETFD, 0));
        close(passed);
        close(self);
    }

    [Fact]
    public void AHolderThatClosesWithoutAWordIsTold()
    {
        using TemporaryDirectory directory = new();
        HolderFiles files = Files(directory);
        using HolderClaim claim = Take(files);
        Serving holder = new(claim, _ => { });
        Assert.Equal(HolderSocket.Answer.Closed, Join(files, 10_000, out _, out int passed));
        holder.Join();
        Assert.Equal(-1, passed);
    }

    [Fact]
    public void AWelcomeWithoutADescriptorIsNone()
    {
        using TemporaryDirectory directory = new();
        HolderFiles files = Files(directory);
        using HolderClaim claim = Take(files);
        Serving holder = new(claim, rank =>
        {
            int pid = Environment.ProcessId;
            Assert.Equal(sizeof(int), (int)write(rank, &pid, sizeof(int)));
        });
        Assert.Equal(HolderSocket.Answer.Closed, Join(files, 10_000, out _, out _));
        holder.Join();
    }
}
