using System.Management.Automation;
using Slipway.Discovery;

namespace Slipway.Cmdlets;

/// <summary>Compare-ImageDependency: what the programs of an image need and the image lacks.</summary>
[Cmdlet(VerbsData.Compare, "ImageDependency")]
[OutputType(typeof(MissingDependency))]
public sealed class CompareImageDependencyCommand : SlipwayCmdlet
{
    /// <summary>An image, or a directory that is laid out like a root.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [Alias("Path")]
    public ImageArgument Image { get; set; } = null!;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        // neither digest nor manifest is asked for: an object's path is enough
        string path = FullPath(Image.Path);
        if (!Try((_, cancel) => ImageComparer.Compare(path, cancel), out ImageComparison? comparison))
            return;
        WriteObject(comparison.Missing, enumerateCollection: true);
        WriteProblems(comparison.Problems);
    }
}
