using System.Text.Json.Serialization;

namespace Slipway.Building;

/// <summary>What is said between the controller of a build and its builder, one object a line.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(BuildJob))]
[JsonSerializable(typeof(BuildMessage))]
sealed partial class BuildJson : JsonSerializerContext;
