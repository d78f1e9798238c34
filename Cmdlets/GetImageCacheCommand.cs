using System.Management.Automation;
using Slipway.Cache;

namespace Slipway.Cmdlets;

/// <summary>Get-ImageCache: lists what the caches of nodes have.</summary>
[Cmdlet(VerbsCommon.Get, "ImageCache")]
[OutputType(typeof(ImageCacheEntry))]
public sealed class GetImageCacheCommand : NodeCmdlet
{
    /// <inheritdoc/>
    protected override void ProcessRecord() => WriteEntries(new CacheVerb.List());
}
