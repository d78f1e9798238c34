using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Slipway.Readers.Yaml;

/// <summary>
/// The one way into YAML: text to a tree of nodes, within limits. What is nested deeply, or grows when its aliases are followed, is refused
/// before the tree is made, and whatever the parser throws is an error with its place.
/// </summary>
static class YamlText
{
    const int DeepestNesting = 64;
    const long MostNodes = 100_000;

    /// <summary>The root node of the text's one document.</summary>
    /// <exception cref="SlipwayException">The text is not YAML, has no or several documents, or exceeds a limit; file, line and column are
    /// named.</exception>
    public static YamlNode Parse(string text, string path, YamlForm form)
    {
        YamlStream stream = [];
        Parser parser = new(new StringReader(text));
        try
        {
            CheckLimits(parser, path, form);
            stream.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            throw NotYaml(e.Start, e);
        }
        // YamlDotNet meets some texts unprepared: an index out of range, a character that there is not (its Scanner.cs)
        catch (Exception e) when (e is not (SlipwayException or OutOfMemoryException))
        {
            throw NotYaml(parser.Current?.End ?? Mark.Empty, e);
        }
        SlipwayException NotYaml(Mark at, Exception e) =>
            form.Error(path, "DefinitionNotYaml", at, $"not YAML: {e.Message.Split('\n')[0]}",
                "Check the indentation, and quote values that have a colon, a '*' or a brace.", e);
        return stream.Documents.Count == 1 ? stream.Documents[0].RootNode
            : throw form.Error(path, "DefinitionNotYaml", new Mark(0, 1, 1), $"one YAML document is needed, not {stream.Documents.Count}",
                $"Begin with e.g. '{form.Begins}'.");
    }

    /// <summary>Counts nodes as they would be if each alias were written out; an alias costs what its anchor holds.</summary>
    static void CheckLimits(Parser parser, string path, YamlForm form)
    {
        Dictionary<string, long> sizes = [];
        Stack<(string? Anchor, long Size)> open = [];
        void Add(long nodes, ParsingEvent at)
        {
            if (open.TryPop(out (string? Anchor, long Size) top))
                open.Push((top.Anchor, top.Size += nodes));
            if (nodes > MostNodes || top.Size > MostNodes)
                throw form.Error(path, "DefinitionTooLarge", at.Start, $"more than {MostNodes} values, aliases written out",
                    "Write the few values that are meant.");
        }

        while (parser.MoveNext())
            switch (parser.Current)
            {
                case NodeEvent start and (MappingStart or SequenceStart):
                    if (open.Count >= DeepestNesting)
                        throw form.Error(path, "DefinitionTooLarge", start.Start, $"nested more than {DeepestNesting} deep",
                            "No key nests that deep.");
                    open.Push((start.Anchor.IsEmpty ? null : start.Anchor.Value, 1));
                    break;
                case MappingEnd or SequenceEnd:
                    (string? anchor, long size) = open.Pop();
                    if (anchor is not null)
                        sizes[anchor] = size;
                    Add(size, parser.Current);
                    break;
                case AnchorAlias alias:
                    // an anchor that is still open would hold itself
                    if (!sizes.TryGetValue(alias.Value.Value, out long held))
                        throw form.Error(path, "DefinitionNotYaml", alias.Start,
                            $"the alias '*{alias.Value.Value}' has no anchor before it", "Write the value itself.");
                    Add(held, alias);
                    break;
                case Scalar scalar:
                    if (!scalar.Anchor.IsEmpty)
                        sizes[scalar.Anchor.Value] = 1;
                    Add(1, scalar);
                    break;
            }
    }
}
