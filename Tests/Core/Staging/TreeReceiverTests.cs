using Slipway.Cache;
using Slipway.Staging.Messages;
using Slipway.Staging.Node;

namespace Slipway.Tests.Staging;

/// <summary>A node that reads from the nodes above it, over the loopback.</summary>
public sealed class TreeReceiverTests : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    readonly TemporaryDirectory directory = new();
    readonly string token = new('a', TreeServer.TokenLength);
    readonly byte[] bytes = new byte[3 << 20];
    readonly GrowingFile whole, file;
    readonly TreeServer server;
    int asked;

    public TreeReceiverTests()
    {
        new Random(2).NextBytes(bytes);
        whole = GrowingFile.Whole(directory.Write("image", bytes));
        file = GrowingFile.Create(directory.Path + "/copy", bytes.Length);
        server = new TreeServer(whole, token);
    }

    public void Dispose()
    {
        server.Dispose();
        file.Dispose();
        whole.Dispose();
        directory.Dispose();
    }

    TreeSource Good => new(server.Port, "127.0.0.1");

    TreeReceiver Receiver() => new(file, token, () => Interlocked.Increment(ref asked));

    [Fact]
    public void GoesOnWithTheNextSourceWhereOneFails()
    {
        TreeReceiver receiver = Receiver();
        // nobody listens there; no such host; no port
        receiver.SetSources([new TreeSource(1, "127.0.0.1"), new TreeSource(7, "nowhere.invalid"), new TreeSource(-1, "127.0.0.1"), Good]);
        receiver.Run();
        Assert.Equal(bytes, File.ReadAllBytes(directory.Path + "/copy"));
        Assert.Equal(0, asked);
    }

    [Fact]
    public async Task PassesOnWhileItReceives()
    {
        using TreeServer own = new(file, token);
        using GrowingFile below = GrowingFile.Create(directory.Path + "/below", bytes.Length);
        TreeReceiver receiver = Receiver(), next = new(below, token, () => { });
        next.SetSources([new TreeSource(own.Port, "127.0.0.1")]);
        Task reading = Task.Run(next.Run);
        receiver.SetSources([Good]);
        receiver.Run();
        await reading.WaitAsync(Patience);
        Assert.Equal(bytes, File.ReadAllBytes(directory.Path + "/below"));
    }

    [Fact]
    public async Task AsksForTheStreamOnceNobodyIsLeft()
    {
        TreeReceiver receiver = Receiver();
        receiver.SetSources([new TreeSource(1, "127.0.0.1")]);
        Task running = Task.Run(receiver.Run);
        SpinWait.SpinUntil(() => asked > 0, 10_000);
        await Task.Delay(700);
        Assert.Equal(1, asked);
        receiver.SetSources([Good]);
        await running.WaitAsync(Patience);
        Assert.Equal(bytes.Length, file.Length);
    }

    [Fact]
    public async Task WhoIsStoppedStops()
    {
        TreeReceiver receiver = Receiver();
        Task running = Task.Run(receiver.Run);
        receiver.Stop();
        await running.WaitAsync(Patience);
        Assert.Equal(0, file.Length);
    }
}
