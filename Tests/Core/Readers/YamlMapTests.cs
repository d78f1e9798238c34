using Slipway.Readers.Yaml;

namespace Slipway.Tests.Readers;

public sealed class YamlMapTests
{
    static readonly string[] Keys = ["name", "port", "on", "list", "map", "items"];

    static YamlMap Map(string text) =>
        YamlMap.Of("/site/a.yaml", YamlForm.Definition, YamlText.Parse(text, "/site/a.yaml", YamlForm.Definition), "the file",
            YamlVariables.None, Keys);

    static void AssertRefused(string id, string says, Action read)
    {
        SlipwayException error = Assert.Throws<SlipwayException>(read);
        Assert.Equal(id, error.Id);
        Assert.StartsWith(says, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Recommendation);
    }

    [Fact]
    public void AValueIsGivenWithItsPlace()
    {
        YamlMap map = Map("name: a\nport:  80\n");
        Assert.Equal("a", map.Text("name")!.Value);
        Assert.Equal("/site/a.yaml:1:7", map.Text("name")!.Where);
        Assert.Equal("/site/a.yaml:2:8", map.WhereIs("port"));
        Assert.Equal("/site/a.yaml:1:1", map.WhereIs("list"));
        Assert.Equal("/site/a.yaml", map.File);
        Assert.Equal("a", map.Required("name").Value);
    }

    [Theory]
    [InlineData("name:")]
    [InlineData("name: ~")]
    [InlineData("name: null")]
    [InlineData("port: 1")]
    public void WhatIsEmptyIsAsIfItWereNotThere(string text)
    {
        YamlMap map = Map(text);
        Assert.False(map.Has("name"));
        Assert.Null(map.Text("name"));
        AssertRefused("DefinitionMissingKey", "/site/a.yaml:1:1: 'name' is missing", () => map.Required("name"));
        Assert.Empty(map.Texts("list"));
        Assert.Empty(map.Maps("items", "a"));
        Assert.Null(map.Map("map", "a"));
        Assert.Null(map.Flag("on"));
    }

    [Fact]
    public void AQuotedTextIsTextWhateverItSays()
    {
        Assert.Equal("null", Map("name: 'null'").Text("name")!.Value);
        Assert.Equal("", Map("name: ''").Text("name")!.Value);
    }

    [Fact]
    public void FlagsAndNumbersAreChecked()
    {
        Assert.Equal((true, false), (Map("on: true").Flag("on"), Map("on: false").Flag("on")));
        Assert.Equal((500, -1), (Map("port: 500").Number("port"), Map("port: -1").Number("port")));
        AssertRefused("DefinitionWrongType", "/site/a.yaml:1:5: 'on' must be true or false, not 'yes'", () => Map("on: yes").Flag("on"));
        foreach (string bad in new[] { "x", "1.5", "0x10", "99999999999" })
            AssertRefused("DefinitionWrongType", $"/site/a.yaml:1:7: 'port' must be a whole number, not '{bad}'",
                () => Map("port: " + bad).Number("port"));
    }

    [Fact]
    public void AListHasValuesAndMappings()
    {
        YamlMap map = Map("list: [a, {name: b, port: 2}, c]");
        Assert.Equal(["a", "c"], map.PlainTexts("list").Select(t => t.Value));
        YamlMap inner = Assert.Single(map.Maps("list", besideTexts: true, ["name", "port"]));
        Assert.Equal(("b", 2), (inner.Required("name").Value, inner.Number("port")));
        AssertRefused("DefinitionWrongType", "/site/a.yaml:1:11: an item of 'list' must be a single value, not a mapping",
            () => map.Texts("list"));
        AssertRefused("DefinitionWrongType", "/site/a.yaml:1:8: an item of 'list' must be a mapping",
            () => map.Maps("list", "name", "port").ToList());
    }

    [Fact]
    public void OneValueIsAListOnlyWhereThatIsSaid()
    {
        Assert.Equal("a", Assert.Single(Map("list: a").Texts("list", orSingle: true)).Value);
        Assert.Equal(2, Map("list: [a, b]").Texts("list", orSingle: true).Count);
        AssertRefused("DefinitionWrongType", "/site/a.yaml:1:7: 'list' must be a list", () => Map("list: a").Texts("list"));
    }

    [Theory]
    [InlineData("nmae", "Did you mean 'name'? ")]
    [InlineData("prt", "Did you mean 'port'? ")]
    [InlineData("Name", "Did you mean 'name'? ")]
    [InlineData("something", "The keys are: items, list, map, name, on, port.")]
    public void AnUnknownKeyIsRefusedWithTheNearest(string key, string recommendation)
    {
        SlipwayException error = Assert.Throws<SlipwayException>(() => Map($"list: []\n{key}: 1"));
        Assert.Equal("DefinitionUnknownKey", error.Id);
        Assert.StartsWith($"/site/a.yaml:2:1: unknown key '{key}' in the file", error.Message, StringComparison.Ordinal);
        Assert.StartsWith(recommendation, error.Recommendation, StringComparison.Ordinal);
    }

    [Fact]
    public void AMappingOfNamesIsReadInOrder()
    {
        YamlMap map = Map("map: {b: 1, a: 2}");
        Assert.Equal(["b", "a"], map.Entries("map").Select(e => e.Name.Value));
        Assert.Equal([new("a", "2"), new("b", "1")], map.Pairs("map", name => name != "c", "no c"));
        AssertRefused("DefinitionBadName", "/site/a.yaml:1:7: 'c' is not a valid name in 'map'",
            () => Map("map: {c: 1}").Pairs("map", name => name != "c", "no c"));
        AssertRefused("DefinitionWrongType", "/site/a.yaml:1:6: 'map' must be a mapping", () => Map("map: [a]").Entries("map"));
        AssertRefused("DefinitionUnknownKey", "/site/a.yaml:1:7: unknown key 'b' in 'map'", () => Map("map: {b: 1}").Map("map", "a"));
    }
}
