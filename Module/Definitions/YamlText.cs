using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Slipway.Definitions;

/// <summary>YAML text to a tree of nodes, within limits: what is nested deeply, or grows when its aliases are followed, is refused before the tree is made.</summary>
internal static class YamlText
{
    const int DeepestNesting = 64;
    const long MostNodes = 100_000;

    /// <summary>The root node of the text's one document.</summary>
    /// <exception cref="SlipwayException">The text is not YAML, has no or several documents, or exceeds a limit; file, line and column are named.</exception>
    public static YamlNode Parse(string text, string path)
    {
        YamlStream stream = [];
        try
        {
            CheckLimits(text, path);
            stream.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            throw YamlMap.Error(path, "DefinitionNotYaml", e.Start, $"not YAML: {e.Message}", "Check the indentation, and quote values that have a colon or a brace.");
        }
        if (stream.Documents.Count != 1)
            throw new SlipwayException("DefinitionNotYaml", ErrorKind.InvalidData, $"{path}:1:1: one YAML document is needed, not {stream.Documents.Count}", "Begin with e.g. 'from: deb'.", path);
        return stream.Documents[0].RootNode;
    }

    /// <summary>Counts nodes as they would be if each alias were written out; an alias costs what its anchor holds.</summary>
    static void CheckLimits(string text, string path)
    {
        Dictionary<string, long> sizes = [];
        Stack<(string? Anchor, long Size)> open = [];
        Parser parser = new(new StringReader(text));
        void Add(long nodes, ParsingEvent at)
        {
            if (open.TryPop(out (string? Anchor, long Size) top))
                open.Push((top.Anchor, top.Size += nodes));
            if (nodes > MostNodes || top.Size > MostNodes)
                throw YamlMap.Error(path, "DefinitionTooLarge", at.Start, $"more than {MostNodes} values, aliases written out", "Write the few values that are meant.");
        }

        while (parser.MoveNext())
            switch (parser.Current)
            {
                case NodeEvent start and (MappingStart or SequenceStart):
                    if (open.Count >= DeepestNesting)
                        throw YamlMap.Error(path, "DefinitionTooLarge", start.Start, $"nested more than {DeepestNesting} deep", "No key of a definition nests that deep.");
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
                        throw YamlMap.Error(path, "DefinitionNotYaml", alias.Start, $"the alias '*{alias.Value.Value}' has no anchor before it", "Write the value itself.");
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
