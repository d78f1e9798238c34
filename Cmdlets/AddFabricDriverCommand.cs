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
    public ImageArgument Image { get; set; } = null!;

    /// <summary>A tree laid out like a node's root, whose sysfs is read instead of this node's.</summary>
    [Parameter]
    public string Root { get; set; } = "/";

    /// <summary>Kernel names of the devices that the plan is for; default: all.</summary>
    [Parameter]
    public string[] Device { get; set; } = [];

    /// <summary>The one rung of the ladder that may hold; default: the first that does.</summary>
    [Parameter]
    [ValidateSet(nameof(FabricRung.Image), nameof(FabricRung.Provider), nameof(FabricRung.Stack))]
    public FabricRung? Source { get; set; }

    protected override void ProcessRecord()
    {
        string root = FullPath(Root);
        FabricPlanOptions options = new() { Devices = Device, Source = Source };
        if (TryImage(Image, out ContainerImage? image) && ShouldProcess(FabricPlanFile.PathFor(image.Path), "Write the fabric plan")
            && Try((_, cancel) => FabricStep.Add(image, root, options, cancel), out ContainerImage? planned))
            WriteObject(planned);
    }
}
