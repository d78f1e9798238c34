using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using Slipway.Staging.Controller;

namespace Slipway.Cmdlets;

/// <summary><c>-Partition</c>: those of Slurm.</summary>
public sealed class PartitionCompleter : WordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<string> Words => NodeSelection.Partitions();
}

/// <summary><c>-JobId</c>: this user's running jobs of Slurm, with their names and nodes beside the numbers.</summary>
public sealed class JobIdCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        NodeSelection.Jobs().Where(j => j.JobId.StartsWith(wordToComplete, StringComparison.Ordinal))
            .Select(j => new CompletionResult(j.JobId, $"{j.JobId} {j.Description}", CompletionResultType.ParameterValue, j.Description));
}
