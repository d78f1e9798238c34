using System.Text.Json;

namespace Slipway.Tests.Objects;

public sealed class ImageDependencyTests
{
    [Fact]
    public void AWholeDependencyIsTheSameWhenItIsReadAndWritten()
    {
        ImageDependency read = RoundTrip.Whole("""
            {
              "path": "/usr/lib/liba.so.1", "kind": "Link", "target": "liba.so.1.2", "size": 12, "rule": "loader", "askedBy": "/usr/bin/a",
              "why": "it is needed", "package": "liba"
            }
            """, ObjectsJson.Default.ImageDependency);
        Assert.Equal(DependencyKind.Link, read.Kind);
        Assert.Equal(("/usr/lib/liba.so.1", "liba.so.1.2", 12L, "loader", "/usr/bin/a", "it is needed", "liba"),
            (read.Path, read.Target, read.Size, read.Rule, read.AskedBy, read.Why, read.Package));
    }

    [Fact]
    public void WhatIsNotKnownIsLeftOut()
    {
        ImageDependency file = new() { Path = "/a", Kind = DependencyKind.File, Rule = "named", Why = "you named it", Mode = 493,
            Modified = 9 };
        Assert.Equal(["kind", "path", "rule", "size", "why"], RoundTrip.Names(file, ObjectsJson.Default.ImageDependency)
            .Order(StringComparer.Ordinal));
        Assert.Null(file.AskedBy);
        Assert.Equal(0, file.Size);
    }

    [Theory]
    [InlineData("""{"kind": "File", "rule": "r", "why": "w"}""")]
    [InlineData("""{"path": "/a", "kind": "Socket", "rule": "r", "why": "w"}""")]
    public void WhatHasNoPathOrAnUnknownKindIsNone(string json) =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(json, ObjectsJson.Default.ImageDependency));

    [Fact]
    public void AtThePromptItIsItsPathAndAProblemItsMessage()
    {
        Assert.Equal("/a", new ImageDependency { Path = "/a", Kind = DependencyKind.Directory, Rule = "r", Why = "w" }.ToString());
        Assert.Equal("it is gone", new DependencyProblem(
            DependencySeverity.Note, "/a", "r", "it is gone") { Recommendation = "x" }.ToString());
    }

    [Fact]
    public void SeveritiesAreOrdered() =>
        Assert.Equal([DependencySeverity.Note, DependencySeverity.Warning, DependencySeverity.Error],
            Enum.GetValues<DependencySeverity>().Order());
}
