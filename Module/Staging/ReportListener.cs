using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Slipway.Staging;

/// <summary>Takes the answers of one node over TCP, where the program that starts it there does not give its output back.</summary>
internal sealed class ReportListener : IDisposable
{
    readonly TcpListener listener;
    readonly string token = Guid.NewGuid().ToString("n") + Guid.NewGuid().ToString("n");

    /// <exception cref="SocketException">No socket is to be had.</exception>
    public ReportListener()
    {
        listener = Socket.OSSupportsIPv6 ? TcpListener.Create(0) : new TcpListener(IPAddress.Any, 0);
        listener.Start();
    }

    /// <summary>For <see cref="StageRequest.Report"/>: nodes of a job know each other by their host names.</summary>
    public string Address => string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName} {((IPEndPoint)listener.LocalEndpoint).Port} {token}");

    /// <summary>Hands on each line that comes from who has the token, until that one closes, or until nobody can come any more.</summary>
    public void Read(Action<string> line, Func<bool> ended)
    {
        while (true)
        {
            // what was to be said was said before it ended
            bool last = ended();
            if (!listener.Pending())
            {
                if (last)
                    return;
                Thread.Sleep(20);
                continue;
            }
            try
            {
                using TcpClient client = listener.AcceptTcpClient();
                client.ReceiveTimeout = (int)NodeCall.Patience.TotalMilliseconds;
                using StreamReader from = new(client.GetStream());
                if (from.ReadLine() != token)
                    continue;
                while (from.ReadLine() is { } text)
                    line(text);
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
            {
                // it has gone
            }
        }
    }

    /// <summary>The node's side.</summary>
    /// <exception cref="SlipwayException">Whoever asked cannot be reached.</exception>
    public static TextWriter Connect(string address)
    {
        try
        {
            string[] parts = address.Split(' ');
            StreamWriter to = new(new TcpClient(parts[0], int.Parse(parts[1], CultureInfo.InvariantCulture)).GetStream());
            to.WriteLine(parts[2]);
            return to;
        }
        catch (Exception e) when (e is SocketException or IOException or FormatException or IndexOutOfRangeException)
        {
            throw new SlipwayException("ControllerUnreachable", ErrorKind.ConnectionError, $"whoever publishes cannot be reached from {Environment.MachineName}: {e.Message}", "Nodes of a job must reach each other by their host names.");
        }
    }

    public void Dispose() => listener.Dispose();
}
