using Slipway.Cache;
using Slipway.Linux;

namespace Slipway.Tests.Cache;

/// <summary>A file that is read while it is written.</summary>
public sealed class GrowingFileTests : IDisposable
{
    readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    string Path => directory.Path + "/file";

    [Fact]
    public async Task IsReadWhileItGrows()
    {
        using GrowingFile file = GrowingFile.Create(Path, 6);
        byte[] buffer = new byte[10];
        Assert.Equal(0, file.Read(0, buffer, 10));
        Task<int> waits = Task.Run(() => file.Read(0, buffer, 20_000));
        file.Append([1, 2, 3]);
        Assert.Equal(3, await waits);
        file.Append([4, 5, 6]);
        Assert.Equal(4, file.Read(2, buffer, 0));
        Assert.Equal([3, 4, 5, 6], buffer[..4]);
        Assert.Equal(Digest.OfFile(Path), file.Finish());
        Assert.Throws<IOException>(() => file.Append([7]));
    }

    [Fact]
    public async Task WhoWaitsIsToldThatNothingComes()
    {
        using GrowingFile file = GrowingFile.Create(Path, 6);
        Task<int> waits = Task.Run(() => file.Read(0, new byte[1], 20_000));
        await Task.Delay(50);
        file.End();
        Assert.Equal(-1, await waits);
    }

    [Fact]
    public void ADiskThatIsTooFullSaysSoBeforeTheWork()
    {
        Assert.Throws<IOException>(() => GrowingFile.Create("/dev/shm/slipway-test-" + Guid.NewGuid().ToString("n"), 1L << 52));
        File.WriteAllText(Path, "");
        Assert.Throws<IOException>(() => GrowingFile.Create(Path, 1));
    }
}
