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

    /// <summary>Paths of definitions.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("FullName", "PSPath")]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <summary>A file, or a directory for several images; default: the definition's name with .sqfs in the current location.</summary>
    [Parameter(Position = 1)]
    public string? Destination { get; set; }

    /// <summary>How the image is packed.</summary>
    [Parameter]
    public ImageCompression Compression { get; set; }

    /// <summary>A file, or a directory for several images.</summary>
    [Parameter]
    public string? LockFile { get; set; }

    /// <summary>Write the lock file anew, from what the repositories have now.</summary>
    [Parameter]
    public SwitchParameter UpdateLock { get; set; }

    /// <summary>Values for the variables that the definition declares.</summary>
    [Parameter]
    public Hashtable Variable { get; set; } = [];

    /// <summary>Directory in which packages are kept between builds.</summary>
    [Parameter]
    public string? PackageCache { get; set; }

    /// <summary>How many are worked on at once.</summary>
    [Parameter]
    [ValidateRange(1, 256)]
    public int ThrottleLimit { get; set; } = ImageBuilder.DefaultThrottle;

    /// <summary>Run each step anew.</summary>
    [Parameter]
    public SwitchParameter NoStepCache { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (string definition in Path.SelectMany(Files))
            if (ShouldProcess(BuildRequest.DestinationFor(definition, FullPath(Destination ?? ".")), $"Build an image from {definition}"))
                definitions.Add(definition);
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (definitions.Count > 0)
            Stream((report, cancel, failed) =>
                ImageBuilder.BuildAll(BuildRequest.ForEach(definitions, FullPath(Destination ?? "."), LockFile is null
                    ? null : FullPath(LockFile), Request), ThrottleLimit, report, cancel, failed).Select(image =>
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
        Variables = Variable.Cast<DictionaryEntry>()
            .ToDictionary(pair => $"{pair.Key}", pair => Convert.ToString(pair.Value, CultureInfo.InvariantCulture) ?? ""),
        PackageCache = PackageCache is null ? null : FullPath(PackageCache),
        UseStepCache = !NoStepCache,
    };
}
