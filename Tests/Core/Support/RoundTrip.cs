using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Slipway.Tests;

/// <summary>An object of the pipeline as JSON, there and back.</summary>
static class RoundTrip
{
    /// <summary>Reads a text that has each property of the object, and sees that what is written of it says the same.</summary>
    public static T Whole<T>(string json, JsonTypeInfo<T> type)
    {
        JsonObject text = JsonNode.Parse(json)!.AsObject();
        Assert.Equal(type.Properties.Select(p => p.Name).Order(StringComparer.Ordinal),
            text.Select(p => p.Key).Order(StringComparer.Ordinal));
        T read = JsonSerializer.Deserialize(json, type)!;
        string written = JsonSerializer.Serialize(read, type);
        Assert.True(JsonNode.DeepEquals(text, JsonNode.Parse(written)), written);
        return read;
    }

    /// <summary>The names that are written of an object.</summary>
    public static IEnumerable<string> Names<T>(T value, JsonTypeInfo<T> type) =>
        JsonNode.Parse(JsonSerializer.Serialize(value, type))!.AsObject().Select(p => p.Key);
}
