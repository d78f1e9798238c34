using System.Globalization;
using Slipway.Linux;
using Slipway.Readers.Yaml;

namespace Slipway.Definitions;

/// <summary><c>from: archive</c>.</summary>
static class ArchiveSourceReader
{
    public static SourceReader Reader { get; } = new("archive", ["archive", "sha256", "size-limit"], Read);

    static ArchiveSource Read(YamlMap map, Located from, string directory)
    {
        Located archive = map.Required("archive");
        string path = System.IO.Path.GetFullPath(archive.Value, directory);
        if (!File.Exists(path))
            throw DefinitionErrors.FileNotThere(map, "archive", "archive", path);
        string? sha256 = map.Text("sha256")?.Value;
        if (sha256 is not null && !Digest.IsValid(Digest.Prefix + sha256))
            throw DefinitionErrors.NotASha256(map, sha256);
        return new ArchiveSource { From = from, Archive = archive with { Value = path }, Sha256 = sha256, SizeLimit = Size(map) };
    }

    /// <summary>Bytes, or with K, M, G or T.</summary>
    static long? Size(YamlMap map)
    {
        if (map.Text("size-limit") is not { } text)
            return null;
        int unit = text.Value.Length > 0 ? "KMGT".IndexOf(text.Value[^1], StringComparison.Ordinal) : -1;
        return long.TryParse(unit < 0 ? text.Value : text.Value[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out long n)
            && n > 0 && n <= long.MaxValue >> (10 * (unit + 1))
            ? n << (10 * (unit + 1))
            : throw DefinitionErrors.NotASize(map, text);
    }
}
