namespace Slipway.Linux;

/// <summary>Bytes that were read already, and then the rest of their stream; forward only.</summary>
sealed class PrefixStream(ReadOnlyMemory<byte> prefix, Stream rest) : ForwardStream
{
    ReadOnlyMemory<byte> left = prefix;

    public override int Read(Span<byte> buffer)
    {
        if (left.Length == 0)
            return rest.Read(buffer);
        int n = Math.Min(left.Length, buffer.Length);
        left.Span[..n].CopyTo(buffer);
        left = left[n..];
        return n;
    }
}
