using System.Management.Automation;
using Slipway.Discovery;

namespace Slipway.Cmdlets;

/// <summary>Get-ImageDependency: the files that programs, files and packages of this host need, each with its reason.</summary>
[Cmdlet(VerbsCommon.Get, "ImageDependency")]
[OutputType(typeof(ImageDependency))]
public sealed class GetImageDependencyCommand : SlipwayCmdlet
{
    /// <summary>Each a program on the PATH, the path of a file or directory, or an installed package.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ValueFromRemainingArguments = true)]
    [Alias("FullName", "PSPath")]
    public string[] Name { get; set; } = [];

    /// <summary>Installed packages, all of them.</summary>
    [Parameter]
    public string[] Package { get; set; } = [];

    /// <summary>Patterns of paths that stay out, e.g. <c>/usr/share/doc/**</c>.</summary>
    [Parameter]
    public string[] Exclude { get; set; } = [];

    /// <summary>Directories that <c>LD_LIBRARY_PATH</c> will name in the image.</summary>
    [Parameter]
    public string[] LibraryPath { get; set; } = [];

    /// <summary>A tree laid out like a host's root, which is looked at instead of this host's.</summary>
    [Parameter]
    public string Root { get; set; } = "/";

    readonly List<string> names = [];

    /// <inheritdoc/>
    // below another root, paths are of that root
    protected override void ProcessRecord() => names.AddRange(Name.Select(n => n.Contains('/') && Root == "/" ? FullPath(n) : n));

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        DependencyRequest request = new() { Names = names, Packages = Package, Exclude = Exclude,
            LibraryPath = [.. LibraryPath.Select(FullPath)], Root = FullPath(Root) };
        if (!Try((_, cancel) => DependencyFinder.Find(request, cancel), out DependencySet? found))
            return;
        WriteObject(found.Files, enumerateCollection: true);
        WriteProblems(found.Problems);
    }
}
