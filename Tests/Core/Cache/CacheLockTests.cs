using Slipway.Cache;

namespace Slipway.Tests.Cache;

/// <summary>One producer at a time.</summary>
public sealed class CacheLockTests : IDisposable
{
    const string Name = "00ff";

    readonly TemporaryDirectory directory = new();

    public CacheLockTests()
    {
        Directory.CreateDirectory(directory.Path + "/locks");
        Directory.CreateDirectory(directory.Path + "/sha256");
    }

    public void Dispose() => directory.Dispose();

    [Fact]
    public void OneHasItAtATime()
    {
        using (CacheLock first = CacheLock.Take(directory.Path, Name))
        {
            Assert.Null(CacheLock.TryTake(directory.Path, Name));
            using CacheLock? other = CacheLock.TryTake(directory.Path, "00fe");
            Assert.NotNull(other);
        }
        using CacheLock? next = CacheLock.TryTake(directory.Path, Name);
        Assert.NotNull(next);
    }

    [Fact]
    public async Task WhoWaitsIsToldOnceAndGetsIt()
    {
        CacheLock first = CacheLock.Take(directory.Path, Name);
        int told = 0;
        Task<CacheLock> second = Task.Run(() => CacheLock.Take(directory.Path, Name, () => Interlocked.Increment(ref told)));
        await Task.Delay(300);
        Assert.False(second.IsCompleted);
        first.Dispose();
        using CacheLock taken = await second;
        Assert.Equal(1, told);
    }

    [Fact]
    public void AWaitCanBeCancelled()
    {
        using CacheLock first = CacheLock.Take(directory.Path, Name);
        using CancellationTokenSource cancel = new(100);
        Assert.Throws<OperationCanceledException>(() => CacheLock.Take(directory.Path, Name, cancel: cancel.Token));
    }

    /// <summary>Whoever removed an entry removed its lock's file: who had that one open must not think that it has the lock.</summary>
    [Fact]
    public void AFileThatWasRemovedLocksNothing()
    {
        using CacheLock first = CacheLock.Take(directory.Path, Name);
        CacheLock.RemoveFile(directory.Path, Name);
        using CacheLock? second = CacheLock.TryTake(directory.Path, Name);
        Assert.NotNull(second);
        Assert.Null(CacheLock.TryTake(directory.Path, Name));
    }

    [Fact]
    public void StaleFilesAreThoseWhoseLockNobodyHas()
    {
        string Partial(string name) => directory.Write($"sha256/.{name}.{Guid.NewGuid():n}.partial", new byte[7]);
        using CacheLock held = CacheLock.Take(directory.Path, Name);
        string living = Partial(Name), dead = Partial("00fe"), foreign = Partial("README");
        Assert.Equal(7, CacheLock.RemoveStale(directory.Path));
        Assert.Equal((true, false, true), (File.Exists(living), File.Exists(dead), File.Exists(foreign)));
    }

    [Fact]
    public void ADirectoryThatIsNotThereIsAnErrorThatNamesTheFile()
    {
        SlipwayException error = Assert.Throws<SlipwayException>(() => CacheLock.TryTake(directory.Path + "/nowhere", Name));
        Assert.Equal("CacheNotWritable", error.Id);
        Assert.StartsWith($"{directory.Path}/nowhere/locks/{Name}: ", error.Message, StringComparison.Ordinal);
    }
}
