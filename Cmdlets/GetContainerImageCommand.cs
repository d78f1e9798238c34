using System.Management.Automation;
using Slipway.Cache;

namespace Slipway.Cmdlets;

/// <summary>Get-ContainerImage: describes images, of Slipway or of any other tool.</summary>
[Cmdlet(VerbsCommon.Get, "ContainerImage")]
[OutputType(typeof(ContainerImage))]
public sealed class GetContainerImageCommand : SlipwayCmdlet
{
    /// <summary>Paths of SquashFS images, with wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("FullName", "PSPath")]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (string file in Path.SelectMany(Files))
            if (Try((report, cancel) => NodeCache.Describe(file, cancel, report.Warning), out ContainerImage? image))
                WriteObject(image);
    }
}
