using System.Text.Json.Serialization;

namespace Slipway.Staging.Messages;

/// <summary>What is said between the controller of a publish and its nodes, one object a line.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StageRequest))]
[JsonSerializable(typeof(StageReply))]
[JsonSerializable(typeof(StageOrder))]
sealed partial class StageJson : JsonSerializerContext;
