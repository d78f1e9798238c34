using System.Collections;
using System.Management.Automation;
using Slipway.Fabric;
using Slipway.Images;

namespace Slipway.Cmdlets;

/// <summary>Add-FabricDriver: plans the fabric drivers that an image gets on this node.</summary>
[Cmdlet(VerbsCommon.Add, "FabricDriver", SupportsShouldProcess = true)]
[OutputType(typeof(ContainerImage))]
public sealed class AddFabricDriverCommand : SlipwayCmdlet
{
    /// <summary>The image: a path, <c>sha256:</c> and a digest in the node cache, or an object of the pipeline.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [Alias("Path")]
    public ImageArgument Image { get; set; } = null!;

    /// <summary>A tree laid out like a node's root, whose devices and libraries are meant instead of this node's.</summary>
    [Parameter]
    public string Root { get; set; } = "/";

    /// <summary>Kernel names of the devices that the plan is for; default: all that the job was given.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(FabricDeviceCompleter))]
    public string[] Device { get; set; } = [];

    /// <summary>
    /// Auto: the first rung of the ladder that holds. Package: the image is built anew with its distribution's provider packages.
    /// </summary>
    [Parameter]
    public FabricSource Source { get; set; }

    /// <summary>
    /// With the source Package: the definition that the image is built from; an image that New-ContainerImage has just built knows its own.
    /// </summary>
    [Parameter]
    public string? Definition { get; set; }

    /// <summary>Values for the variables that this definition declares.</summary>
    [Parameter]
    public Hashtable Variable { get; set; } = [];

    /// <summary>Path of a CDI specification (Container Device Interface) that is written too.</summary>
    [Parameter]
    public string? Cdi { get; set; }

    /// <summary>Tell each rung of the ladder with the reason why it holds or fails.</summary>
    [Parameter]
    public SwitchParameter Explain { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        FabricRequest request = new()
        {
            Root = FullPath(Root), Devices = Device, Source = Source, Variables = Pairs(Variable),
            Cdi = Cdi is null ? null : FullPath(Cdi), Definition = Definition is null ? null : FullPath(Definition),
        };
        if (!TryImage(Image, out ContainerImage? image)
            || !ShouldProcess(FabricPlanFile.PathFor(image.Path), Source is FabricSource.Package
                ? "Build the image anew and write its fabric plan" : "Write the fabric plan"))
            return;
        if (!Try((report, cancel) => Plan(image, request, report, cancel), out ContainerImage? planned))
            return;
        WriteObject(planned);
    }

    ContainerImage Plan(ContainerImage image, FabricRequest request, Reporter report, CancellationToken cancel)
    {
        ContainerImage planned = FabricStep.Add(image, request, report, cancel);
        if (Explain)
            foreach (string line in planned.FabricPlan!.Explain())
                report.Line(line);
        return planned;
    }
}
