using System.Text.Json;
using System.Text.Json.Serialization;
using Slipway.Cache;

namespace Slipway.Staging.Messages;

/// <summary>
/// What a node is asked to do: the argument of <c>slipway stage</c>, as JSON in base64, so that no shell on the way sees anything to
/// interpret.
/// </summary>
/// <remarks>Both sides are of one version: nodes run the same program, or a copy of it that was brought along under its digest.</remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "do")]
[JsonDerivedType(typeof(Probe), "probe")]
[JsonDerivedType(typeof(Receive), "receive")]
[JsonDerivedType(typeof(AwaitCopy), "await-copy")]
[JsonDerivedType(typeof(Pull), "pull")]
[JsonDerivedType(typeof(Keep), "keep")]
abstract record NodeRequest
{
    NodeRequest()
    {
    }

    /// <summary>What the node is called by whoever asks; null where one command goes to many nodes.</summary>
    public string? Node { get; init; }

    /// <summary>Where answers go; null is standard output.</summary>
    public ReportAddress? Report { get; init; }

    public string ToArgument() => Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(this, StagingJson.Default.NodeRequest));

    /// <exception cref="SlipwayException">It is none.</exception>
    public static NodeRequest Parse(string argument)
    {
        byte[] json = new byte[argument.Length];
        return Convert.TryFromBase64String(argument, json, out int length)
            && StagingJson.TryRead(json.AsSpan(0, length), StagingJson.Default.NodeRequest, out NodeRequest? request)
            ? request : throw StagingErrors.RequestInvalid();
    }

    /// <summary>Has it done.</summary>
    public abstract void Ask(INodeWork of);

    public sealed record Probe(SentImage Image) : NodeRequest
    {
        public override void Ask(INodeWork of) => of.Probe(Image);
    }

    public sealed record Receive(SentImage Image) : NodeRequest
    {
        public override void Ask(INodeWork of) => of.Receive(Image);
    }

    public sealed record AwaitCopy(SentImage Image, string Partial) : NodeRequest
    {
        public override void Ask(INodeWork of) => of.AwaitCopy(Image, Partial);
    }

    public sealed record Pull(SentImage Image) : NodeRequest
    {
        public override void Ask(INodeWork of) => of.Pull(Image);
    }

    public sealed record Keep(CacheVerb Verb) : NodeRequest
    {
        public override void Ask(INodeWork of) => of.Keep(Verb);
    }
}
