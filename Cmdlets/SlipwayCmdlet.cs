using System.Collections;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Management.Automation;
using Slipway.Cache;
using Slipway.Linux;

namespace Slipway.Cmdlets;

/// <summary>
/// What all cmdlets share: the core works on a thread of its own while this one, the only one that may write to the pipeline, hands on its
/// progress and output; Ctrl+C cancels the work and waits until it has cleaned up; a core error becomes an ErrorRecord.
/// </summary>
public abstract class SlipwayCmdlet : PSCmdlet
{
    readonly CancellationTokenSource stop = new();

    /// <inheritdoc/>
    protected override void StopProcessing() => stop.Cancel();

    /// <summary>Runs work of the core; a failure is written as an error about its target, and the next pipeline object is taken.</summary>
    /// <returns>False where it failed.</returns>
    protected bool Try<T>(Func<Reporter, CancellationToken, T> work, [NotNullWhen(true)] out T? result) where T : class
    {
        using BlockingCollection<Action> messages = [];
        Task<T> task = Task.Run(() =>
        {
            try
            {
                return work(new Reporter(this, messages), stop.Token);
            }
            finally
            {
                messages.CompleteAdding();
            }
        });
        try
        {
            foreach (Action message in messages.GetConsumingEnumerable())
                message();
        }
        catch
        {
            // writing to a pipeline that is being stopped throws: the work is ended too, and has cleaned up before we go
            stop.Cancel();
            foreach (Action _ in messages.GetConsumingEnumerable())
                continue;
            ((IAsyncResult)task).AsyncWaitHandle.WaitOne();
            throw;
        }
        try
        {
            result = task.GetAwaiter().GetResult();
            return true;
        }
        catch (OperationCanceledException)
        {
            throw new PipelineStoppedException();
        }
        catch (Exception e)
        {
            WriteError(Record(SlipwayException.From(e)));
        }
        result = null;
        return false;
    }

    /// <summary>
    /// Runs work of the core that gives several objects: each is written when it is there, and a failure is an error about one of them.
    /// </summary>
    protected void Stream<T>(Func<Reporter, CancellationToken, Action<SlipwayException>, IEnumerable<T>> work) where T : class =>
        Try((report, cancel) =>
        {
            foreach (T item in work(report, cancel, report.Error))
                report.Output(item);
            return this;
        }, out _);

    /// <summary>The image that a parameter names; an error where it names none.</summary>
    protected bool TryImage(ImageArgument argument, [NotNullWhen(true)] out ContainerImage? image)
    {
        image = argument.Image;
        if (image is not null)
            return true;
        string path = FullPath(argument.Path);
        return Try((_, cancel) => NodeCache.Describe(path, cancel), out image);
    }

    internal static ErrorRecord Record(SlipwayException e) =>
        new(e, e.Id, Enum.TryParse(e.Kind.ToString(), out ErrorCategory category) ? category : ErrorCategory.NotSpecified, e.Target)
        {
            ErrorDetails = new ErrorDetails(Visible.Line(e.Message)) { RecommendedAction = Visible.Line(e.Recommendation) },
        };

    /// <summary>What discovery came upon: errors and warnings on their streams, what is only worth knowing on the verbose one.</summary>
    protected void WriteProblems(IEnumerable<DependencyProblem> problems)
    {
        foreach (DependencyProblem problem in problems)
        {
            string message = $"{problem.Message} [{problem.Rule}]";
            if (problem.Severity == DependencySeverity.Error)
                WriteError(
                    Record(new SlipwayException("DependencyMissing", ErrorKind.ObjectNotFound, message, problem.Recommendation,
                        problem.Path)));
            else if (problem.Severity == DependencySeverity.Warning)
                WriteWarning(Visible.Line(problem.Recommendation is null ? message : $"{message} {problem.Recommendation}"));
            else
                WriteVerbose(Visible.Line(message));
        }
    }

    /// <summary>Absolute file system path of a parameter: <c>~</c>, drives and the prompt's location are PowerShell's matter.</summary>
    protected string FullPath(string path) => GetUnresolvedProviderPathFromPSPath(path);

