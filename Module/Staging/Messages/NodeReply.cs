using System.Text.Json.Serialization;

namespace Slipway.Staging.Messages;

/// <summary>What a node says: an <see cref="Answer"/> ends what it was asked; all else comes before.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(Waits), "waits")]
[JsonDerivedType(typeof(Listens), "listens")]
[JsonDerivedType(typeof(Holds), "holds")]
[JsonDerivedType(typeof(At), "at")]
[JsonDerivedType(typeof(NeedsStream), "needs-stream")]
[JsonDerivedType(typeof(LacksProgram), "lacks-program")]
[JsonDerivedType(typeof(LacksImage), "lacks-image")]
[JsonDerivedType(typeof(Done), "done")]
[JsonDerivedType(typeof(Entries), "entries")]
[JsonDerivedType(typeof(Failed), "failed")]
abstract record NodeReply
{
    NodeReply()
    {
    }

    /// <summary>Another process publishes the image there.</summary>
    public sealed record Waits : NodeReply;

    /// <summary>It receives, and other nodes can read from it.</summary>
    public sealed record Listens(string Address, int Port) : NodeReply;

    /// <summary>It holds the place of a copy.</summary>
    /// <param name="Partial">Path at which the copy is to be made.</param>
    /// <param name="Step">The step of Slurm that the node's process is part of (JOB.STEP); null where it is part of none.</param>
    public sealed record Holds(string Partial, string? Step = null) : NodeReply;

    /// <summary>It has so many bytes.</summary>
    public sealed record At(long Bytes) : NodeReply;

    /// <summary>It reaches no source, and wants the bytes from this one on through standard input.</summary>
    public sealed record NeedsStream(long From) : NodeReply;

    /// <summary>The last word of a node.</summary>
    public abstract record Answer : NodeReply;

    /// <summary><c>slipway</c> is not there; the script says it that was to start it.</summary>
    public sealed record LacksProgram : Answer;

    public sealed record LacksImage : Answer;

    public sealed record Done(Placement Placement) : Answer;

    public sealed record Entries(IReadOnlyList<ImageCacheEntry> All) : Answer;

    public sealed record Failed(NodeError Error) : Answer;
}
