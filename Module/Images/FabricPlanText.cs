using System.Text.Json;
using System.Text.Json.Serialization;

namespace Slipway.Images;

/// <summary>
/// A plan's JSON (RFC 8259), read strictly: each name once, none that we do not know. What the values are is for <see
/// cref="FabricPlanRules"/>.
/// </summary>
static class FabricPlanText
{
    /// <param name="path">For errors.</param>
    /// <param name="outdated">Of another format: what it has, to follow "it"; null for a plan that is taken.</param>
    /// <returns>Null where it is of another format.</returns>
    /// <exception cref="SlipwayException">It is no JSON, or not of this form (file, line and column).</exception>
    public static FabricPlan? Parse(ReadOnlySpan<byte> text, string path, out string? outdated)
    {
        try
        {
            int? version = Scan(text, path);
            outdated = version == FabricPlan.CurrentSchema ? null
                : $"has {(version is null ? "no schemaVersion" : $"schemaVersion {version}")}, "
                + $"and this Slipway takes {FabricPlan.CurrentSchema}";
            return outdated is not null ? null : JsonSerializer.Deserialize(text, FabricPlanJson.Default.FabricPlan)
                ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            string place = e.LineNumber is { } line ? $":{line + 1}:{e.BytePositionInLine + 1}" : "";
            throw Bad(path + place, e.Message.Split(" Path: ")[0].Split(" LineNumber: ")[0], path, e);
        }
        catch (Exception e) when (e is InvalidOperationException or NotSupportedException)
        {
            // .NET's for text that is no UTF-8, or half a surrogate pair
            throw Bad(path, e.Message, path, e);
        }
    }

    static SlipwayException Bad(string place, string why, string path, Exception? inner = null) =>
        ImageErrors.PlanNotJson(path, place, why, inner);

    /// <summary>Looks for names that an object has twice: which one counts would be each reader's own idea.</summary>
    /// <returns>The format's version; null where there is none.</returns>
    static int? Scan(ReadOnlySpan<byte> text, string path)
    {
        Utf8JsonReader reader = new(text);
        Stack<HashSet<string>> open = [];
        int? version = null;
        while (reader.Read())
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    open.Push([]);
                    break;
                case JsonTokenType.EndObject:
                    open.Pop();
                    break;
                case JsonTokenType.PropertyName:
                    string name = reader.GetString()!;
                    if (!open.Peek().Add(name))
                        throw Bad($"{path}:{text[..(int)reader.TokenStartIndex].Count((byte)'\n') + 1}",
                            $"'{name}' stands twice in one object", path);
                    if (reader.CurrentDepth == 1 && name == "schemaVersion" && reader.Read()
                        && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int number))
                        version = number;
                    else if (reader.TokenType is JsonTokenType.StartObject)
                        open.Push([]);
                    break;
            }
        return version;
    }
}

/// <summary>Apart from <see cref="ObjectsJson"/>, which writes plans: what that would pass over is an error here.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(FabricPlan))]
sealed partial class FabricPlanJson : JsonSerializerContext;
