using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Slipway.Linux;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Controller;

/// <summary>Takes the answers of one node over TCP, where the program that starts it there does not give its output back.</summary>
/// <remarks>
/// A node says first what only a process of the job can know: a command line can be read by all users of a node, so there is but a number used once on it, and the
/// secret is made of that and of the job's cookie, which PBS puts into the environment of each of its tasks (tm_init(), src/lib/Libifl/tm.c
/// of OpenPBS and of Torque, takes it from there, and without it nothing can be started).
/// </remarks>
sealed class ReportListener : IDisposable
{
    readonly Socket listener;
    readonly Door door;
    readonly string once = Guid.NewGuid().ToString("n");

    /// <exception cref="SocketException">No socket is to be had.</exception>
    /// <exception cref="SlipwayException">This is no process of a job.</exception>
    public ReportListener()
    {
        byte[] hello = Encoding.UTF8.GetBytes(Token(once) + "\n");
        TcpListener any = Socket.OSSupportsIPv6 ? TcpListener.Create(0) : new TcpListener(IPAddress.Any, 0);
        any.Start();
        listener = any.Server;
        door = new Door(listener, hello, hello.Length);
    }

    /// <summary>For <see cref="StageRequest.Report"/>: nodes of a job know each other by their host names.</summary>
    public string Address => string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName} {((IPEndPoint)listener.LocalEndPoint!).Port} {once}");

    static string Token(string once) => Environment.GetEnvironmentVariable("PBS_JOBCOOKIE") is { Length: > 0 } cookie ? Digest.OfText($"{cookie} {once}")
        : throw new SlipwayException("NotInJob", ErrorKind.InvalidOperation, $"PBS_JOBCOOKIE is not set on {Environment.MachineName}: what is not a task of a job of PBS can start none, nor be believed", "Publish in the job's script, or choose SSH (-Transport SshTree).");

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
            using NetworkStream stream = new(peer, ownsSocket: true) { ReadTimeout = (int)NodeCall.Patience.TotalMilliseconds };
            using StreamReader from = new(stream);
            while (from.ReadLine() is { } text)
                line(text);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            // it has gone
        }
    }

    /// <summary>The node's side.</summary>
    /// <exception cref="SlipwayException">Whoever asked cannot be reached, or this is no task of the job.</exception>
    public static TextWriter Connect(string address)
    {
        try
        {
            string[] parts = address.Split(' ');
            StreamWriter to = new(new TcpClient(parts[0], int.Parse(parts[1], CultureInfo.InvariantCulture)).GetStream());
            to.WriteLine(Token(parts[2]));
            return to;
        }
        catch (Exception e) when (e is SocketException or IOException or FormatException or IndexOutOfRangeException)
        {
            throw new SlipwayException("ControllerUnreachable", ErrorKind.ConnectionError, $"whoever publishes cannot be reached from {Environment.MachineName}: {e.Message}", "Nodes of a job must reach each other by their host names.");
        }
    }

    public void Dispose() => door.Dispose();
}
