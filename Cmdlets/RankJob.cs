using System.Management.Automation;
using Slipway.Launching;

namespace Slipway.Cmdlets;

/// <summary>
/// What <c>Invoke-ContainerMpi -AsJob</c> gives: a job of PowerShell with one child for each launch. They run one after the other, as in
/// the pipeline.
/// </summary>
public sealed class RankJob : Job
{
    readonly CancellationTokenSource stop = new();
    readonly List<RankChildJob> children = [];

    internal RankJob(string command) : base(command) => PSJobTypeName = "ContainerMpi";

    /// <inheritdoc/>
    public override bool HasMoreData => children.Exists(c => c.HasMoreData);

    /// <inheritdoc/>
    public override string Location => string.Join(',', children.SelectMany(c => c.Nodes).Distinct());

    /// <inheritdoc/>
    public override string StatusMessage => "";

    internal void Add(RunnablePlan plan, bool tag)
    {
        RankChildJob child = new(plan, tag);
        children.Add(child);
        ChildJobs.Add(child);
    }

    internal void Start()
    {
        SetJobState(JobState.Running);
        Task.Run(() =>
        {
            foreach (RankChildJob child in children)
                child.Run(stop.Token);
            SetJobState(children.Exists(c => c.JobStateInfo.State == JobState.Stopped) ? JobState.Stopped
                : children.Exists(c => c.JobStateInfo.State == JobState.Failed) ? JobState.Failed : JobState.Completed);
        });
    }

    /// <summary>Ends all ranks, and waits until they have ended.</summary>
    public override void StopJob()
    {
        stop.Cancel();
        Finished.WaitOne();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            if (JobStateInfo.State == JobState.Running)
                StopJob();
            children.ForEach(c => c.Dispose());
            stop.Dispose();
        }
        base.Dispose(disposing);
    }
}

/// <summary>One launch of a job. It has failed where a rank has.</summary>
sealed class RankChildJob : Job
{
    readonly RunnablePlan plan;
    readonly bool tag;

    public RankChildJob(RunnablePlan plan, bool tag) : base(plan.CommandLine)
    {
        this.plan = plan;
        this.tag = tag;
        PSJobTypeName = "ContainerMpi";
    }

    public IReadOnlyList<string> Nodes => plan.Nodes.Count > 0 ? plan.Nodes : [Environment.MachineName];

    public override bool HasMoreData => Output.Count > 0 || Error.Count > 0 || Information.Count > 0;

    public override string Location => string.Join(',', Nodes);

    public override string StatusMessage => "";

    public override void StopJob() => throw new PSInvalidOperationException("Stop the job that this one is a part of.");

    public void Run(CancellationToken cancel)
    {
        SetJobState(JobState.Running);
        try
        {
            MpiResult result = MpiJob.Run(
                plan, line => Information.Add(
                    new InformationRecord(new HostInformationMessage { Message = tag ? line.Tagged : line.Text },
                        plan.Launcher) { Tags = { "PSHOST" } }), cancel);
            Output.Add(PSObject.AsPSObject(result));
            SetJobState(result.ExitCode == 0 ? JobState.Completed : JobState.Failed);
        }
        catch (OperationCanceledException)
        {
            SetJobState(JobState.Stopped);
        }
        catch (Exception e)
        {
            Error.Add(SlipwayCmdlet.Record(SlipwayException.From(e)));
            SetJobState(JobState.Failed);
        }
    }
}
