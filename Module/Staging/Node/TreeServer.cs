using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Slipway.Cache;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Node;

/// <summary>
/// Gives a file, while it grows, to whoever has the token, from the offset that they ask for, over TCP. Frames: four bytes of length
/// (little-endian), then so many bytes; a length of 0 says that we are alive and have nothing new.
/// </summary>
/// <remarks>
/// The token keeps other users of the cluster from reading the image; the network itself is trusted no more than the digest at the end
/// allows.
/// </remarks>
sealed class TreeServer : IDisposable
{
    public const int TokenLength = 64, HelloLength = TokenLength + 8, Beat = 1000;

    /// <summary>Milliseconds that a peer may take for what it is sent.</summary>
    const int Patience = 30_000;

    readonly Socket listener;
    readonly Door door;
    readonly GrowingFile file;

    /// <exception cref="SocketException">No socket is to be had.</exception>
    public TreeServer(GrowingFile file, string token)
    {
        this.file = file;
        if (Socket.OSSupportsIPv6)
            listener = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
        else
            listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, 0));
        listener.Listen(512);
        door = new Door(listener, Encoding.ASCII.GetBytes(token), HelloLength);
        BackgroundThread.Start(Accept);
    }

    public int Port => ((IPEndPoint)listener.LocalEndPoint!).Port;

    void Accept()
    {
        try
        {
            while (true)
                foreach ((Socket peer, byte[] hello) in door.Step(1000))
                    Start(peer, BinaryPrimitives.ReadInt64LittleEndian(hello.AsSpan(TokenLength)));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // closed: nobody is to come any more
        }
        finally
        {
            door.Dispose();
        }
    }

    void Start(Socket peer, long at)
    {
        try
        {
            BackgroundThread.Start(() => Serve(peer, at));
        }
        catch (OutOfMemoryException)
        {
            // no thread is to be had (Thread.StartCore): the peer takes it from another source
            peer.Dispose();
        }
    }

    void Serve(Socket peer, long at)
    {
        try
        {
            using (peer)
            {
                peer.ReceiveTimeout = peer.SendTimeout = Patience;
                byte[] buffer = new byte[4 + (256 << 10)];
                while (at >= 0 && at < file.Size && file.Read(at, buffer.AsSpan(4), Beat) is >= 0 and var n)
                {
                    BinaryPrimitives.WriteInt32LittleEndian(buffer, n);
                    for (int sent = 0; sent < n + 4;)
                        sent += peer.Send(buffer.AsSpan(sent, n + 4 - sent));
                    at += n;
                }
            }
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
            // the peer has gone, or our file: it goes to another
        }
    }

    /// <summary>False where the other side closed before.</summary>
    internal static bool ReadAll(Socket socket, Span<byte> to)
    {
        for (int done = 0, n; done < to.Length; done += n)
            if ((n = socket.Receive(to[done..])) == 0)
                return false;
        return true;
    }

    public void Dispose() => listener.Dispose();
}
