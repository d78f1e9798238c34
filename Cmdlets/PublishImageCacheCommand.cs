using System.Management.Automation;
using Slipway.Staging;

namespace Slipway.Cmdlets;

/// <summary>Publish-ImageCache: puts an image into the node cache.</summary>
[Cmdlet(VerbsData.Publish, "ImageCache", SupportsShouldProcess = true)]
[OutputType(typeof(ContainerImage))]
public sealed class PublishImageCacheCommand : SlipwayCmdlet
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [Alias("Path")]
    public ImageArgument Image { get; set; } = null!;

    protected override void ProcessRecord()
    {
        if (!TryImage(Image, out ContainerImage? image) || !ShouldProcess(image.Path, $"Publish to the cache {NodeCache.Own}")
            || !Try((report, cancel) => NodeCache.Publish(image, report, cancel), out Placement? placement))
            return;
        image.Placements = [placement];
        WriteObject(image);
    }
}
