using System.Management.Automation;
using Slipway.Launching;
using Slipway.Preflight;

namespace Slipway.Cmdlets;

/// <summary>Invoke-ContainerMpi: starts MPI ranks in an image.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "ContainerMpi", SupportsShouldProcess = true)]
[OutputType(typeof(MpiResult), typeof(LaunchPlan), typeof(Job))]
public sealed class InvokeContainerMpiCommand : MpiCmdlet
{
    /// <summary>What each rank is bound to.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(BindingCompleter))]
    public string? BindTo { get; set; }

    /// <summary>Where the ranks work, on every node.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? WorkingDirectory { get; set; }

    /// <summary>After which the ranks are ended.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateRange(1, int.MaxValue)]
    public int TimeoutSec { get; set; }

    /// <summary>Mark each line of output with its rank.</summary>
    [Parameter]
    public SwitchParameter Tag { get; set; }

    /// <summary>Try one rank on each node first, and start the job only if nothing failed.</summary>
    [Parameter]
    public SwitchParameter Preflight { get; set; }

    /// <summary>Emit the launch plan, and run nothing.</summary>
    [Parameter]
    public SwitchParameter PlanOnly { get; set; }

    /// <summary>Emit a job at once, and run in it.</summary>
    [Parameter]
    public SwitchParameter AsJob { get; set; }

    /// <summary>The command and its arguments, last, after <c>--</c>.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromRemainingArguments = true, ValueFromPipelineByPropertyName = true)]
    public object[] Command { get; set; } = [];

    RankJob? job;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (!TryImage(Image, out ContainerImage? image) || !Try((_, cancel) => MpiJob.Plan(Request(image), cancel), out RunnablePlan? plan))
            return;
        if (plan.Verdict is { Fit: MpiFit.Unknown } verdict)
            WriteWarning($"{verdict.Reason}. {verdict.Advice}");
        if (PlanOnly)
            WriteObject(plan);
        else if (ShouldProcess(plan.CommandLine, "Run") && (!Preflight || TryPreflight(Request(image))))
            if (AsJob)
                (job ??= new RankJob(MyInvocation.Line)).Add(plan, Tag);
            else if (Try((report, cancel) => MpiJob.Run(plan, line => report.Line(Tag ? line.Tagged : line.Text), cancel),
                out MpiResult? result))
                WriteObject(result);
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (job is null)
            return;
        JobRepository.Add(job);
        WriteObject(job);
        job.Start();
    }

    bool TryPreflight(MpiRequest request)
    {
        List<PreflightCheck> warnings = [];
        bool passed = Try((_, cancel) => { MpiPreflight.Demand(request, warnings.Add, cancel); return warnings; },
            out List<PreflightCheck>? _);
        warnings.ForEach(w => WriteWarning(w.ToString()));
        return passed;
    }

    MpiRequest Request(ContainerImage image) => Request(image, Command) with
    {
        BindTo = BindTo,
        WorkingDirectory = WorkingDirectory is null ? null : FullPath(WorkingDirectory),
        Label = true,
        Timeout = TimeoutSec > 0 ? TimeSpan.FromSeconds(TimeoutSec) : null,
    };
}
