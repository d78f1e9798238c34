namespace Slipway;

/// <summary>What kind of failure an error is; the names are those of PowerShell's ErrorCategory, so that a front end maps them by name.</summary>
public enum ErrorKind
{
    NotSpecified, InvalidArgument, InvalidData, InvalidOperation, ObjectNotFound, PermissionDenied, ResourceUnavailable,
    ResourceExists, NotInstalled, OperationStopped, OperationTimeout, WriteError, ReadError, SecurityError, ConnectionError, LimitsExceeded,
}

/// <summary>An error that a person is meant to read: what is wrong (naming file, line, field or node), and what would be right.</summary>
public class SlipwayException : Exception
{
    public SlipwayException(string id, ErrorKind kind, string message, string? recommendation = null, object? target = null, Exception? inner = null)
        : base(message, inner)
    {
        Id = id;
        Kind = kind;
        Recommendation = recommendation;
        Target = target;
    }

    /// <summary>A stable name for the error, e.g. <c>DefinitionUnknownKey</c>.</summary>
    public string Id { get; }

    public ErrorKind Kind { get; }

    /// <summary>What to do about it, in the imperative.</summary>
    public string? Recommendation { get; }

    /// <summary>What it happened to: a path, a node, a package.</summary>
    public object? Target { get; }

    /// <summary>The exit code that a command line gives for this error; <c>slipway run</c> always gives 125 (as podman has it).</summary>
    public int ExitCode { get; init; } = 1;
}
