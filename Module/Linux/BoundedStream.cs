namespace Slipway.Linux;

/// <summary>A stream of whose length nobody can be sure: reading more than was allowed is an error. Forward only.</summary>
/// <param name="tooLong">Makes the error; it should name what is read.</param>
internal sealed class BoundedStream(Stream from, long limit, Func<SlipwayException> tooLong) : Stream
{
    long left = limit;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        int n = from.Read(buffer);
        left -= n;
        return left >= 0 ? n : throw tooLong();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
