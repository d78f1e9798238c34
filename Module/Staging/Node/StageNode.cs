using System.Globalization;
using System.Text;
using System.Text.Json;
using Slipway.Cache;
using Slipway.Linux;
using Slipway.Staging.Controller;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Node;

/// <summary><c>slipway stage REQUEST</c>: what a node does when images are staged to it, or its cache is looked after from elsewhere.</summary>
/// <remarks>
/// Answers are lines on standard output. Orders, and where it comes to that the image itself, are read from standard input, whose end says that the
/// controller has gone: then nothing is left here that is not whole.
/// </remarks>
sealed class StageNode
{
    readonly StageRequest request;
    readonly string node;
    readonly long started = Environment.TickCount64;
    readonly TextWriter output;
    readonly CancellationTokenSource gone = new();
    readonly SemaphoreSlim adopt = new(0);
    readonly TaskCompletionSource<string> token = new();
    TreeReceiver? receiver;
    GrowingFile? growing;

    StageNode(StageRequest request)
    {
        this.request = request;
        output = request.Report is { } report ? ReportListener.Connect(report) : Console.Out;
        node = request.Node ?? Environment.GetEnvironmentVariable("SLURMD_NODENAME") ?? Environment.MachineName;
    }

    public static string Encode(StageRequest request) => Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(request, StageJson.Default.StageRequest));

    public static int Run(string encoded)
    {
        StageRequest? request;
        try
        {
            request = JsonSerializer.Deserialize(Convert.FromBase64String(encoded), StageJson.Default.StageRequest);
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            request = null;
        }
        return request is null ? throw new SlipwayException("StageRequestInvalid", ErrorKind.InvalidData, "what a node is asked to do could not be read", "Only slipway itself starts 'slipway stage'.") : new StageNode(request).Do();
    }

    int Do()
    {
        try
        {
            switch (request.Action)
            {
                case "probe":
                    if (!Hit())
                        Say(new StageReply { Kind = "miss" });
                    break;
                case "receive":
                    Receive();
                    break;
                case "adopt":
                    AdoptWhatIsPut();
                    break;
                case "pull":
                    // not every starter gives us an input to watch: if the controller goes, this still ends with a whole entry
                    Done(CacheWriter.Publish(request.Path!, Wanted, _ => request.Plan, node, request.Transport!, LauncherPath, null, gone.Token));
                    break;
                case "list":
                    Entries(CacheKeeper.List(node));
                    break;
                case "remove":
                    Entries(CacheKeeper.Remove(node, request.Digests!));
                    break;
                case "clear":
                    Entries(CacheKeeper.Clear(node, request.MaxSize, request.MaxAge is { } seconds ? TimeSpan.FromSeconds(seconds) : null));
                    break;
                case "lock":
                case "unlock":
                    Entries(CacheKeeper.Pin(node, request.Digests!, request.Action == "lock"));
                    break;
                default:
                    throw new SlipwayException("StageRequestInvalid", ErrorKind.InvalidData, $"'{request.Action}' is nothing that a node does", "Only slipway itself starts 'slipway stage'.");
            }
            return 0;
        }
        catch (OperationCanceledException)
        {
            return 1;
        }
        catch (SlipwayException e)
        {
            Fail(e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Net.Sockets.SocketException)
        {
            Fail(new SlipwayException("CacheNotWritable", ErrorKind.WriteError, e.Message, CacheWriter.Advice(e.HResult)));
        }
        catch (Exception e)
        {
            Fail(SlipwayException.From(e));
        }
        return 1;
    }

    string? LauncherPath => request.Launcher is { } name ? LauncherBundle.PathOf(name) : SlipwayProgram.TryPath;

    string Wanted => request.Digest is { } digest && Digest.IsValid(digest) ? digest : throw new SlipwayException("DigestInvalid", ErrorKind.InvalidArgument, $"'{request.Digest}' is not a digest", null);

    void Say(StageReply reply)
    {
        lock (output)
            foreach (string line in (reply with { Node = node }).Lines())
            {
                output.WriteLine(line);
                output.Flush();
            }
    }

    void Fail(SlipwayException e) => Say(new StageReply { Kind = "error", Error = new StageError(e.Id, e.Kind, e.Message, e.Recommendation) });

    void Done(Placement placement) => Say(new StageReply { Kind = "done", Placement = placement });

    void Entries(IReadOnlyList<ImageCacheEntry> entries) => Say(new StageReply { Kind = "entries", Entries = entries });

    /// <summary>Where the image is here already, its path and plan are recorded, and we are done.</summary>
    bool Hit()
    {
        string cache = NodeCache.Prepare();
        if (NodeCache.FindEntry(Wanted) is not { } entry)
            return false;
        Done(Finish(cache, entry, 0));
        return true;
    }

    Placement Finish(string cache, string entry, long bytes)
    {
        if (request is { Path: { } path, Source: { } source })
            NodeCache.WriteRecord(cache, path, source, Wanted);
        NodeCache.KeepPlan(cache, Wanted, request.Plan);
        return new Placement
        {
            Node = node, Path = entry, Digest = Wanted, Bytes = bytes, Seconds = (Environment.TickCount64 - started) / 1000.0, Transport = request.Transport!, Hit = bytes == 0,
            Launcher = LauncherPath,
        };
    }

    /// <summary>The right to make the entry here; null where it is here by now, which has been told then.</summary>
    CacheLock? Claim(string cache)
    {
        CacheLock one = CacheLock.Take(cache, Wanted[Digest.Prefix.Length..], () => Say(new StageReply { Kind = "busy" }), gone.Token);
        if (NodeCache.FindEntry(Wanted) is not { } there)
            return one;
        one.Dispose();
        Done(Finish(cache, there, 0));
        return null;
    }

    void Receive()
    {
        TreeServer.Start(ReadOrders);
        string cache = NodeCache.Prepare();
        using CacheLock? one = Claim(cache);
        if (one is null)
            return;
        string partial = PartialFile.NameFor(NodeCache.EntryPath(cache, Wanted));
        token.Task.Wait(gone.Token);
        try
        {
            using GrowingFile file = GrowingFile.Create(partial, request.Size);
            using TreeServer server = new(file, token.Task.Result);
            growing = file;
            receiver = new TreeReceiver(file, token.Task.Result, () => Say(new StageReply { Kind = "stream", Bytes = file.Length }));
            // where SSH came to is where the others find us
            string address = Environment.GetEnvironmentVariable("SSH_CONNECTION")?.Split(' ') is [_, _, var own, _] ? own : Environment.MachineName;
            Say(new StageReply { Kind = "ready", Address = address, Port = server.Port });
            using (new Timer(_ => Say(new StageReply { Kind = "at", Bytes = file.Length }), null, 500, 500))
            {
                receiver.Run();
                WaitForStream(file);
            }
            gone.Token.ThrowIfCancellationRequested();
            if (file.Finish() is var got && got != Wanted)
            {
                file.End();
                throw CacheWriter.Mismatch(got, Wanted);
            }
            string entry = CacheWriter.Place(cache, partial, Wanted);
            one.Dispose();
            Done(Finish(cache, entry, request.Size));
            // others may still be reading from us
            gone.Token.WaitHandle.WaitOne();
        }
        catch (IOException e)
        {
            throw CacheWriter.Failed(e, partial);
        }
        finally
        {
            unlink(partial);
        }
    }

    void WaitForStream(GrowingFile file)
    {
        while (file.Length < file.Size && !gone.IsCancellationRequested && streamError is null)
            gone.Token.WaitHandle.WaitOne(20);
        if (streamError is { } e)
            throw e;
    }

    volatile IOException? streamError;

    void AdoptWhatIsPut()
    {
        TreeServer.Start(ReadOrders);
        string cache = NodeCache.Prepare();
        using CacheLock? one = Claim(cache);
        if (one is null)
            return;
        if (new DriveInfo(cache).AvailableFreeSpace < request.Size)
            throw new SlipwayException("CacheNotWritable", ErrorKind.WriteError, string.Create(CultureInfo.InvariantCulture, $"{cache}: there is no space for {request.Size} bytes"), "Free some space on the node's disk (Clear-ImageCache, slipway cache clear).", cache);
        // the same name on every node
        string partial = $"{cache}/sha256/.{Wanted[Digest.Prefix.Length..]}.{request.Partial}.partial";
        try
        {
            string? step = Environment.GetEnvironmentVariable("SLURM_STEP_ID") is { } id ? $"{Environment.GetEnvironmentVariable("SLURM_JOB_ID")}.{id}" : null;
            Say(new StageReply { Kind = "ready", Partial = partial, Step = step });
            adopt.Wait(gone.Token);
            Done(Finish(cache, CacheWriter.Adopt(cache, partial, Wanted, request.Size, gone.Token), request.Size));
        }
        finally
        {
            unlink(partial);
        }
    }

    /// <summary>Reads orders until the controller closes, or goes.</summary>
    void ReadOrders()
    {
        try
        {
            using Stream input = Console.OpenStandardInput();
            List<byte> line = [];
            for (int b; (b = input.ReadByte()) >= 0;)
            {
                if (b != '\n')
                {
                    line.Add((byte)b);
                    if (line.Count > OpenedFile.Small)
                        break;
                    continue;
                }
                StageOrder? order = JsonSerializer.Deserialize(Encoding.UTF8.GetString([.. line]), StageJson.Default.StageOrder);
                line.Clear();
                if (order?.Token is { Length: TreeServer.TokenLength } given)
                    token.TrySetResult(given);
                if (order?.Sources is { } sources)
                    receiver?.SetSources(sources);
                if (order?.Adopt == true)
                    adopt.Release();
                if (order?.Stream == true && growing is { } file && file.Length == order.From)
                {
                    receiver?.Stop();
                    byte[] buffer = new byte[256 << 10];
                    for (int n; file.Length < file.Size && (n = input.Read(buffer)) > 0;)
                        file.Append(buffer.AsSpan(0, n));
                }
            }
        }
        catch (IOException e)
        {
            streamError = e;
        }
        catch (Exception e) when (e is JsonException or ObjectDisposedException)
        {
            // not our controller: as if it had gone
        }
        receiver?.Stop();
        gone.Cancel();
    }
}
