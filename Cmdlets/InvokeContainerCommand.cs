using System.Collections;
using System.Management.Automation;
using Slipway.Running;

namespace Slipway.Cmdlets;

/// <summary>Invoke-Container: runs one command in an image.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "Container", SupportsShouldProcess = true)]
[OutputType(typeof(ContainerResult))]
public sealed class InvokeContainerCommand : SlipwayCmdlet
{
    /// <summary>The image: a path, <c>sha256:</c> and a digest in the node cache, or an object of the pipeline.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true)]
    [Alias("Path")]
    public ImageArgument Image { get; set; } = null!;

    /// <summary>Each <c>SRC[:DST[:ro]]</c>.</summary>
    [Parameter]
    public string[] Bind { get; set; } = [];

    /// <summary>Variables of the command, by name.</summary>
    [Parameter]
    [Alias("Env")]
    public IDictionary Environment { get; set; } = new Hashtable();

    /// <summary><c>auto</c>, <c>none</c>, or the path of a fabric plan.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(FabricCompleter))]
    public string Fabric { get; set; } = "auto";

    /// <summary>Commands with the same key share a container.</summary>
    [Parameter]
    public string? Job { get; set; }

    /// <summary>The container may write anywhere; what it writes is in memory, and goes with it.</summary>
    [Parameter]
    public SwitchParameter WritableTmpfs { get; set; }

    /// <summary>The command and its arguments, last, after <c>--</c>; without one the image's runscript is run.</summary>
    [Parameter(Position = 0, ValueFromRemainingArguments = true)]
    public object[] Command { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (!TryImage(Image, out ContainerImage? image))
            return;
        ContainerRequest request = new()
        {
            Image = image,
            Command = [.. Flatten(Command)],
            Binds = [.. Bind.Select(FullBind)],
            Environment = Pairs(Environment),
            Fabric = FullFabric(Fabric),
            Job = Job,
            WritableTmpfs = WritableTmpfs,
            WorkingDirectory = CurrentProviderLocation("FileSystem").ProviderPath,
        };
        string what = request.Command.Count > 0 ? string.Join(' ', request.Command) : "the image's runscript";
        if (ShouldProcess(image.Path, $"Run {what}")
            && Try((report, cancel) => ContainerProcess.Run(request, report.Line, report.Line, cancel), out ContainerResult? result))
            WriteObject(result);
    }
}
