using Slipway.Readers.Yaml;

namespace Slipway.Definitions;

/// <summary><c>from: host</c>.</summary>
static class HostSourceReader
{
    /// <summary><c>files</c> may name files of the host that are taken with all that they need, beside those that are copied to another place.</summary>
    public static SourceReader Reader { get; } = new("host", ["programs", "packages", "exclude"], Read) { PlainFiles = true };

    static HostSource Read(YamlMap map, Located from, string directory)
    {
        IReadOnlyList<Located> programs = map.Texts("programs"), packages = map.Texts("packages"), files = map.PlainTexts("files"), exclude = map.Texts("exclude");
        foreach (Located path in files.Concat(exclude).Concat(programs.Where(p => p.Value.Contains('/'))))
            if (!path.Value.StartsWith('/') || path.Value.Split('/').Contains(".."))
                throw new SlipwayException("DefinitionBadPath", ErrorKind.InvalidData, $"{path.Where}: '{path.Value}' is not an absolute path", "Begin with '/', and use no '..': it is the path on the host and in the image.", path.Value);
        if (programs.Count + packages.Count + files.Count == 0)
            throw map.Error("from", "DefinitionMissingKey", "the image would be empty: neither 'programs' nor 'packages' nor 'files' is there", "Add e.g. 'programs: [lmp]'.");
        return new HostSource { From = from, Programs = programs, Packages = packages, Files = files, Exclude = exclude };
    }
}
