using System.Text.Json;
using System.Text.Json.Serialization;

namespace Slipway.Building;

/// <summary>
/// What the builder says to who has started it, one message a line on its standard output. Both are the same version of the same program,
/// so that no message has a second form.
/// </summary>
[JsonDerivedType(typeof(Step), "step"), JsonDerivedType(typeof(Done), "done"), JsonDerivedType(typeof(Failed), "failed")]
abstract record BuildMessage
{
    BuildMessage()
    {
    }

    /// <summary>A step begins, or is so far.</summary>
    /// <param name="Percent">-1 where nobody can tell.</param>
    public sealed record Step(string Name, int Percent) : BuildMessage;

    /// <summary>The image is made.</summary>
    /// <param name="IsThere">The destination has this very image already, and none was written.</param>
    /// <param name="Lock">What it was built from.</param>
    /// <param name="Manifest">As the image has it; null where an earlier build has made the image.</param>
    public sealed record Done(string Digest, bool IsThere, BuildLock Lock, string? Manifest) : BuildMessage;

    /// <summary>The build has failed: a <see cref="SlipwayException"/> on its way out of the namespace.</summary>
    public sealed record Failed(string Id, ErrorKind Kind, string Message, string? Recommendation, string? Target) : BuildMessage
    {
        public SlipwayException ToException() => new(Id, Kind, Message, Recommendation, Target);
    }

    public string ToLine() => JsonSerializer.Serialize(this, BuildJson.Default.BuildMessage);

    /// <summary>Null for a line that is no message of ours.</summary>
    public static BuildMessage? FromLine(string line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, BuildJson.Default.BuildMessage);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException) // the latter where it does not say which it is
        {
            return null;
        }
    }
}
