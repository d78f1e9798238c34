using System.Net;
using System.Net.Sockets;
using System.Text;
using Slipway.Staging.Messages;
using Slipway.Staging.Node;

namespace Slipway.Staging.Controller;

/// <summary>Takes the answers of one node over TCP, where the program that starts it there does not give its output back.</summary>
sealed class ReportListener : IDisposable
{
    readonly Socket listener;
    readonly Door door;
    readonly string once = Guid.NewGuid().ToString("n");

    /// <exception cref="SocketException">No socket is to be had.</exception>
    /// <exception cref="SlipwayException">This is no process of a job.</exception>
    public ReportListener()
    {
        byte[] hello = Encoding.UTF8.GetBytes(ReportAddress.Secret(once) + "\n");
        TcpListener any = Socket.OSSupportsIPv6 ? TcpListener.Create(0) : new TcpListener(IPAddress.Any, 0);
        any.Start();
        listener = any.Server;
        door = new Door(listener, hello, hello.Length);
    }

    /// <summary>Nodes of a job know each other by their host names.</summary>
    public ReportAddress Address => new(Environment.MachineName, ((IPEndPoint)listener.LocalEndPoint!).Port, once);

    /// <summary>Hands on each line that comes from who has the token, until that one closes, or until nobody can come any more.</summary>
    public void Read(Action<string> line, Func<bool> ended)
    {
        for (long? since = null; ;)
        {
            if (ended())
                since ??= Environment.TickCount64;
            foreach ((Socket peer, _) in door.Step(20))
                Read(peer, line);
            // what was to be said was said before it ended; a stranger at the door delays that no longer than strangers may
            if (since is { } then && (door.IsQuiet || Environment.TickCount64 - then > Door.Patience))
                return;
        }
    }

    static void Read(Socket peer, Action<string> line)
    {
        try
        {
            using NetworkStream stream = new(peer, ownsSocket: true) { ReadTimeout = (int)ReplyLines.Patience.TotalMilliseconds };
            using StreamReader from = new(stream);
            while (ReplyLines.ReadLine(from) is { } text)
                line(text);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            // it has gone
        }
    }

    public void Dispose() => door.Dispose();
}
