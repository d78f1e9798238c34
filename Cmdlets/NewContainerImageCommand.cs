using System.Management.Automation;
using Slipway.Building;

namespace Slipway.Cmdlets;

/// <summary>New-ContainerImage: builds an image from a definition.</summary>
[Cmdlet(VerbsCommon.New, "ContainerImage", SupportsShouldProcess = true)]
[OutputType(typeof(ContainerImage))]
public sealed class NewContainerImageCommand : SlipwayCmdlet
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("FullName", "PSPath")]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <summary>A file, or a directory for several images; default: the definition's name with .sqfs in the current location.</summary>
    [Parameter(Position = 1)]
    public string? Destination { get; set; }

    [Parameter]
    public ImageCompression Compression { get; set; }

    protected override void ProcessRecord()
    {
        foreach (string definition in Path.SelectMany(Files))
        {
            string name = System.IO.Path.GetFileNameWithoutExtension(definition) + ".sqfs";
            string destination = FullPath(Destination ?? name);
            if (Directory.Exists(destination))
                destination = System.IO.Path.Combine(destination, name);
            if (!ShouldProcess(destination, $"Build an image from {definition}"))
                continue;
            BuildRequest request = new() { DefinitionPath = definition, Destination = destination, Compression = Compression };
            if (Try((report, cancel) => ImageBuilder.Build(request, report, cancel), out ContainerImage? image))
                WriteObject(image);
        }
    }
}
