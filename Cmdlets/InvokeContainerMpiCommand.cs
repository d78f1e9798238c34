using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using Slipway.Launching;

namespace Slipway.Cmdlets;

/// <summary>Invoke-ContainerMpi: starts MPI ranks in an image.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "ContainerMpi", SupportsShouldProcess = true)]
[OutputType(typeof(MpiResult), typeof(LaunchPlan))]
public sealed class InvokeContainerMpiCommand : SlipwayCmdlet
{
    [Parameter(Mandatory = true, ValueFromPipeline = true)]
    [Alias("Path")]
    public ImageArgument Image { get; set; } = null!;

    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    [Alias("n")]
    public int Ranks { get; set; } = 1;

    [Parameter]
    public string[] Node { get; set; } = [];

    [Parameter]
    [ArgumentCompleter(typeof(LauncherCompleter))]
    public string? Launcher { get; set; }

    /// <summary>Emit the launch plan, and run nothing.</summary>
    [Parameter]
    public SwitchParameter PlanOnly { get; set; }

    /// <summary>The command and its arguments, last, after <c>--</c>.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromRemainingArguments = true)]
    public object[] Command { get; set; } = [];

    protected override void ProcessRecord()
    {
        if (!TryImage(Image, out ContainerImage? image))
            return;
        MpiRequest request = new()
        {
            Image = image,
            Command = [.. Flatten(Command)],
            Ranks = Ranks,
            Nodes = Node,
            Launcher = Launcher,
            WorkingDirectory = CurrentProviderLocation("FileSystem").ProviderPath,
        };
        if (!Try((_, _) => MpiJob.Plan(request), out LaunchPlan? plan))
            return;
        if (PlanOnly)
            WriteObject(plan);
        else if (ShouldProcess(plan.CommandLine, "Run") && Try((report, cancel) => MpiJob.Run(plan, report.Line, report.Line, cancel), out MpiResult? result))
            WriteObject(result);
    }

    sealed class LauncherCompleter : IArgumentCompleter
    {
        public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
            MpiJob.LauncherNames.Where(n => n.StartsWith(wordToComplete, StringComparison.OrdinalIgnoreCase)).Select(n => new CompletionResult(n));
    }
}
