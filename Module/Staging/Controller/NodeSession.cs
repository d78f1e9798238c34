using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Slipway.Cache;
using Slipway.Linux;
using Slipway.Staging.Messages;
using Slipway.Staging.Node;

namespace Slipway.Staging.Controller;

/// <summary>One command that runs <c>slipway stage</c> on one node, or on a group of them, and the conversation with it.</summary>
sealed class NodeSession : IDisposable
{
    readonly Process process;
    readonly Action<string, StageReply> replied;
    readonly StringBuilder said = new();
    readonly Thread outputReader, errorReader;
    readonly Thread? reportReader;
    readonly ReportListener? report;
    readonly object input = new();
    readonly HashSet<string> expected;
    readonly Dictionary<string, StringBuilder> parts = [];

    /// <summary>Characters: no cache has so many entries that their list is longer.</summary>
    const int LongestAnswer = 64 << 20;

    /// <param name="bring">Sends our launcher first.</param>
    /// <param name="replied">Gets each answer with the node that gave it, on a thread of the session.</param>
    /// <exception cref="SlipwayException">The starter's program cannot be started.</exception>
    public NodeSession(NodeStarter starter, IReadOnlyList<string> nodes, StageRequest request, Action<string, StageReply> replied, bool bring = false)
    {
        Nodes = nodes;
        expected = [.. nodes];
        this.replied = replied;
        LauncherBundle bundle = LauncherBundle.Own;
        report = starter.Silent ? new ReportListener() : null;
        (string program, List<string> arguments) = starter.Command(nodes, LauncherBundle.ScriptText,
            bundle.Arguments(StageNode.Encode(request with { Node = nodes.Count == 1 ? nodes[0] : null, Report = report?.Address }), bring));
        ProcessStartInfo start = new(HostProgram.Find(program), arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            report?.Dispose();
            throw new SlipwayException("ProgramNotStarted", ErrorKind.InvalidOperation, $"{start.FileName}: {e.Message}", null, start.FileName, e);
        }
        outputReader = Start(() => Read(process.StandardOutput));
        reportReader = report is null ? null : Start(ReadReport);
        errorReader = Start(() => ReadErrors(process.StandardError));
        if (bring)
            Start(() => Write(bundle.WriteTo));
    }

    static Thread Start(Action work)
    {
        Thread thread = new(() => work(), 256 << 10) { IsBackground = true };
        thread.Start();
        return thread;
    }

    public IReadOnlyList<string> Nodes { get; }

    /// <summary>When a node last said something, in milliseconds of <see cref="Environment.TickCount64"/>.</summary>
    public long LastHeard { get; private set; } = Environment.TickCount64;

    public bool HasEnded => process.HasExited && !outputReader.IsAlive && !errorReader.IsAlive && reportReader?.IsAlive != true;

    /// <summary>What the program and the nodes' shells said besides answers: the end of it.</summary>
    public string Said
    {
        get
        {
            lock (said)
                return said.ToString().Trim();
        }
    }

    public int ExitCode => process.HasExited ? process.ExitCode : -1;

    void Read(StreamReader from)
    {
        try
        {
            while (from.ReadLine() is { } line)
            {
                LastHeard = Environment.TickCount64;
                if (!TryTake(line))
                    Note(line);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // ended
        }
    }

    void ReadReport()
    {
        try
        {
            report!.Read(line =>
            {
                LastHeard = Environment.TickCount64;
                TryTake(line);
            }, () => process.HasExited);
            // the script had nobody to tell
            if (process.ExitCode == LauncherBundle.LacksExitCode)
                replied(Nodes[0], new StageReply { Kind = "lacks" });
        }
        catch (Exception e) when (e is InvalidOperationException or System.Net.Sockets.SocketException)
        {
            // ended
        }
    }

    /// <summary>Takes a line of an answer, and hands the answer on with its last one.</summary>
    /// <returns>False where it is none.</returns>
    bool TryTake(string line)
    {
        if (!line.StartsWith(StageReply.Mark, StringComparison.Ordinal) || line[StageReply.Mark.Length..].Split(' ', 2) is not [var name, ['+' or '=', ..] part])
            return false;
        // a node speaks for itself alone
        string node = Nodes.Count == 1 ? Nodes[0] : name;
        if (!expected.Contains(node))
            return false;
        if (!parts.TryGetValue(node, out StringBuilder? text))
            parts[node] = text = new StringBuilder();
        text.Append(part.AsSpan(1));
        if (part[0] == '+' && text.Length < LongestAnswer)
            return true;
        parts.Remove(node);
        try
        {
            if (JsonSerializer.Deserialize(text.ToString(), StageJson.Default.StageReply) is not { } reply)
                return false;
            replied(node, reply);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    void ReadErrors(StreamReader from)
    {
        try
        {
            while (from.ReadLine() is { } line)
                Note(line);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // ended
        }
    }

    void Note(string line)
    {
        lock (said)
            if (said.Length < 4096)
                said.Append(line.Length > 1024 ? line[..1024] : line).Append('\n');
    }

    public void Send(StageOrder order) => Write(to =>
    {
        to.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(order, StageJson.Default.StageOrder) + "\n"));
        to.Flush();
    });

    /// <summary>Sends the rest of an image through the session itself, where a node reaches no other source.</summary>
    public void Stream(GrowingFile file, long from) => Start(() => Write(to =>
    {
        to.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new StageOrder { Stream = true, From = from }, StageJson.Default.StageOrder) + "\n"));
        byte[] buffer = new byte[256 << 10];
        for (int n; from < file.Size && (n = file.Read(from, buffer, 1000)) >= 0; from += n)
            to.Write(buffer.AsSpan(0, n));
        to.Flush();
    }));

    void Write(Action<Stream> write)
    {
        lock (input)
            try
            {
                write(process.StandardInput.BaseStream);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
            {
                // it has ended, and says why in its own words
            }
    }

    /// <summary>Closes its input, which is how a node knows that it is done.</summary>
    public void Close()
    {
        try
        {
            process.StandardInput.Close();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // closed
        }
    }

    public void Kill()
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // it has ended by itself
        }
    }

    /// <summary>Ends it: kindly, then by force.</summary>
    public void Dispose()
    {
        Close();
        if (!process.WaitForExit(3000))
            Kill();
        outputReader.Join(1000);
        reportReader?.Join(1000);
        report?.Dispose();
        process.Dispose();
    }
}
