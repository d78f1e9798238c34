using Slipway.Cache;

namespace Slipway.Staging.Messages;

/// <summary>What a node can be asked: each kind of <see cref="NodeRequest"/> is a call of one of these.</summary>
interface INodeWork
{
    /// <summary>Says whether the image is there; where it is, its path and plan are recorded.</summary>
    void Probe(SentImage image);

    /// <summary>Takes the image from where <see cref="NodeOrder"/>s say, and passes it on to other nodes meanwhile.</summary>
    void Receive(SentImage image);

    /// <summary>Holds the place of a copy that something else makes, then checks it and makes it an entry.</summary>
    /// <param name="partial">Part of the name of the copy, which is the same on every node.</param>
    void AwaitCopy(SentImage image, string partial);

    /// <summary>Copies the image from its path.</summary>
    void Pull(SentImage image);

    /// <summary>Looks after the cache.</summary>
    void Keep(CacheVerb verb);
}
