using System.Globalization;

namespace Slipway.Staging.Messages;

/// <summary>
/// The errors of publishing: each id, kind, sentence and advice once. What goes wrong with a node is a <see cref="NodeError"/> until
/// somebody is told of it.
/// </summary>
static class StagingErrors
{
    /// <summary>The error of a node as a person is told it.</summary>
    public static SlipwayException OfNode(string node, NodeError error) => new(error.Id, error.Kind, $"{node}: {error.Message}",
        error.Recommendation ?? "Check that the node is up and lets you in, then try again: Slipway keeps what is done.", node);

    public static NodeError Unreachable(string why) => new("NodeUnreachable", ErrorKind.ConnectionError, why);

    public static NodeError AnswerUnreadable(string answer) =>
        Unreachable($"its answer cannot be read: {(answer.Length > 200 ? answer[..200] + "…" : answer)}");

    public static NodeError AnswerUnexpected(NodeReply answer) =>
        Unreachable($"it answered '{answer.GetType().Name}', but Slipway did not ask for that");

    public static NodeError Silent(string said) =>
        new("NodeTimeout", ErrorKind.OperationTimeout, $"it does not answer{(said.Length > 0 ? ": " : "")}{said}");

    public static NodeError Stuck(long bytes, long size, int milliseconds) => new("NodeTimeout", ErrorKind.OperationTimeout,
        string.Create(CultureInfo.InvariantCulture, $"it makes no progress: {bytes} of {size} bytes for {milliseconds / 1000} s"));

    public static NodeError ProgramNotBrought(string starter) => new("LauncherNotBrought", ErrorKind.ObjectNotFound,
        $"slipway is not there, and {starter} gives a task no input, so nothing can bring slipway along",
        "Install it there, or start this from a copy of slipway on a filesystem that the nodes share.");

    public static NodeError SbcastFailed(IEnumerable<string> said) => new("SbcastFailed", ErrorKind.WriteError,
        $"sbcast: {string.Join("; ", said)}", "See that the node's disk has space, or choose another transport (-Transport).");

    public static SlipwayException RequestInvalid() => new("StageRequestInvalid", ErrorKind.InvalidData,
        "Slipway could not read what this node is asked to do", "Only slipway itself starts 'slipway stage'.");

    public static SlipwayException ControllerUnreachable(Exception why) => new("ControllerUnreachable", ErrorKind.ConnectionError,
        $"{Environment.MachineName} cannot reach the publisher: {why.Message}",
        "Nodes of a job must reach each other by their host names.");

    public static SlipwayException NotInJob() => new("NotInJob", ErrorKind.InvalidOperation,
        $"PBS_JOBCOOKIE is not set on {Environment.MachineName}: only a task of a PBS job can start others and be believed",
        "Publish in the job's script, or choose SSH (-Transport SshTree).");

    public static SlipwayException NotInAllocation() => new("NotInAllocation", ErrorKind.InvalidOperation,
        "sbcast works only in an allocation of Slurm, and this process is in none",
        "Call it inside a job (salloc, sbatch), name one (-JobId), or choose another transport.", nameof(Transport.Sbcast));

    public static SlipwayException TransportIsLocal(string node, IEnumerable<Transport> others) => new(
        "TransportIsLocal", ErrorKind.InvalidArgument,
        $"the transport Local reaches this node only, and {node} is another node",
        $"Choose one of: {string.Join(", ", others)}.", nameof(Transport.Local));

    public static SlipwayException UnknownTransport(string name, IEnumerable<string> known) => new(
        "UnknownTransport", ErrorKind.InvalidArgument,
        $"'{name}' is not a transport", $"Choose one of: {string.Join(", ", known)}.", name);

    public static SlipwayException BadWidth() => new("BadWidth", ErrorKind.InvalidArgument,
        "the width of a tree and the number of retries cannot be negative", "Give 1 or more (0: the default).");

    public static SlipwayException BadNodeName(string name) => new("BadNodeName", ErrorKind.InvalidArgument,
        $"'{name}' is not the name of a node",
        "A host name has letters, digits, '.', '_' and '-', and begins with a letter or digit.", name);

    public static SlipwayException BadThrottleLimit(int limit) => new("BadThrottleLimit", ErrorKind.InvalidArgument,
        $"a throttle limit of {limit.ToString(CultureInfo.InvariantCulture)} allows nothing to start", "Give 1 or more.", limit);

    public static SlipwayException BadPartition(string partition) => new("BadPartition", ErrorKind.InvalidArgument,
        $"'{partition}' is not the name of a partition", null, partition);

    public static SlipwayException PartitionNotFound(string partition) => new("PartitionNotFound", ErrorKind.ObjectNotFound,
        $"Slurm has no nodes in a partition '{partition}'", "List them: sinfo.", partition);

    public static SlipwayException BadJobId(string job) => new("BadJobId", ErrorKind.InvalidArgument,
        $"'{job}' is not the number of a job", "Give the number that squeue shows.", job);

    public static SlipwayException JobNotFound(string job) =>
        new("JobNotFound", ErrorKind.ObjectNotFound, $"Slurm runs no job {job}", "List them: squeue.", job);

    public static SlipwayException BatchSystemFailed(string program, IEnumerable<string> arguments, IEnumerable<string> said) =>
        new("BatchSystemFailed", ErrorKind.InvalidOperation,
            $"{program} {string.Join(' ', arguments)}: {string.Join(' ', said)}",
            "See whether Slurm's commands work on this host.", program);

    public static SlipwayException NoStarter(string program) => new("NoStarter", ErrorKind.NotInstalled,
        $"{program} is not here, so Slipway can start nothing on other nodes",
        "Install it, or call Slipway inside a job of your batch system.", program);

    public static SlipwayException StarterNotStarted(string program, Exception why) => new("ProgramNotStarted", ErrorKind.InvalidOperation,
        $"{program}: {why.Message}", null, program, why);
}
