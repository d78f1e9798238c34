using System.Collections;
using System.Management.Automation;
using Slipway.Launching;

namespace Slipway.Cmdlets;

/// <summary>Test-ContainerMpi: tries before a job, on each of its nodes and in seconds, what would make it fail.</summary>
[Cmdlet(VerbsDiagnostic.Test, "ContainerMpi")]
[OutputType(typeof(PreflightCheck))]
public sealed class TestContainerMpiCommand : SlipwayCmdlet
{
    [Parameter(Mandatory = true, ValueFromPipeline = true)]
    [Alias("Path")]
    public ImageArgument Image { get; set; } = null!;

    /// <summary>Of the job; without it one, or <see cref="RanksPerNode"/>, on each node.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    [Alias("n")]
    public int Ranks { get; set; }

    [Parameter]
    public string[] Node { get; set; } = [];

    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int RanksPerNode { get; set; }

    [Parameter]
    [ArgumentCompleter(typeof(LauncherCompleter))]
    public string? Launcher { get; set; }

    /// <summary>Whose launcher starts the ranks.</summary>
    [Parameter]
    public MpiMode Mpi { get; set; }

    /// <summary>Each <c>SRC[:DST[:ro]]</c>.</summary>
    [Parameter]
    public string[] Bind { get; set; } = [];

    [Parameter]
    [Alias("Env")]
    public IDictionary Environment { get; set; } = new Hashtable();

    [Parameter]
    [ArgumentCompleter(typeof(FabricCompleter))]
    public string Fabric { get; set; } = "auto";

    /// <summary>What the ranks may take, in seconds.</summary>
    [Parameter]
    [ValidateRange(1, 3600)]
    public int TimeoutSec { get; set; } = (int)Preflight.DefaultTimeout.TotalSeconds;

    /// <summary>For the launcher, as they are.</summary>
    [Parameter]
    public string[] LauncherArgument { get; set; } = [];

    /// <summary>Of the job: it tells which MPI of the image is used where it has several. Last, after <c>--</c>.</summary>
    [Parameter(Position = 0, ValueFromRemainingArguments = true)]
    public object[] Command { get; set; } = [];

    protected override void ProcessRecord()
    {
        if (TryImage(Image, out ContainerImage? image) && Try((_, cancel) => Preflight.Check(Preflight.Complete(Request(image)), TimeSpan.FromSeconds(TimeoutSec), cancel), out IReadOnlyList<PreflightCheck>? checks))
            WriteObject(checks, enumerateCollection: true);
    }

    MpiRequest Request(ContainerImage image) => new()
    {
        Image = image,
        Command = [.. Flatten(Command)],
        Ranks = Ranks > 0 ? Ranks : null,
        Nodes = Node,
        RanksPerNode = RanksPerNode > 0 ? RanksPerNode : null,
        Launcher = Launcher,
        Mpi = Mpi,
        Binds = [.. Bind.Select(FullBind)],
        Environment = Pairs(Environment),
        Fabric = Fabric is "auto" or "none" ? Fabric : FullPath(Fabric),
        Location = CurrentProviderLocation("FileSystem").ProviderPath,
        LauncherArguments = LauncherArgument,
    };
}
