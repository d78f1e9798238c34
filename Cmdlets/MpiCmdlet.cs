using System.Collections;
using System.Management.Automation;

namespace Slipway.Cmdlets;

/// <summary>
/// What describes a job of MPI ranks, to start it or to try it; each object of the pipeline may be an image, or have properties that are
/// parameters.
/// </summary>
public abstract class MpiCmdlet : SlipwayCmdlet
{
    /// <summary>The image: a path, <c>sha256:</c> and a digest in the node cache, or an object of the pipeline.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Path")]
    public ImageArgument Image { get; set; } = null!;

    /// <summary>Without it one, or <see cref="RanksPerNode"/> on each node.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateRange(1, int.MaxValue)]
    [Alias("n")]
    public int Ranks { get; set; }

    /// <summary>Names of the nodes.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string[] Node { get; set; } = [];

    /// <summary>Ranks on each node; left out, the launcher decides.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateRange(1, int.MaxValue)]
    public int RanksPerNode { get; set; }

    /// <summary>A row or group of the launcher table; left out, the first that fits.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(LauncherCompleter))]
    public string? Launcher { get; set; }

    /// <summary>Whose launcher starts the ranks.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public MpiMode Mpi { get; set; }

    /// <summary>Each <c>SRC[:DST[:ro]]</c>.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string[] Bind { get; set; } = [];

    /// <summary>Variables of the ranks, by name.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("Env")]
    public IDictionary Environment { get; set; } = new Hashtable();

    /// <summary><c>auto</c>, <c>none</c>, or the path of a fabric plan.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(FabricCompleter))]
    public string Fabric { get; set; } = "auto";

    /// <summary>For the launcher, as they are.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string[] LauncherArgument { get; set; } = [];

    private protected MpiRequest Request(ContainerImage image, object[] command) => new()
    {
        Image = image,
        Command = [.. Flatten(command)],
        Ranks = Ranks > 0 ? Ranks : null,
        Nodes = Node,
        RanksPerNode = RanksPerNode > 0 ? RanksPerNode : null,
        Launcher = Launcher,
        Mpi = Mpi,
        Binds = [.. Bind.Select(FullBind)],
        Environment = Pairs(Environment),
        Fabric = FullFabric(Fabric),
        Location = CurrentProviderLocation("FileSystem").ProviderPath,
        LauncherArguments = LauncherArgument,
    };
}
