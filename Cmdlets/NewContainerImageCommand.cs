using System.Collections;
using System.Globalization;
using System.Management.Automation;
using Slipway.Building;

namespace Slipway.Cmdlets;

/// <summary>New-ContainerImage: builds images from definitions.</summary>
[Cmdlet(VerbsCommon.New, "ContainerImage", SupportsShouldProcess = true)]
[OutputType(typeof(ContainerImage))]
public sealed class NewContainerImageCommand : SlipwayCmdlet
{
    readonly List<string> definitions = [];

    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("FullName", "PSPath")]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <summary>A file, or a directory for several images; default: the definition's name with .sqfs in the current location.</summary>
    [Parameter(Position = 1)]
    public string? Destination { get; set; }

    [Parameter]
    public ImageCompression Compression { get; set; }

    /// <summary>A file, or a directory for several images.</summary>
    [Parameter]
    public string? LockFile { get; set; }

    [Parameter]
    public SwitchParameter UpdateLock { get; set; }

    [Parameter]
    public Hashtable Variable { get; set; } = [];

    [Parameter]
    public string? PackageCache { get; set; }

    [Parameter]
    [ValidateRange(1, 256)]
    public int ThrottleLimit { get; set; } = ImageBuilder.DefaultThrottle;

    [Parameter]
    public SwitchParameter NoStepCache { get; set; }

    protected override void ProcessRecord()
    {
        foreach (string definition in Path.SelectMany(Files))
            if (ShouldProcess(BuildRequest.DestinationFor(definition, FullPath(Destination ?? ".")), $"Build an image from {definition}"))
                definitions.Add(definition);
    }

    protected override void EndProcessing()
    {
        if (definitions.Count > 0)
            Stream((report, cancel, failed) => ImageBuilder.BuildAll(BuildRequest.ForEach(definitions, FullPath(Destination ?? "."), LockFile is null ? null : FullPath(LockFile), Request), ThrottleLimit, report, cancel, failed).Select(image =>
            {
                report.Problems(image.Manifest?.Problems ?? []);
                return image;
            }));
    }

    BuildRequest Request(string definition) => new()
    {
        DefinitionPath = definition,
        Destination = "",
        Compression = Compression,
        UpdateLock = UpdateLock,
        Variables = Variable.Cast<DictionaryEntry>().ToDictionary(pair => $"{pair.Key}", pair => Convert.ToString(pair.Value, CultureInfo.InvariantCulture) ?? ""),
        PackageCache = PackageCache is null ? null : FullPath(PackageCache),
        UseStepCache = !NoStepCache,
    };
}
