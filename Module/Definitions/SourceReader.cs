using Slipway.Readers.Yaml;

namespace Slipway.Definitions;

/// <summary>One value of <c>from</c>: the keys that it takes beside the common ones, and how they are read. One file a source.</summary>
/// <param name="Kind">The value of <c>from</c>.</param>
/// <param name="Keys">Its own keys.</param>
/// <param name="Read">The mapping, <c>from</c> and the directory of the definition to a source.</param>
sealed record SourceReader(string Kind, IReadOnlyList<string> Keys, Func<YamlMap, Located, string, Source> Read)
{
    /// <summary><c>files</c> may have single values, which are the source's.</summary>
    public bool PlainFiles { get; init; }

    /// <summary>Every source, in the order in which help and errors name them.</summary>
    public static IReadOnlyList<SourceReader> All { get; } =
        [DebSourceReader.Reader, RpmSourceReader.Reader, ImageSourceReader.Reader, ArchiveSourceReader.Reader, HostSourceReader.Reader,
            EmptySourceReader.Reader];

    public static string Kinds => string.Join(", ", All.Select(r => r.Kind));
}
