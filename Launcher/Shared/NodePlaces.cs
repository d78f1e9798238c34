namespace Slipway.Shared;

/// <summary>
/// Where things are on a node, as far as the front has to look: where one of these is there, it leaves the start of a holder to the full
/// launcher.
/// </summary>
static class NodePlaces
{
    /// <summary>What the site has decided (SiteConfiguration).</summary>
    public static ReadOnlySpan<byte> Configuration => "/etc/slipway/config.yaml"u8;

    /// <summary>Root's cache (NodeCache).</summary>
    public static ReadOnlySpan<byte> RootCache => "/var/cache/slipway"u8;

    /// <summary>A user's cache, with the user's number at its end, where the site has decided nothing else.</summary>
    public static ReadOnlySpan<byte> UserCache => "/var/tmp/slipway-"u8;

    /// <summary>In a cache: its records of the paths that were published, by the names of their keys (<see cref="KeyName"/>).</summary>
    public static ReadOnlySpan<byte> Published => "/published/"u8;
}
