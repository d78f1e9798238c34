using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Slipway.Staging.Messages;

/// <summary>What is said between whoever publishes and the nodes, one object a line.</summary>
/// <remarks>Each member must be there, but for those with a default: what is null is left out.</remarks>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(NodeRequest))]
[JsonSerializable(typeof(NodeReply))]
[JsonSerializable(typeof(NodeOrder))]
sealed partial class StagingJson : JsonSerializerContext
{
    /// <summary>False where it is no such message: no JSON, of an unknown kind, with a member missing or null.</summary>
    public static bool TryRead<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type, [NotNullWhen(true)] out T? message) where T : class
    {
        try
        {
            message = JsonSerializer.Deserialize(json, type);
        }
        // the latter where the kind is missing
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            message = null;
        }
        return message is not null;
    }
}
