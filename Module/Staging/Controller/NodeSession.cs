using System.Diagnostics;
using System.Text;
using Slipway.Cache;
using Slipway.Linux;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Controller;

/// <summary>One command that runs <c>slipway stage</c> on one node, or on a group of them, and the conversation with it.</summary>
sealed class NodeSession : IDisposable
{
    readonly Process process;
    readonly NodeStarter starter;
    readonly Action<string, NodeReply> replied;
    readonly StringBuilder said = new();
    readonly Thread outputReader, errorReader;
    readonly Thread? reportReader;
    readonly ReportListener? report;
    readonly object input = new();
    readonly ReplyLines lines;

    /// <param name="bring">Sends our program first.</param>
    /// <param name="replied">Gets each reply with the node that gave it, on a thread of the session.</param>
    /// <exception cref="SlipwayException">The starter's program cannot be started.</exception>
    public NodeSession(NodeStarter starter, IReadOnlyList<string> nodes, NodeRequest request, Action<string, NodeReply> replied,
        bool bring = false)
    {
        Nodes = nodes;
        lines = new ReplyLines(nodes);
        (this.starter, this.replied) = (starter, replied);
        ProgramBundle bundle = ProgramBundle.Own;
        report = starter.Silent ? new ReportListener() : null;
        NodeRequest sent = request with { Node = nodes.Count == 1 ? nodes[0] : null, Report = report?.Address };
        (string program, List<string> arguments) =
            starter.Command(nodes, ProgramBundle.ScriptText, bundle.Arguments(sent.ToArgument(), bring));
        ProcessStartInfo start = new(HostProgram.Find(program), arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            report?.Dispose();
            throw StagingErrors.StarterNotStarted(start.FileName, e);
        }
        outputReader = BackgroundThread.Start(() => Read(process.StandardOutput));
        reportReader = report is null ? null : BackgroundThread.Start(ReadReport);
        errorReader = BackgroundThread.Start(() => ReadErrors(process.StandardError));
        if (bring)
            BackgroundThread.Start(() => Write(bundle.WriteTo));
    }

    public IReadOnlyList<string> Nodes { get; }

    /// <summary>When a node last said something, in milliseconds of <see cref="Environment.TickCount64"/>.</summary>
    public long LastHeard { get; private set; } = Environment.TickCount64;

    public bool HasEnded => process.HasExited && !outputReader.IsAlive && !errorReader.IsAlive && reportReader?.IsAlive != true;

    /// <summary>What the program and the nodes' shells said besides answers, on one line: the beginning of it.</summary>
    public string Said
    {
        get
        {
            lock (said)
                return said.ToString().Trim().ReplaceLineEndings("; ");
        }
    }

    /// <summary>Why it ended without an answer.</summary>
    public string WhyItEnded => Said is { Length: > 0 } words ? $"{starter.Name}: {words}"
        : $"{starter.Name} ended with exit code {(process.HasExited ? process.ExitCode : -1)} and said nothing";

    void Read(StreamReader from)
    {
        try
        {
            while (ReplyLines.ReadLine(from) is { } line)
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
            if (process.ExitCode == ProgramBundle.LacksExitCode)
                replied(Nodes[0], new NodeReply.LacksProgram());
        }
        catch (Exception e) when (e is InvalidOperationException or System.Net.Sockets.SocketException)
        {
            // ended
        }
    }

    /// <returns>False where the line is no part of a reply.</returns>
    bool TryTake(string line)
    {
        string? node;
        NodeReply? reply;
        lock (lines)
            if (!lines.TryTake(line, out node, out reply))
                return false;
        if (node is not null && reply is not null)
            replied(node, reply);
        return true;
    }

    void ReadErrors(StreamReader from)
    {
        try
        {
            while (ReplyLines.ReadLine(from) is { } line)
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
                said.Append(line).Append('\n');
    }

    public void Send(NodeOrder order) => Write(to =>
    {
        to.Write(order.ToLine());
        to.Flush();
    });

    /// <summary>Sends the rest of an image through the session itself, where a node reaches no other source.</summary>
    public void Stream(GrowingFile file, long from) => BackgroundThread.Start(() => Write(to =>
    {
        to.Write(new NodeOrder.TakeStream(from).ToLine());
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
