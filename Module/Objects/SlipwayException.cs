namespace Slipway;

/// <summary>
/// What kind of failure an error is; the names are those of PowerShell's ErrorCategory, so that a front end maps them by name.
/// </summary>
public enum ErrorKind
{
    /// <summary>What nobody thought of: a fault of Slipway.</summary>
    NotSpecified,

    /// <summary>What was asked for cannot be meant.</summary>
    InvalidArgument,

    /// <summary>A file or a message is not what it should be.</summary>
    InvalidData,

    /// <summary>What was asked for cannot be done as things are.</summary>
    InvalidOperation,

    /// <summary>Something that was named is not there.</summary>
    ObjectNotFound,

    /// <summary>The caller may not.</summary>
    PermissionDenied,

    /// <summary>Memory, threads, devices or the like are not to be had.</summary>
    ResourceUnavailable,

    /// <summary>Something is there already, and is not replaced.</summary>
    ResourceExists,

    /// <summary>A program or library of the host is missing.</summary>
    NotInstalled,

    /// <summary>It was cancelled, or stopped for something else.</summary>
    OperationStopped,

    /// <summary>It took longer than it may.</summary>
    OperationTimeout,

    /// <summary>Something could not be written.</summary>
    WriteError,

    /// <summary>Something could not be read.</summary>
    ReadError,

    /// <summary>Something is not to be trusted: a signature, a hash, an owner or a mode is wrong.</summary>
    SecurityError,

    /// <summary>A node or server cannot be reached.</summary>
    ConnectionError,

    /// <summary>It is larger, deeper or more than is taken.</summary>
    LimitsExceeded,
}

/// <summary>An error that a person is meant to read: what is wrong (naming file, line, field or node), and what would be right.</summary>
public class SlipwayException : Exception
{
    /// <summary>Makes an error; the parameters are the properties of the same names.</summary>
    public SlipwayException(string id, ErrorKind kind, string message, string? recommendation = null, object? target = null,
        Exception? inner = null)
        : base(message, inner)
    {
        Id = id;
        Kind = kind;
        Recommendation = recommendation;
        Target = target;
    }

    /// <summary>Whatever was thrown, as an error that a person can read. What nobody thought of is named as such.</summary>
    public static SlipwayException From(Exception thrown) => thrown switch
    {
        SlipwayException own => own,
        // the first that went wrong is what the others follow from
        AggregateException { InnerExceptions: [var first, ..] } => From(first),
        TypeInitializationException { InnerException: { } inner } => From(inner),
        OperationCanceledException => new("Cancelled", ErrorKind.OperationStopped, "cancelled; nothing was left behind", null, null,
            thrown) { ExitCode = 130 },
        // .NET has no other word for a thread that could not be started (Thread.StartCore)
        OutOfMemoryException or TaskSchedulerException or InsufficientExecutionStackException =>
            new("OutOfMemory", ErrorKind.ResourceUnavailable,
            "there is not enough memory, or no more threads may be started",
            "Raise the limit that holds here: ulimit -u, -v, -d or -s; "
            + "pids.max and memory.max of the control group; the batch system's --mem.",
            null, thrown),
        // not what it is derived from
        System.Net.Sockets.SocketException => InputOutput(thrown),
        System.ComponentModel.Win32Exception =>
            new("ProgramNotStarted", ErrorKind.ResourceUnavailable, FirstLine(thrown.Message),
                "Check the limits that hold here: ulimit -u, and pids.max of the control group.", null, thrown),
        // what .NET makes of EFBIG (RandomAccess.WriteAtOffset)
        ArgumentOutOfRangeException { ParamName: "value" }
            when thrown.StackTrace?.Contains("WriteAtOffset", StringComparison.Ordinal) == true =>
            new("FileTooLarge", ErrorKind.LimitsExceeded, "a file would be larger than this process may write",
                "Raise the limit: ulimit -f.", null, thrown),
        System.Text.Json.JsonException =>
            new("NotJson", ErrorKind.InvalidData, $"text that should be JSON is not: {FirstLine(thrown.Message)}", null, null, thrown),
        UnauthorizedAccessException => new("AccessDenied", ErrorKind.PermissionDenied, FirstLine(thrown.Message), null, null, thrown),
        IOException => InputOutput(thrown),
        _ => new("Unexpected", ErrorKind.NotSpecified,
            $"this is a fault of Slipway: {thrown.GetType().Name}{Place(thrown)}: {FirstLine(thrown.Message)}",
            "Report it, with the command line that led here.", null, thrown),
    };

    static SlipwayException InputOutput(Exception thrown) =>
        new("InputOutputFailed", ErrorKind.ReadError, FirstLine(thrown.Message), null, null, thrown);

    static string FirstLine(string message) => message.Split('\n')[0].TrimEnd('\r');

    /// <summary>The method that threw: a trimmed program may not know it.</summary>
    static string Place(Exception thrown) => FirstLine(thrown.StackTrace ?? "").Trim() is { Length: > 3 } frame
        ? " " + frame.Split(" in ")[0] : "";

    /// <summary>A stable name for the error, e.g. <c>DefinitionUnknownKey</c>.</summary>
    public string Id { get; }

    /// <summary>For a front end: PowerShell's category of the error.</summary>
    public ErrorKind Kind { get; }

    /// <summary>What to do about it, in the imperative.</summary>
    public string? Recommendation { get; }

    /// <summary>What it happened to: a path, a node, a package.</summary>
    public object? Target { get; }

    /// <summary>The exit code that a command line gives for this error; <c>slipway run</c> always gives 125 (as podman has it).</summary>
    public int ExitCode { get; init; } = 1;
}
