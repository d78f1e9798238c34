using Slipway.Cache;
using Slipway.Linux;

namespace Slipway.Staging.Node;

/// <summary>Where <c>slipway</c> is found on every node: the same path on each, which a launch can name.</summary>
static class ProgramPlace
{
    // a user's is not in the cache: where that is, only slipway itself can tell
    static string Directory => geteuid() == 0 ? NodeCache.RootCache : OwnDirectory.Find(Places.OnDisk()) ?? Places.OnDisk();

    /// <summary>Where the script that starts us makes <c>slipway</c> be found on a node.</summary>
    /// <param name="name">Of this version: digests of its files.</param>
    public static string Of(string name) => $"{Directory}/launcher/{name}/slipway";
}
