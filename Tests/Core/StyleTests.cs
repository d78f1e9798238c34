namespace Slipway.Tests;

/// <summary>What no analyzer of the SDK measures.</summary>
public sealed class StyleTests
{
    /// <summary>As .editorconfig's max_line_length.</summary>
    const int Widest = 140;

    [Fact]
    public void NoLineIsTooWide()
    {
        IEnumerable<string> files = new[] { "Module", "Cmdlets", "Launcher", "Tests" }.Select(top => Path.Combine(Cli.Repository, top))
            .SelectMany(top => Directory.EnumerateFiles(top, "*.cs", SearchOption.AllDirectories))
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal));
        string[] wide = [.. files.SelectMany(f => File.ReadLines(f).Select((line, i) => (Place: $"{f}:{i + 1}", line.Length)))
            .Where(l => l.Length > Widest).Select(l => $"{l.Place}: {l.Length} columns")];
        Assert.True(wide.Length == 0, string.Join('\n', wide));
    }
}
