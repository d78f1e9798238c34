using System.IO.Pipes;
using Slipway.Cache;
using Slipway.Staging.Messages;
using Slipway.Staging.Node;

namespace Slipway.Tests.Staging;

/// <summary>A node that receives, in this process, into the real cache of this user: the controller is the test.</summary>
public sealed class ImageReceiverTests : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    readonly AnonymousPipeServerStream orders = new(PipeDirection.Out);
    readonly AnonymousPipeClientStream input;
    readonly byte[] bytes = new byte[1 << 20];
    readonly SentImage image;
    readonly Answers said = new();

    sealed class Answers : StringWriter
    {
        public List<NodeReply> Replies { get; } = [];

        readonly ReplyLines lines = new(["n1"]);

        public override void WriteLine(string? value)
        {
            lock (Replies)
                if (lines.TryTake(value!, out _, out NodeReply? reply) && reply is not null)
                    Replies.Add(reply);
        }

        public T Await<T>() where T : NodeReply
        {
            for (int i = 0; i < 1000; i++, Thread.Sleep(10))
                lock (Replies)
                    if (Replies.OfType<T>().FirstOrDefault() is { } found)
                        return found;
            throw new TimeoutException(typeof(T).Name);
        }
    }

    public ImageReceiverTests()
    {
        input = new AnonymousPipeClientStream(PipeDirection.In, orders.ClientSafePipeHandle);
        Random.Shared.NextBytes(bytes);
        image = new SentImage(Transport.SshTree, "sha256:" + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)),
            bytes.Length, "/nowhere/x.sqfs", "none");
    }

    string Entry => NodeCache.EntryPath(NodeCache.Own, image.Digest);

    public void Dispose()
    {
        File.Delete(Entry);
        orders.Dispose();
        input.Dispose();
    }

    Task Receive(SentImage what) => Task.Run(new ImageReceiver(what, new NodeVoice("n1", said), input).Run);

    [Fact]
    public async Task TakesTheStreamWhereItReachesNobody()
    {
        Task running = Receive(image);
        orders.Write(new NodeOrder.Begin(new string('t', TreeServer.TokenLength)).ToLine());
        said.Await<NodeReply.Listens>();
        orders.Write(new NodeOrder.ReadFrom([new TreeSource(1, "127.0.0.1")]).ToLine());
        Assert.Equal(0, said.Await<NodeReply.NeedsStream>().From);
        orders.Write(new NodeOrder.TakeStream(0).ToLine());
        orders.Write(bytes);
        Placement placement = said.Await<NodeReply.Done>().Placement;
        Assert.Equal(("n1", Entry, image.Digest, bytes.Length, Transport.SshTree, false),
            (placement.Node, placement.Path, placement.Digest, placement.Bytes, placement.Transport, placement.Hit));
        Assert.Equal(bytes, File.ReadAllBytes(Entry));
        // others may still read from it, until the controller closes
        await Task.Delay(300);
        Assert.False(running.IsCompleted);
        orders.Dispose();
        await running.WaitAsync(Patience);
    }

    [Fact]
    public async Task WhatArrivesWrongIsNoEntry()
    {
        Task running = Receive(image);
        orders.Write(new NodeOrder.Begin(new string('t', TreeServer.TokenLength)).ToLine());
        said.Await<NodeReply.Listens>();
        orders.Write(new NodeOrder.TakeStream(0).ToLine());
        bytes[5] ^= 1;
        orders.Write(bytes);
        Assert.Equal("DigestMismatch", (await Assert.ThrowsAsync<SlipwayException>(() => running.WaitAsync(Patience))).Id);
        AssertNothingLeft();
    }

    [Fact]
    public async Task NothingIsLeftWhereTheControllerGoes()
    {
        Task running = Receive(image);
        orders.Write(new NodeOrder.Begin(new string('t', TreeServer.TokenLength)).ToLine());
        said.Await<NodeReply.Listens>();
        orders.Write(new NodeOrder.TakeStream(0).ToLine());
        orders.Write(bytes.AsSpan(0, 1000));
        orders.Dispose();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(Patience));
        AssertNothingLeft();
    }

    [Fact]
    public async Task WhatIsNoDigestGetsNowhere()
    {
        Task running = Receive(image with { Digest = "sha256:../x" });
        Assert.Equal("DigestInvalid", (await Assert.ThrowsAsync<SlipwayException>(() => running.WaitAsync(Patience))).Id);
    }

    void AssertNothingLeft() => Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(Entry)!, $"*{Path.GetFileName(Entry)}*"));
}
