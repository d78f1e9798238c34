using Slipway.Cache;

namespace Slipway.Tests.Cache;

/// <summary>The site's file, and what is wrong with one.</summary>
public sealed class SiteConfigurationTests : IDisposable
{
    readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    SiteConfiguration Read(string? text)
    {
        if (text is not null)
            directory.Write("config.yaml", text);
        return SiteConfiguration.Read(directory.Path + "/config.yaml");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("# nothing\n\n  # yet\n")]
    public void NoFileAndOneThatSaysNothingAreTheDefault(string? text)
    {
        SiteConfiguration read = Read(text);
        Assert.Null(read.Cache);
        Assert.Empty(read.Binds);
        Assert.Empty(read.Libraries);
    }

    [Fact]
    public void AllThatASiteDecides()
    {
        SiteConfiguration read = Read("cache: /local/\nbinds: [/scratch, '/a:/b:ro']\nlibraries: [/opt/vendor/lib/, /opt/x/../y]\n");
        Assert.Equal("/local", read.Cache);
        Assert.Equal(["/scratch", "/a:/b:ro"], read.Binds.Select(b => b.Value));
        Assert.Equal(["/opt/vendor/lib", "/opt/y"], read.Libraries);
    }

    [Theory]
    [InlineData("cache: local", "'cache: local' is not an absolute path")]
    [InlineData("libraries: [lib]", "'lib' is not an absolute path below '/'")]
    [InlineData("libraries: [/]", "'/' is not an absolute path below '/'")]
    [InlineData("\ncaches: /x", "caches")]
    public void WhatIsWrongIsSaidWithItsPlace(string text, string says)
    {
        SlipwayException error = Assert.Throws<SlipwayException>(() => Read(text));
        Assert.StartsWith(directory.Path + "/config.yaml:", error.Message, StringComparison.Ordinal);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }
}
