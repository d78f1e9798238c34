using Slipway.Linux;
using Slipway.Readers.Yaml;

namespace Slipway.Cache;

/// <summary>What a site decides for all of its users: <c>/etc/slipway/config.yaml</c>. Described in docs/running.md.</summary>
/// <remarks>
/// Nothing here gives a user a right: every bind is one that the user could ask for. So <c>SLIPWAY_CONFIG</c> may name another file.
/// A container reads it once, when it is started; a rank never does.
/// </remarks>
public sealed class SiteConfiguration
{
    public const string DefaultPath = "/etc/slipway/config.yaml";

    public static string Path => Environment.GetEnvironmentVariable("SLIPWAY_CONFIG") is { Length: > 0 } other ? other : DefaultPath;

    /// <summary>Directory on the node's own disk below which each user's cache lies (<c>slipway-UID</c>); null is /var/tmp.</summary>
    public string? Cache { get; private init; }

    /// <summary>
    /// What every container gets, as <c>SRC[:DST[:ro]]</c>, with the place in the file. A source that a node has not is left out there.
    /// </summary>
    internal IReadOnlyList<Located> Binds { get; private init; } = [];

    /// <summary>Directories whose files a fabric plan may show in containers, beside the node's own library directories.</summary>
    internal IReadOnlyList<string> Libraries { get; private init; } = [];

    /// <summary>The site's; empty where there is no file.</summary>
    /// <exception cref="SlipwayException">The file cannot be read, or is not what it should be (file, line and column).</exception>
    public static SiteConfiguration Read() => Read(Path);

    internal static SiteConfiguration Read(string path)
    {
        if (!File.Exists(path))
            return new SiteConfiguration();
        try
        {
            string text = OpenedFile.TextNamed(path);
            // a file of comments alone says nothing
            if (text.Split('\n').All(l => l.TrimStart() is "" or "---" or ['#', ..]))
                return new SiteConfiguration();
            YamlMap map = YamlMap.Parse(text, path, YamlForm.Configuration, "the configuration", "cache", "binds", "libraries");
            if (map.Text("cache") is { } cache && !cache.Value.StartsWith('/'))
                throw map.Error("cache", "ConfigurationInvalid", $"'cache: {cache.Value}' is not an absolute path",
                    "Name a directory on the node's own disk, e.g. 'cache: /local/scratch'.");
            if (map.Texts("libraries").FirstOrDefault(l => !l.Value.StartsWith('/') || System.IO.Path.GetFullPath(l.Value).Length < 2)
                is { } bad)
                throw CacheErrors.BadLibrary(path, bad.Where, bad.Value);
            return new SiteConfiguration { Cache = map.Text("cache")?.Value.TrimEnd('/'), Binds = map.Texts("binds"),
                Libraries = [.. map.Texts("libraries").Select(l => System.IO.Path.GetFullPath(l.Value).TrimEnd('/'))] };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CacheErrors.ConfigurationUnreadable(path, OpenedFile.Why(e, path), e);
        }
    }
}
