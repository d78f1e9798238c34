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
                : throw DefinitionErrors.NotADigest(map, image);
        string path = System.IO.Path.GetFullPath(image.Value, directory);
        return File.Exists(path) ? new ImageSource { From = from, Image = image with { Value = path } }
            : throw DefinitionErrors.FileNotThere(map, "image", "image", path);
    }
}
