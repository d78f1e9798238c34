using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Slipway.Staging;

/// <summary>
/// Gives a file, while it grows, to whoever has the token, from the offset that they ask for, over TCP. Frames: four bytes of length (little-endian), then so
/// many bytes; a length of 0 says that we are alive and have nothing new.
/// </summary>
/// <remarks>The token keeps other users of the cluster from reading the image; the network itself is trusted no more than the digest at the end allows.</remarks>
internal sealed class TreeServer : IDisposable
{
    public const int TokenLength = 64, HelloLength = TokenLength + 8, Beat = 1000;

    readonly Socket listener;
    readonly GrowingFile file;
    readonly byte[] token;

    /// <exception cref="SocketException">No socket is to be had.</exception>
    public TreeServer(GrowingFile file, string token)
    {
        this.file = file;
        this.token = Encoding.ASCII.GetBytes(token);
        if (Socket.OSSupportsIPv6)
            listener = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
        else
            listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, 0));
        listener.Listen(512);
        Start(Accept);
    }

    public int Port => ((IPEndPoint)listener.LocalEndPoint!).Port;

    internal static void Start(Action work) => new Thread(() => work(), 256 << 10) { IsBackground = true }.Start();

    void Accept()
    {
        try
        {
            while (true)
            {
                Socket peer = listener.Accept();
                Start(() => Serve(peer));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // closed: nobody is to come any more
        }
    }

    void Serve(Socket peer)
    {
        try
        {
            using (peer)
            {
                peer.ReceiveTimeout = peer.SendTimeout = 30_000;
                byte[] buffer = new byte[4 + (256 << 10)];
                if (!ReadAll(peer, buffer.AsSpan(0, HelloLength)) || !CryptographicOperations.FixedTimeEquals(buffer.AsSpan(0, TokenLength), token))
                    return;
                long at = BinaryPrimitives.ReadInt64LittleEndian(buffer.AsSpan(TokenLength));
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
