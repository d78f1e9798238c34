using Slipway.Linux;
using Slipway.Readers.Yaml;

namespace Slipway.Discovery;

/// <summary>
/// A root that is not there (a name that is not is a <see cref="DependencyNotFoundException"/>); and what is wrong with a site's resolvers.
/// </summary>
static class DiscoveryErrors
{
    public static SlipwayException RootNotFound(string root) =>
        new("RootNotFound", ErrorKind.ObjectNotFound, $"{root}: there is no such directory",
            "Give a directory that is laid out like a root.", root);

    public static SlipwayException ResolverUnreadable(string file, Exception inner) =>
        new("ResolverUnreadable", ErrorKind.ReadError, $"{file}: {OpenedFile.Why(inner, file)}",
            "Make the site's resolvers small files that all users may read, or remove this one.", file, inner);

    public static SlipwayException RuleWithoutWhen(YamlMap rule) =>
        Invalid(rule, "when", "'when' is missing", "Say which files the rule is for: 'when: {soname: [libx.so.*]}'.");

    public static SlipwayException RuleForNothing(YamlMap rule) =>
        Invalid(rule, "when", "'when' names nothing", "Give 'soname', 'path' or 'imports'.");

    public static SlipwayException ReadWithoutLine(YamlMap rule) =>
        Invalid(rule, "read", "a rule has both 'read' and 'line', or neither",
            "Give the files under 'read', and a regular expression for their lines under 'line'.");

    public static SlipwayException RuleAddsNothing(YamlMap rule) =>
        Invalid(rule, "add", "the rule adds nothing", "Give patterns or sonames under 'add'.");

    public static SlipwayException NotAnExpression(YamlMap rule, ArgumentException e) =>
        Invalid(rule, "line", $"'line' is not a regular expression: {e.Message}",
            "Write one of .NET's, with a named group for what 'add' uses.");

    static SlipwayException Invalid(YamlMap rule, string key, string message, string advice) =>
        rule.Error(key, "ResolverInvalid", message, advice);
}
