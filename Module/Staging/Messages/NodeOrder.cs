using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Slipway.Staging.Messages;

/// <summary>What a node is told while it receives: a line on its standard input.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "order")]
[JsonDerivedType(typeof(Begin), "begin")]
[JsonDerivedType(typeof(ReadFrom), "read-from")]
[JsonDerivedType(typeof(TakeStream), "take-stream")]
[JsonDerivedType(typeof(CopyIsThere), "copy-is-there")]
abstract record NodeOrder
{
    NodeOrder()
    {
    }

    public byte[] ToLine() => Encoding.UTF8.GetBytes(JsonSerializer.Serialize(this, StagingJson.Default.NodeOrder) + "\n");

    /// <param name="Token">
    /// Whoever may read the image from another node has it. It comes this way, since all users of a node can read a command line.
    /// </param>
    public sealed record Begin(string Token) : NodeOrder;

    /// <param name="Sources">Where to read from, the next one when one fails.</param>
    public sealed record ReadFrom(IReadOnlyList<TreeSource> Sources) : NodeOrder;

    /// <summary>The image's bytes from <paramref name="From"/> on follow.</summary>
    public sealed record TakeStream(long From) : NodeOrder;

    /// <summary>The copy lies where it was to be put.</summary>
    public sealed record CopyIsThere : NodeOrder;
}
