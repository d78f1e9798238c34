using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Slipway.Cache;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Node;

/// <summary>
/// Fills a file from the first of its sources that answers, goes on with the next where one fails, and starts anew with a new list.
/// </summary>
/// <param name="askForStream">Called where no source is left: the bytes then come by <see cref="GrowingFile.Append"/>, or a new list
/// does.</param>
sealed class TreeReceiver(GrowingFile file, string token, Action askForStream)
{
    /// <summary>
    /// A source that has not said a word for this long is dead, or as good as. Milliseconds; it should say one each second.
    /// </summary>
    const int Patience = 10_000;

    readonly object gate = new();
    IReadOnlyList<TreeSource> sources = [];
    int next, version;
    bool asked, stopped;
    Socket? current;

    /// <summary>Another list; what is being read from now is left.</summary>
    public void SetSources(IReadOnlyList<TreeSource> list)
    {
        lock (gate)
        {
            (sources, next, asked) = (list, 0, false);
            version++;
            current?.Dispose();
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>The controller has gone, or sends the bytes itself from now on.</summary>
    public void Stop()
    {
        lock (gate)
        {
            stopped = true;
            current?.Dispose();
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Returns when the file is whole, or it was stopped.</summary>
    /// <exception cref="IOException">The disk.</exception>
    public void Run()
    {
        while (file.Length < file.Size)
        {
            TreeSource source;
            lock (gate)
            {
                if (stopped)
                    return;
                if (next >= sources.Count)
                {
                    if (version > 0 && !asked)
                    {
                        asked = true;
                        askForStream();
                    }
                    Monitor.Wait(gate, 500);
                    continue;
                }
                source = sources[next++];
            }
            ReadFrom(source);
        }
    }

    void ReadFrom(TreeSource source)
    {
        try
        {
            using Socket socket = Connect(source);
            lock (gate)
            {
                if (stopped)
                    return;
                current = socket;
            }
            byte[] hello = new byte[TreeServer.HelloLength];
            Encoding.ASCII.GetBytes(token, hello);
            BinaryPrimitives.WriteInt64LittleEndian(hello.AsSpan(TreeServer.TokenLength), file.Length);
            socket.Send(hello);
            byte[] buffer = new byte[256 << 10];
            Span<byte> head = stackalloc byte[4];
            while (file.Length < file.Size && TreeServer.ReadAll(socket, head))
            {
                int n = BinaryPrimitives.ReadInt32LittleEndian(head);
                if (n < 0 || n > buffer.Length || !TreeServer.ReadAll(socket, buffer.AsSpan(0, n)))
                    return;
                file.Append(buffer.AsSpan(0, n));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or ArgumentException)
        {
            // the next one
        }
        finally
        {
            lock (gate)
                current = null;
        }
    }

    static Socket Connect(TreeSource source)
    {
        string host = source.Host ?? Environment.GetEnvironmentVariable("SSH_CONNECTION")?.Split(' ')[0]
            ?? throw new SocketException((int)SocketError.HostNotFound);
        IPAddress[] addresses = IPAddress.TryParse(host, out IPAddress? one) ? [one] : Dns.GetHostAddresses(host);
        Socket socket = new(addresses[0].AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = Patience,
            SendTimeout = Patience };
        try
        {
            if (!socket.ConnectAsync(addresses[0], source.Port).Wait(Patience))
                throw new SocketException((int)SocketError.TimedOut);
            return socket;
        }
        catch (Exception e)
        {
            socket.Dispose();
            throw e is AggregateException { InnerException: SocketException inner } ? inner : e;
        }
    }
}
