using System.Text.Json;
using System.Text.Json.Serialization;

namespace Slipway;

/// <summary>The objects as JSON, generated at compile time, so that it works without reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    WriteIndented = true,
    RespectNullableAnnotations = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ContainerImage))]
[JsonSerializable(typeof(ImageManifest))]
[JsonSerializable(typeof(BuildLock))]
[JsonSerializable(typeof(LockedSource))]
[JsonSerializable(typeof(FabricPlan))]
[JsonSerializable(typeof(FabricDevice))]
[JsonSerializable(typeof(LaunchPlan))]
[JsonSerializable(typeof(MpiResult))]
[JsonSerializable(typeof(PreflightCheck))]
[JsonSerializable(typeof(SortedDictionary<string, string>))]
[JsonSerializable(typeof(FabricInventory))]
[JsonSerializable(typeof(ImageFabric))]
[JsonSerializable(typeof(ImageDependency))]
[JsonSerializable(typeof(MissingDependency))]
[JsonSerializable(typeof(ImageCacheEntry))]
sealed partial class ObjectsJson : JsonSerializerContext
{
    /// <summary>On one line, for <c>--json</c> (one object, or one a line for many).</summary>
    public static ObjectsJson Compact { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter<FabricRung>(), new JsonStringEnumConverter<ErrorKind>(),
            new JsonStringEnumConverter<PreflightStatus>(), new JsonStringEnumConverter<ImageCompression>(),
            new JsonStringEnumConverter<DependencyKind>(), new JsonStringEnumConverter<DependencySeverity>(),
            new JsonStringEnumConverter<MissingKind>(), new JsonStringEnumConverter<MpiMode>(), new JsonStringEnumConverter<MpiFit>() },
    });
}
