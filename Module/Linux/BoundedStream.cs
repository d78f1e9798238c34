namespace Slipway.Linux;

/// <summary>A stream of whose length nobody can be sure: reading more than was allowed is an error. Forward only.</summary>
/// <param name="tooLong">Makes the error; it should name what is read.</param>
sealed class BoundedStream(Stream from, long limit, Func<SlipwayException> tooLong) : ForwardStream
{
    long left = limit;

    public override int Read(Span<byte> buffer)
    {
        int n = from.Read(buffer);
        left -= n;
        return left >= 0 ? n : throw tooLong();
    }
}
