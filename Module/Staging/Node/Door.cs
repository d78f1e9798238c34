using System.Net.Sockets;
using System.Security.Cryptography;

namespace Slipway.Staging.Node;

/// <summary>
/// A listener that lets in who shows the token. Anybody on the network may knock: so strangers take no thread, at most
/// <see cref="MostStrangers"/> of them wait at a time, each for at most <see cref="Patience"/> in all, and where another comes the one that
/// has waited longest goes. Whoever has the token sends it at once.
/// </summary>
/// <param name="hello">Bytes that everybody sends first; the token is their beginning.</param>
sealed class Door(Socket listener, byte[] token, int hello) : IDisposable
{
    public const int MostStrangers = 64;

    /// <summary>Milliseconds from the connection to the last byte of the hello.</summary>
    public const int Patience = 5000;

    readonly List<Stranger> strangers = [];

    sealed class Stranger(Socket socket, int length)
    {
        readonly long since = Environment.TickCount64;
        int have;

        public Socket Socket => socket;

        public byte[] Hello { get; } = new byte[length];

        public bool IsLate => Environment.TickCount64 - since > Patience;

        /// <summary>Takes what is there. True when all has come; null where nothing more will.</summary>
        public bool? Listen()
        {
            int n = socket.Receive(Hello.AsSpan(have), SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock)
                return false;
            if (n <= 0)
                return null;
            return (have += n) == Hello.Length;
        }
    }

    /// <summary>True where nobody knocks, and nobody is about to show a token.</summary>
    public bool IsQuiet => strangers.Count == 0 && !listener.Poll(0, SelectMode.SelectRead);

    /// <summary>Waits for a while, and gives whoever was let in meanwhile, with the hello; it is the caller's then.</summary>
    /// <exception cref="ObjectDisposedException">The listener is closed.</exception>
    public IReadOnlyList<(Socket Peer, byte[] Hello)> Step(int milliseconds)
    {
        List<Socket> ready = [listener, .. strangers.Select(s => s.Socket)];
        try
        {
            Socket.Select(ready, null, null, milliseconds * 1000);
        }
        catch (SocketException)
        {
            // one of them is gone: it shows when it is listened to
            Thread.Sleep(Math.Min(milliseconds, 20));
        }
        for (int i = 0; i < MostStrangers && listener.Poll(0, SelectMode.SelectRead) && TryAccept(); i++)
            continue;
        List<(Socket, byte[])> let = [];
        foreach (Stranger stranger in strangers.ToList())
            if (stranger.Listen() is not { } whole)
                Drop(stranger);
            else if (whole && CryptographicOperations.FixedTimeEquals(stranger.Hello.AsSpan(0, token.Length), token))
            {
                strangers.Remove(stranger);
                stranger.Socket.Blocking = true;
                let.Add((stranger.Socket, stranger.Hello));
            }
            else if (whole || stranger.IsLate)
                Drop(stranger);
        while (strangers.Count > MostStrangers)
            Drop(strangers[0]);
        return let;
    }

    bool TryAccept()
    {
        try
        {
            Socket socket = listener.Accept();
            socket.Blocking = false;
            strangers.Add(new Stranger(socket, hello));
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode is not (SocketError.NotSocket or SocketError.OperationAborted))
        {
            // it has gone again; or no descriptor is left, and strangers hold some
            if (e.SocketErrorCode is not (SocketError.ConnectionAborted or SocketError.WouldBlock) && strangers.Count > 0)
                Drop(strangers[0]);
            return false;
        }
    }

    void Drop(Stranger stranger)
    {
        strangers.Remove(stranger);
        stranger.Socket.Dispose();
    }

    public void Dispose()
    {
        listener.Dispose();
        strangers.ToList().ForEach(Drop);
    }
}
