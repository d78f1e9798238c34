using Slipway.Cache;
using Slipway.Linux;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Node;

/// <summary>
/// Receives an image from another node, or by the stream of the orders itself, and passes it on to whoever has the token meanwhile.
/// </summary>
/// <param name="input">Orders.</param>
sealed class ImageReceiver(SentImage image, NodeVoice voice, Stream input)
{
    readonly CancellationTokenSource gone = new();
    readonly TaskCompletionSource<string> token = new();
    TreeReceiver? receiver;
    GrowingFile? growing;
    volatile IOException? streamError;

    /// <summary>Returns when the image is here and the controller has gone: until then others may read from us.</summary>
    /// <exception cref="OperationCanceledException">The controller has gone before.</exception>
    /// <exception cref="SlipwayException">The cache or its disk, or what arrived.</exception>
    public void Run()
    {
        BackgroundThread.Start(ReadOrders);
        ImageHere here = new(image, voice);
        using CacheLock one = here.Claim(gone.Token);
        if (here.Find() is { } there)
        {
            voice.Say(new NodeReply.Done(there));
            return;
        }
        string partial = PartialFile.NameFor(NodeCache.EntryPath(here.Cache, image.Digest));
        token.Task.Wait(gone.Token);
        try
        {
            using GrowingFile file = GrowingFile.Create(partial, image.Size);
            using TreeServer server = new(file, token.Task.Result);
            Fill(file, server.Port);
            if (file.Finish() is var got && got != image.Digest)
            {
                file.End();
                throw CacheErrors.ArrivedDiffers(got, image.Digest);
            }
            string entry = CacheWriter.Place(here.Cache, partial, image.Digest);
            one.Dispose();
            voice.Say(new NodeReply.Done(here.Finish(entry, image.Size)));
            gone.Token.WaitHandle.WaitOne();
        }
        catch (IOException e)
        {
            throw CacheErrors.NotWritable(here.Cache, e);
        }
        finally
        {
            unlink(partial);
        }
    }

    void Fill(GrowingFile file, int port)
    {
        growing = file;
        receiver = new TreeReceiver(file, token.Task.Result, () => voice.Say(new NodeReply.NeedsStream(file.Length)));
        // where SSH came to is where the others find us
        string address = Environment.GetEnvironmentVariable("SSH_CONNECTION")?.Split(' ') is [_, _, var own, _]
            ? own
            : Environment.MachineName;
        voice.Say(new NodeReply.Listens(address, port));
        using (new Timer(_ => voice.Say(new NodeReply.At(file.Length)), null, 500, 500))
        {
            receiver.Run();
            while (file.Length < file.Size && !gone.IsCancellationRequested && streamError is null)
                gone.Token.WaitHandle.WaitOne(20);
        }
        if (streamError is { } e)
            throw e;
        gone.Token.ThrowIfCancellationRequested();
    }

    void ReadOrders()
    {
        try
        {
            OrderReader.Read(input, Take);
        }
        catch (IOException e)
        {
            streamError = e;
        }
        receiver?.Stop();
        gone.Cancel();
    }

    void Take(NodeOrder order)
    {
        switch (order)
        {
            case NodeOrder.Begin { Token: { Length: TreeServer.TokenLength } given }:
                token.TrySetResult(given);
                break;
            case NodeOrder.ReadFrom from:
                receiver?.SetSources(from.Sources);
                break;
            case NodeOrder.TakeStream stream when growing is { } file && file.Length == stream.From:
                receiver?.Stop();
                byte[] buffer = new byte[256 << 10];
                for (int n; file.Length < file.Size && (n = input.Read(buffer)) > 0;)
                    file.Append(buffer.AsSpan(0, n));
                break;
        }
    }
}
