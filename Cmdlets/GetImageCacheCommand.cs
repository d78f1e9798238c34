using System.Management.Automation;
using Slipway.Staging.Controller;

namespace Slipway.Cmdlets;

/// <summary>Get-ImageCache: lists what the caches of nodes have.</summary>
[Cmdlet(VerbsCommon.Get, "ImageCache")]
[OutputType(typeof(ImageCacheEntry))]
public sealed class GetImageCacheCommand : NodeCmdlet
{
    /// <inheritdoc/>
    protected override void ProcessRecord() => WriteEntries((failed, cancel) => ImageCache.List(Selection, failed, cancel));
}
