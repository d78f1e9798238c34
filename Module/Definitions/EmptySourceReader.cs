namespace Slipway.Definitions;

/// <summary><c>from: empty</c>.</summary>
static class EmptySourceReader
{
    public static SourceReader Reader { get; } = new("empty", [], (_, from, _) => new EmptySource { From = from });
}
