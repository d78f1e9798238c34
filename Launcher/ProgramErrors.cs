namespace Slipway.Launcher;

/// <summary>What can be wrong with a command line, and with where its output goes.</summary>
static class ProgramErrors
{
    public static SlipwayException IsInternal(SubProgram program) =>
        new("InternalVerb", ErrorKind.InvalidArgument, $"'slipway {program.Verb}' is internal: it is started by {program.StartedBy}",
            "See slipway --help.", program.Verb);

    public static SlipwayException NotUtf8(string argument) =>
        new("ArgumentNotUtf8", ErrorKind.InvalidArgument, $"'{argument}': this argument is not UTF-8, so Slipway would take it for another",
            "Rename the file, or make a link to it whose name is UTF-8.", argument);

    /// <param name="option">That takes NAME=VALUE.</param>
    public static SlipwayException NoPair(string given, string option) =>
        new("BadVariable", ErrorKind.InvalidArgument, $"'{given}' sets no variable", $"Write {option} NAME=VALUE.", given);

    public static SlipwayException OutputClosed(string name) => OutputNotWritten(name, "is closed");

    /// <param name="why">As strerror(3) has it.</param>
    public static SlipwayException OutputFailed(string name, string why) => OutputNotWritten(name, $"cannot be written: {why}");

    static SlipwayException OutputNotWritten(string name, string what) =>
        new("OutputNotWritten", ErrorKind.WriteError, $"{name} {what}", "Redirect it to where you may write, or to /dev/null.", name);
}
