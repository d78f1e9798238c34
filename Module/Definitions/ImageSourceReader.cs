using Slipway.Linux;
using Slipway.Readers.Yaml;

namespace Slipway.Definitions;

/// <summary><c>from: image</c>.</summary>
static class ImageSourceReader
{
    public static SourceReader Reader { get; } = new("image", ["image"], Read);

    static ImageSource Read(YamlMap map, Located from, string directory)
    {
        Located image = map.Required("image");
        if (image.Value.StartsWith(Digest.Prefix, StringComparison.Ordinal))
            return Digest.IsValid(image.Value) ? new ImageSource { From = from, Image = image }
                : throw map.Error("image", "DefinitionBadDigest", $"'{image.Value}' is not a digest", "Write sha256: and 64 lower-case hexadecimal digits.");
        string path = System.IO.Path.GetFullPath(image.Value, directory);
        return File.Exists(path) ? new ImageSource { From = from, Image = image with { Value = path } }
            : throw map.Error("image", "DefinitionFileNotFound", $"the image '{path}' is not there", "Paths are relative to the definition's directory.");
    }
}
