using Slipway.Cache;
using Slipway.Linux;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Node;

/// <summary>
/// An image that is to be in this node's cache: whether it is, the right to put it there, and what is recorded of it then.
/// </summary>
sealed class ImageHere
{
    readonly SentImage image;
    readonly NodeVoice voice;
    readonly long started = Environment.TickCount64;

    /// <exception cref="SlipwayException">The cache cannot be used.</exception>
    public ImageHere(SentImage image, NodeVoice voice)
    {
        (this.image, this.voice) = (image, voice);
        if (!Digest.IsValid(image.Digest))
            throw CacheErrors.BadDigest(image.Digest);
        Cache = NodeCache.Prepare();
    }

    public string Cache { get; }

    /// <summary>The digest's hexadecimal digits.</summary>
    public string Name => image.Digest[Digest.Prefix.Length..];

    /// <summary>Where it is here already, its path and plan are recorded; else null.</summary>
    public Placement? Find() => NodeCache.FindEntry(image.Digest) is { } entry ? Finish(entry, 0) : null;

    /// <summary>Records path and plan of what lies there now.</summary>
    /// <param name="bytes">That were copied.</param>
    public Placement Finish(string entry, long bytes)
    {
        if (image.Source is { } source)
            NodeCache.WriteRecord(Cache, image.Path, source, image.Digest);
        NodeCache.KeepPlan(Cache, image.Digest, image.Plan);
        return new Placement
        {
            Node = voice.Node, Path = entry, Digest = image.Digest, Bytes = bytes, Seconds = (Environment.TickCount64 - started) / 1000.0,
            Transport = image.Transport, Hit = bytes == 0, Launcher = ProgramPlace.Of(image.Program),
        };
    }

    /// <summary>Waits for the right to make the entry here.</summary>
    public CacheLock Claim(CancellationToken gone) => CacheLock.Take(Cache, Name, () => voice.Say(new NodeReply.Waits()), gone);
}
