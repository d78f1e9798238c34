using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Slipway.Linux;
using Tmds.Linux;
using static Slipway.Linux.LibC;
using static Tmds.Linux.LibC;

namespace Slipway.Launcher;

/// <summary>
/// Where <c>slipway</c> writes: what is written is shown, not obeyed (<see cref="Visible"/>), and an output that is closed or full is one
/// error of ours.
/// </summary>
/// <remarks>
/// .NET's Console starts a thread before its first word, and where no thread is to be had even the error about that would not be told.
/// </remarks>
sealed class Output(int descriptor, string name) : TextWriter
{
    public static readonly Output Standard = new(1, "standard output"), Error = new(2, "standard error");

    readonly Lock gate = new();

    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value) => Write(value.ToString());

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    /// <summary>Line feeds and tabs are ours; whoever puts in a text that is not takes <see cref="Visible.Of"/>.</summary>
    public override void Write(string? value) => Raw(Visible.Lines(value));

    public override void WriteLine(string? value) => Write(value + "\n");

    /// <summary>As it is: what ranks say, and what moves our own cursor.</summary>
    public void Raw(string value) => Put(Encoding.UTF8.GetBytes(value));

    /// <summary>
    /// An object and a line feed, by and by: a manifest may be as large as its limit. JSON has no control characters of its own (RFC 8259).
    /// </summary>
    public void Json<T>(T item, JsonTypeInfo<T> type)
    {
        using Bytes stream = new(this);
        JsonSerializer.Serialize(stream, item, type);
        Put("\n"u8);
    }

    unsafe void Put(ReadOnlySpan<byte> bytes)
    {
        lock (gate)
            fixed (byte* from = bytes)
                for (int done = 0; done < bytes.Length;)
                {
                    nint n = (nint)write(descriptor, from + done, bytes.Length - done);
                    int error = n < 0 ? errno : 0;
                    if (error == EAGAIN)
                        Wait();
                    else if (error == EPIPE)
                        return; // who read it has had enough
                    else if (error != 0 && error != EINTR)
                        throw error == EBADF ? ProgramErrors.OutputClosed(name)
                            : ProgramErrors.OutputFailed(name, Marshal.GetPInvokeErrorMessage(error));
                    done += (int)Math.Max(n, 0);
                }
    }

    /// <summary>Somebody has made it one that does not wait (O_NONBLOCK is of the open file, which others have too).</summary>
    unsafe void Wait()
    {
        pollfd wait = new() { fd = descriptor, events = POLLOUT };
        poll(&wait, 1, 1000);
    }

    sealed class Bytes(Output to) : Stream
    {
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Write(ReadOnlySpan<byte> buffer) => to.Put(buffer);
        public override void Write(byte[] buffer, int offset, int count) => to.Put(buffer.AsSpan(offset, count));
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