    /// <summary>The files that a parameter with wildcards names; one that names none is kept, for the core to say so.</summary>
    protected IEnumerable<string> Files(string path) =>
        WildcardPattern.ContainsWildcardCharacters(path) && GetResolvedProviderPathFromPSPath(path, out _) is { Count: > 0 } found
        ? found : [FullPath(path)];

    /// <summary>A command and its arguments from remaining arguments: strings, numbers, and lists of them.</summary>
    protected static IEnumerable<string> Flatten(IEnumerable items)
    {
        foreach (object? item in items)
        {
            object? value = item is PSObject wrapped ? wrapped.BaseObject : item;
            if (value is IEnumerable list and not string)
                foreach (string inner in Flatten(list))
                    yield return inner;
            else if (value is not null)
                yield return LanguagePrimitives.ConvertTo<string>(value);
        }
    }

    /// <summary>Names and values of a hash table, as text.</summary>
    protected static IReadOnlyDictionary<string, string> Pairs(IDictionary table) =>
        table.Cast<DictionaryEntry>().ToDictionary(
            e => LanguagePrimitives.ConvertTo<string>(e.Key), e => LanguagePrimitives.ConvertTo<string>(e.Value));

    /// <summary><c>SRC[:DST[:ro]]</c> with the source's path in full.</summary>
    protected string FullBind(string bind)
    {
        string[] parts = bind.Split(':', 2);
        string source = FullPath(parts[0]);
        return parts.Length > 1 ? $"{source}:{parts[1]}" : source;
    }

    /// <summary><c>auto</c> or <c>none</c>, or a plan's path in full.</summary>
    protected string FullFabric(string fabric) => fabric is "auto" or "none" ? fabric : FullPath(fabric);

    /// <summary>From any thread to the pipeline's.</summary>
    protected sealed class Reporter : IProgress<StepProgress>
    {
        readonly SlipwayCmdlet cmdlet;
        readonly BlockingCollection<Action> messages;

        internal Reporter(SlipwayCmdlet cmdlet, BlockingCollection<Action> messages)
        {
            this.cmdlet = cmdlet;
            this.messages = messages;
        }

        readonly List<string> nodes = [];
        readonly Dictionary<string, string> begun = [];

        /// <summary>Shows how far the work is.</summary>
        public void Report(StepProgress value) => messages.Add(() =>
        {
            if (value.Node is { } node && !nodes.Contains(node))
                nodes.Add(node);
            string of = value.Node is null ? value.Activity + ": " : $"{value.Activity}: {value.Node}: ";
            // one line a step, whatever goes on beside it
            if (!begun.TryGetValue(of, out string? before) || before != value.Step)
                cmdlet.WriteVerbose(Visible.Line(of + value.Step));
            begun[of] = value.Step;
            cmdlet.WriteProgress(value.Node is null
                ? new ProgressRecord(1, Visible.Line(value.Activity), Visible.Line(value.Step)) { PercentComplete = value.Percent }
                : new ProgressRecord(2 + nodes.IndexOf(value.Node), Visible.Line(value.Node),
                    Visible.Line(value.Step)) { PercentComplete = value.Percent, ParentActivityId = 1 });
        });

        /// <summary>An object for the pipeline.</summary>
        public void Output(object item) => messages.Add(() => cmdlet.WriteObject(item));

        /// <summary>An error about one of several things; the work goes on.</summary>
        public void Error(SlipwayException error) => messages.Add(() => cmdlet.WriteError(Record(error)));

        /// <summary>Writes a warning.</summary>
        public void Warning(string what) => messages.Add(() => cmdlet.WriteWarning(what));

        /// <summary>Writes what discovery came upon: warnings and errors as such, notes as verbose text.</summary>
        public void Problems(IReadOnlyList<DependencyProblem> problems) => messages.Add(() => cmdlet.WriteProblems(problems));

        /// <summary>A line for the person at the prompt: shown there, kept out of the pipeline's objects.</summary>
        public void Line(string line) =>
            messages.Add(() => cmdlet.WriteInformation(new HostInformationMessage { Message = line }, ["PSHOST"]));
    }
}
