using Slipway.Readers.Yaml;

namespace Slipway.Definitions;

/// <summary><c>from: host</c>.</summary>
static class HostSourceReader
{
    /// <summary>
    /// <c>files</c> may name files of the host that are taken with all that they need, beside those that are copied to another place.
    /// </summary>
    public static SourceReader Reader { get; } = new("host", ["programs", "packages", "exclude"], Read) { PlainFiles = true };

    static HostSource Read(YamlMap map, Located from, string directory)
    {
        IReadOnlyList<Located> programs = map.Texts("programs"), packages = map.Texts("packages"), files = map.PlainTexts("files");
        IReadOnlyList<Located> exclude = map.Texts("exclude");
        foreach (Located path in files.Concat(exclude).Concat(programs.Where(p => p.Value.Contains('/'))))
            if (!path.Value.StartsWith('/') || path.Value.Split('/').Contains(".."))
                throw DefinitionErrors.NotOnHost(path);
        if (programs.Count + packages.Count + files.Count == 0)
            throw DefinitionErrors.EmptyHost(map);
        return new HostSource { From = from, Programs = programs, Packages = packages, Files = files, Exclude = exclude };
    }
}
