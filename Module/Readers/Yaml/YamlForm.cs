using YamlDotNet.Core;

namespace Slipway.Readers.Yaml;

/// <summary>Which kind of YAML file is read: what its errors are called, and where it is described.</summary>
/// <param name="Id">Of every error; null for a definition, whose errors have ids of their own.</param>
/// <param name="Page">Of the documentation.</param>
/// <param name="Begins">How such a file begins.</param>
sealed record YamlForm(string? Id, string Page, string Begins)
{
    public static readonly YamlForm Definition = new(null, "docs/definition.md", "from: deb"),
    Configuration = new("ConfigurationInvalid", "docs/running.md", "cache: /local"),
        Launchers = new("LaunchersInvalid", "docs/mpi.md", "launchers:"), Compatibility = new("LaunchersInvalid", "docs/mpi.md", "pairs:"),
        Symptoms = new("LaunchersInvalid", "docs/mpi.md", "- check: ranks"),
        Resolver = new("ResolverInvalid", "docs/resolvers.md", "name: mine");

    /// <param name="id">For a definition.</param>
    public SlipwayException Error(string file, string id, Mark at, string message, string? recommendation, Exception? inner = null) =>
        Error(file, id, $"{file}:{at.Line}:{at.Column}", message, recommendation, inner);

    /// <param name="where">The same place as <see cref="Located"/> has it.</param>
    public SlipwayException Error(string file, string id, string where, string message, string? recommendation, Exception? inner = null) =>
        new(Id ?? id, ErrorKind.InvalidData, $"{where}: {message}", recommendation ?? $"See {Page}.", file, inner);
}
