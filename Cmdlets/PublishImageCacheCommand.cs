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
    [ImageTransformation]
    public ContainerImage Image { get; set; } = null!;

    protected override void ProcessRecord()
    {
        if (!ShouldProcess(Image.Path, $"Publish to the cache {NodeCache.Own}") || !Try((report, cancel) => NodeCache.Publish(Image, report, cancel), out Placement? placement))
            return;
        Image.Placements = [placement!];
        WriteObject(Image);
    }
}
