using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using Slipway.Launching;

namespace Slipway.Cmdlets;

/// <summary>Completes a parameter from a list of words.</summary>
public abstract class WordCompleter : IArgumentCompleter
{
    /// <summary>What may be written there, in the order in which it is offered.</summary>
    protected abstract IEnumerable<string> Words { get; }

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Words.Where(n => n.StartsWith(wordToComplete, StringComparison.OrdinalIgnoreCase)).Select(n => new CompletionResult(n));
}

/// <summary><c>-Fabric</c>.</summary>
public sealed class FabricCompleter : WordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<string> Words => ["auto", "none"];
}

/// <summary><c>-Launcher</c>: rows and groups of the table, the site's among them.</summary>
public sealed class LauncherCompleter : WordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<string> Words => MpiJob.LauncherNames;
}

/// <summary><c>-BindTo</c>.</summary>
public sealed class BindingCompleter : WordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<string> Words => MpiJob.Bindings;
}
