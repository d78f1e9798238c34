using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Slipway.Tests;

/// <summary>Files over HTTP/1.0 on the loopback, also for who takes it for a proxy; and what it was asked for.</summary>
sealed class TinyServer : IDisposable
{
    readonly TcpListener listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource stop = new();
    readonly Task serving;
    readonly string root;
    readonly bool half;

    /// <param name="half">Of a package only the first half is sent, and then the connection ends.</param>
    public TinyServer(string root, bool half = false)
    {
        this.root = root;
        this.half = half;
        listener.Start();
        serving = Serve();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/";

    /// <summary>The targets of all requests; of a proxy's they are whole URLs.</summary>
    public List<string> Asked { get; } = [];

    async Task Serve()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                using TcpClient client = await listener.AcceptTcpClientAsync(stop.Token);
                await using NetworkStream stream = client.GetStream();
                using StreamReader reader = new(stream, leaveOpen: true);
                string? first = await reader.ReadLineAsync(stop.Token);
                while (await reader.ReadLineAsync(stop.Token) is { Length: > 0 })
                    continue;
                string target = (first ?? "GET / ").Split(' ')[1];
                lock (Asked)
                    Asked.Add(target);
                string path = Path.Combine(root,
                    Uri.UnescapeDataString(Uri.TryCreate(target, UriKind.Absolute, out Uri? uri) && uri.Scheme == "http" ? uri.AbsolutePath
                        : target).TrimStart('/'));
                bool there = File.Exists(path), package = path.EndsWith(".deb", StringComparison.Ordinal)
                    || path.EndsWith(".rpm", StringComparison.Ordinal);
                byte[] body = there ? await File.ReadAllBytesAsync(path, stop.Token) : [];
                await stream.WriteAsync(Encoding.ASCII.GetBytes(
                    $"HTTP/1.0 {(there ? "200 OK" : "404 Not Found")}\r\nContent-Length: {body.Length}\r\n\r\n"), stop.Token);
                await stream.WriteAsync(body.AsMemory(0, package && half ? body.Length / 2 : body.Length), stop.Token);
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                // a client may close first
            }
        }
    }

    public void Dispose()
    {
        stop.Cancel();
        listener.Stop();
        serving.Wait();
        stop.Dispose();
    }
}
