using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Slipway.Cache;
using Slipway.Staging.Controller;
using Slipway.Staging.Messages;
using Slipway.Staging.Node;

namespace Slipway.Tests.Staging;

/// <summary>
/// What of a publish listens on the network: whoever has no token takes next to nothing, and keeps nobody with one from coming in.
/// </summary>
public sealed class DoorTests : IDisposable
{
    readonly TemporaryDirectory directory = new();
    readonly List<Socket> strangers = [];
    readonly string token = new('a', TreeServer.TokenLength);

    public void Dispose()
    {
        strangers.ForEach(s => s.Dispose());
        directory.Dispose();
    }

    static Socket Connect(int port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 20_000,
            SendTimeout = 20_000 };
        socket.Connect(IPAddress.Loopback, port);
        return socket;
    }

    static int Threads => Directory.GetDirectories("/proc/self/task").Length;

    GrowingFile Image(int size)
    {
        byte[] bytes = new byte[size];
        new Random(1).NextBytes(bytes);
        return GrowingFile.Whole(directory.Write("image", bytes));
    }

    byte[] Hello(string of, long at = 0)
    {
        byte[] hello = new byte[TreeServer.HelloLength];
        Encoding.ASCII.GetBytes(of, hello);
        BinaryPrimitives.WriteInt64LittleEndian(hello.AsSpan(TreeServer.TokenLength), at);
        return hello;
    }

    /// <summary>All of the file, as a node reads it.</summary>
    byte[] Fetch(int port, long size)
    {
        using Socket node = Connect(port);
        node.Send(Hello(token));
        using MemoryStream got = new();
        byte[] head = new byte[4], buffer = new byte[256 << 10];
        while (got.Length < size)
        {
            Assert.True(TreeServer.ReadAll(node, head));
            int n = BinaryPrimitives.ReadInt32LittleEndian(head);
            Assert.True(TreeServer.ReadAll(node, buffer.AsSpan(0, n)));
            got.Write(buffer, 0, n);
        }
        return got.ToArray();
    }

    static bool IsClosed(Socket socket, int milliseconds) => socket.Poll(milliseconds * 1000, SelectMode.SelectRead)
        && (socket.Available == 0 || socket.Receive(new byte[1]) == 0);

    [Theory]
    [InlineData("silent")]
    [InlineData("nearly")]
    [InlineData("wrong")]
    [InlineData("web")]
    public void TwoThousandStrangersTakeNoThreadAndKeepNobodyOut(string kind)
    {
        using GrowingFile file = Image(3 << 20);
        using TreeServer server = new(file, token);
        byte[] says = kind switch { "silent" => [], "nearly" => Hello(token)[..^1], "wrong" =>
            Hello(new string('b', TreeServer.TokenLength)), _ => "GET / HTTP/1.1\r\n\r\n"u8.ToArray() };
        int before = Threads, most = 0;
        Stopwatch time = Stopwatch.StartNew();
        for (int i = 0; i < 2000; i++)
        {
            try
            {
                Socket stranger = Connect(server.Port);
                strangers.Add(stranger);
                if (says.Length > 0)
                    stranger.Send(says);
            }
            catch (SocketException)
            {
                // the door has closed it already
            }
            if (i % 100 == 0)
                most = Math.Max(most, Threads);
            if (i is 500 or 1999)
                Assert.Equal(File.ReadAllBytes(Path.Combine(directory.Path, "image")), Fetch(server.Port, file.Size));
        }
        Assert.InRange(most - before, 0, 20); // of .NET's own pool, and the tests beside
        Assert.InRange(time.Elapsed.TotalSeconds, 0, 60);
        // at most so many are still let wait; and these not for long
        int waiting = strangers.Count(s => !IsClosed(s, 0));
        Assert.InRange(waiting, 0, Door.MostStrangers + 1);
        if (kind == "nearly")
        {
            Thread.Sleep(Door.Patience + 2000);
            Assert.DoesNotContain(strangers, s => !IsClosed(s, 1000));
        }
        Assert.Equal(file.Size, Fetch(server.Port, file.Size).Length);
    }

    /// <summary>A byte a second would have had 72 times 30 s.</summary>
    [Fact]
    public void TheHelloAsAWholeHasItsTime()
    {
        using GrowingFile file = Image(1000);
        using TreeServer server = new(file, token);
        using Socket slow = Connect(server.Port);
        byte[] hello = Hello(token);
        Stopwatch time = Stopwatch.StartNew();
        int sent = 0;
        try
        {
            while (sent < hello.Length && !IsClosed(slow, 200))
                slow.Send(hello.AsSpan(sent++, 1));
        }
        catch (SocketException)
        {
            // closed
        }
        Assert.InRange(sent, 5, 60);
        Assert.InRange(time.Elapsed.TotalSeconds, 4, 15);
    }

    [Fact]
    public void AHelloInPiecesIsOne()
    {
        using GrowingFile file = Image(1000);
        using TreeServer server = new(file, token);
        using Socket node = Connect(server.Port);
        node.NoDelay = true;
        byte[] hello = Hello(token, 990);
        foreach (byte[] piece in hello.Chunk(10))
        {
            node.Send(piece);
            Thread.Sleep(20);
        }
        byte[] answer = new byte[14];
        Assert.True(TreeServer.ReadAll(node, answer));
        Assert.Equal(10, BinaryPrimitives.ReadInt32LittleEndian(answer));
    }

    /// <summary>A job's cookie is what makes the secret; the listener takes it from the environment, as tm_init() does.</summary>
    [Theory]
    [InlineData("silent")]
    [InlineData("long line")]
    [InlineData("wrong")]
    public void AReportIsReadWhateverStrangersDo(string kind)
    {
        string? before = Environment.GetEnvironmentVariable("PBS_JOBCOOKIE");
        Environment.SetEnvironmentVariable("PBS_JOBCOOKIE", "0123456789abcdef");
        try
        {
            using ReportListener listener = new();
            ReportAddress address = listener.Address with { Host = "127.0.0.1" };
            List<string> lines = [];
            bool ended = false;
            Thread reader = new(() => listener.Read(lines.Add, () => ended));
            reader.Start();
            for (int i = 0; i < 100; i++)
            {
                Socket stranger = Connect(address.Port);
                strangers.Add(stranger);
                if (kind != "silent")
                    stranger.Send(Encoding.ASCII.GetBytes(kind == "wrong" ? new string('0', 64) + "\n" : new string('x', 60_000)));
            }
            Stopwatch time = Stopwatch.StartNew();
            foreach (string said in new[] { "one", "two" })
                using (TextWriter node = ReportWriter.Connect(address))
                    node.WriteLine(said);
            RunUntil(() => lines.Count == 2, 10);
            Assert.Equal(["one", "two"], lines);
            Assert.InRange(time.Elapsed.TotalSeconds, 0, 10);
            ended = true;
            Assert.True(reader.Join(Door.Patience + 5000));
        }
        finally
        {
            Environment.SetEnvironmentVariable("PBS_JOBCOOKIE", before);
        }
    }

    static void RunUntil(Func<bool> condition, int seconds)
    {
        for (int i = 0; i < seconds * 20 && !condition(); i++)
            Thread.Sleep(50);
    }
}
