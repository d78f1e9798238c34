using System.Management.Automation;
using Slipway.Cache;

namespace Slipway.Cmdlets;

/// <summary>Clear-ImageCache: removes the least recently used images from the caches of nodes.</summary>
[Cmdlet(VerbsCommon.Clear, "ImageCache", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(ImageCacheEntry))]
public sealed class ClearImageCacheCommand : NodeCmdlet
{
    /// <summary>Bytes that may stay on each node (<c>50GB</c>).</summary>
    [Parameter]
    [ValidateRange(0, long.MaxValue)]
    public long? MaxSize { get; set; }

    /// <summary>What was not used for so long goes (<c>30.00:00:00</c>: 30 days).</summary>
    [Parameter]
    public TimeSpan? MaxAge { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (ShouldProcess(Where, "Clear"))
            WriteEntries(new CacheVerb.Clear(MaxSize, MaxAge));
    }
}
