using System.Management.Automation;
using Slipway.Preflight;

namespace Slipway.Cmdlets;

/// <summary>Test-ContainerMpi: tries before a job, on each of its nodes and in seconds, what would make it fail.</summary>
[Cmdlet(VerbsDiagnostic.Test, "ContainerMpi")]
[OutputType(typeof(PreflightCheck))]
public sealed class TestContainerMpiCommand : MpiCmdlet
{
    /// <summary>What the ranks may take, in seconds.</summary>
    [Parameter]
    [ValidateRange(1, 3600)]
    public int TimeoutSec { get; set; } = (int)MpiPreflight.DefaultTimeout.TotalSeconds;

    /// <summary>Of the job: it tells which MPI of the image is used where it has several. Last, after <c>--</c>.</summary>
    [Parameter(Position = 0, ValueFromRemainingArguments = true, ValueFromPipelineByPropertyName = true)]
    public object[] Command { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (TryImage(Image, out ContainerImage? image)
            && Try((_, cancel) => MpiPreflight.Check(MpiPreflight.Complete(Request(image, Command)), TimeSpan.FromSeconds(TimeoutSec),
                cancel), out IReadOnlyList<PreflightCheck>? checks))
            WriteObject(checks, enumerateCollection: true);
    }
}
