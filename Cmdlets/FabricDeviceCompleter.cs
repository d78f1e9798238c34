using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using Slipway.Inventory;

namespace Slipway.Cmdlets;

/// <summary>Completes the names of this node's fabric devices, or of those below the root that was given.</summary>
public sealed class FabricDeviceCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        FabricInventoryReader.Read(fakeBoundParameters["Root"] as string ?? "/").Devices
            .Where(d => d.Name.StartsWith(wordToComplete, StringComparison.OrdinalIgnoreCase))
            .Select(d => new CompletionResult(d.Name, d.Name, CompletionResultType.ParameterValue, d.ToString()));
}
