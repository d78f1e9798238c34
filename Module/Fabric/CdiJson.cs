using System.Text.Json.Serialization;

namespace Slipway.Fabric;

/// <summary>A CDI specification as JSON.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    WriteIndented = true,
    RespectNullableAnnotations = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CdiSpecification))]
sealed partial class CdiJson : JsonSerializerContext;
