using System.Text;
using Slipway.Cache;
using Slipway.Shared;

namespace Slipway.Tests.Shared;

/// <summary>Where the front looks is where the full launcher has things.</summary>
public sealed class NodePlacesTests
{
    static string Text(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text);

    [Fact]
    public void TheConfigurationAndTheCachesAreTheFullLaunchers()
    {
        Assert.Equal(SiteConfiguration.DefaultPath, Text(NodePlaces.Configuration));
        Assert.Equal(NodeCache.RootCache, Text(NodePlaces.RootCache));
        Assert.Equal("/var/tmp/slipway-", Text(NodePlaces.UserCache));
    }
}
