using System.Management.Automation;
using Slipway.Fabric;

namespace Slipway.Cmdlets;

/// <summary>Add-FabricDriver: plans the fabric drivers that an image gets on this node.</summary>
[Cmdlet(VerbsCommon.Add, "FabricDriver", SupportsShouldProcess = true)]
[OutputType(typeof(ContainerImage))]
public sealed class AddFabricDriverCommand : SlipwayCmdlet
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [Alias("Path")]
    [ImageTransformation]
    public ContainerImage Image { get; set; } = null!;

    /// <summary>A tree laid out like a node's root, whose sysfs is read instead of this node's.</summary>
    [Parameter]
    public string Root { get; set; } = "/";

    protected override void ProcessRecord()
    {
        if (ShouldProcess(FabricPlanFile.Beside(Image.Path), "Write the fabric plan")
            && Try((_, cancel) => FabricPlanner.Add(Image, FullPath(Root), cancel), out ContainerImage? image))
            WriteObject(image);
    }
}
