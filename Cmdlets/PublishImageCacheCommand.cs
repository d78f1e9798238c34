using System.Management.Automation;
using Slipway.Staging.Controller;

namespace Slipway.Cmdlets;

/// <summary>Publish-ImageCache: puts an image into the caches of nodes.</summary>
[Cmdlet(VerbsData.Publish, "ImageCache", SupportsShouldProcess = true)]
[OutputType(typeof(ContainerImage))]
public sealed class PublishImageCacheCommand : NodeCmdlet
{
    /// <summary>The image: a path, <c>sha256:</c> and a digest in the node cache, or an object of the pipeline.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [Alias("Path")]
    public ImageArgument Image { get; set; } = null!;

    /// <summary>Default: the first that is there.</summary>
    [Parameter]
    [ValidateSet("Sbcast", "SshTree", "SharedFile", "Local")]
    public string? Transport { get; set; }

    /// <summary>How many nodes each passes the image on to.</summary>
    [Parameter]
    [ValidateRange(0, 64)]
    public int Width { get; set; }

    /// <summary>How often nodes that failed are tried again.</summary>
    [Parameter]
    [ValidateRange(0, 100)]
    public int Retry { get; set; } = new PublishRequest().Retry;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        PublishRequest request = new()
        {
            Path = FullPath(Image.Path), Image = Image.Image, Nodes = Selection, Width = Width, Retry = Retry,
            Transport = Transport is { } name ? Publisher.TransportNamed(name) : null,
        };
        ContainerImage Publish(Reporter report, CancellationToken cancel) =>
            Publisher.Publish(request, failed: report.Error, progress: report, cancel: cancel, warn: report.Warning);
        if (ShouldProcess(request.Path, $"Publish to {Where}") && Try(Publish, out ContainerImage? image))
            WriteObject(image);
    }
}
