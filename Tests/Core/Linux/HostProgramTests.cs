using System.Text;
using Slipway.Linux;

namespace Slipway.Tests.Linux;

public sealed class HostProgramTests : IDisposable
{
    readonly TemporaryDirectory directory = new();
    readonly List<string> output = [], error = [];

    public void Dispose() => directory.Dispose();

    int Shell(string script, IReadOnlyDictionary<string, string?>? environment = null, string? directory = null) =>
        HostProgram.Run("/bin/sh", ["-c", script], output.Add, error.Add, environment, directory);

    [Fact]
    public void AProgramIsFoundOnThePathOrByItsOwn()
    {
        string sh = HostProgram.Find("sh");
        Assert.StartsWith("/", sh, StringComparison.Ordinal);
        Assert.EndsWith("/sh", sh, StringComparison.Ordinal);
        Assert.Equal("/bin/sh", HostProgram.TryFind("/bin/../bin/sh"));
        Assert.Null(HostProgram.TryFind("/nowhere/sh"));
        Assert.Null(HostProgram.TryFind("no-such-program"));
        Assert.Null(HostProgram.TryFind(directory.Write("text", []))); // may not be executed
    }

    /// <summary>The path of a user often lacks /usr/sbin.</summary>
    [NeedsFact("/usr/sbin/ldconfig")]
    public void AProgramOfTheAdministratorsIsFound() =>
        Assert.EndsWith("/ldconfig", HostProgram.Find("ldconfig"), StringComparison.Ordinal);

    [Fact]
    public void OneThatIsMissingIsToldOfAsAShellDoes()
    {
        SlipwayException missing = Assert.Throws<SlipwayException>(() => HostProgram.Find("no-such-program"));
        Assert.Equal(("ProgramNotFound", ErrorKind.NotInstalled, 127), (missing.Id, missing.Kind, missing.ExitCode));
        Assert.StartsWith("no-such-program: ", missing.Message, StringComparison.Ordinal);
        Assert.Throws<SlipwayException>(() => HostProgram.Run("no-such-program", []));
        Assert.Null(HostProgram.Read("no-such-program"));
    }

    [Fact]
    public void LinesAreHandedOnAndTheExitCodeIsTheProgramsOwn()
    {
        Assert.Equal(3, Shell("echo one; echo two; echo bad >&2; printf three; exit 3"));
        Assert.Equal(["one", "two", "three"], output);
        Assert.Equal(["bad"], error);
        Assert.Equal(128 + 15, Shell("kill -TERM $$"));
    }

    [Fact]
    public void ArgumentsEnvironmentAndDirectoryAreAsTheyWereGiven()
    {
        Assert.Equal(0, HostProgram.Run("printf", ["%s|", "a b", "", "$HOME", "'"], output.Add));
        Assert.Equal("a b||$HOME|'|", Assert.Single(output));
        output.Clear();
        Assert.Equal(
            0, Shell("echo \"$ADDED ${HOME-none}\"; pwd -P; wc -c", new Dictionary<string, string?> { ["ADDED"] = "x", ["HOME"] = null },
                directory.Path));
        // what it reads is empty
        Assert.Equal(["x none", directory.Path, "0"], output);
    }

    [Fact]
    public void ReadGivesTheAnswerOfAProgramThatSucceeds()
    {
        Assert.Equal("a\n\nb", HostProgram.Read("printf", "a\n\nb\n\n"));
        Assert.Equal("", HostProgram.Read("true"));
        Assert.Null(HostProgram.Read("/bin/sh", "-c", "echo a; exit 1"));
        Assert.Equal("ProgramOutputTooLarge",
            Assert.Throws<SlipwayException>(() => HostProgram.Read("head", "-c", "1048577", "/dev/zero")).Id);
        Assert.Equal(1048576, HostProgram.Read("head", "-c", "1048576", "/dev/zero")!.Length);
    }

    [Fact]
    public void StreamHandsBytesOnAndKeepsTheBeginningOfWhatWasSaid()
    {
        MemoryStream taken = new();
        (int exit, string said) = HostProgram.Stream("/bin/sh", ["-c", "printf 'a\\0b'; head -c 5000 /dev/zero | tr '\\0' x >&2; exit 4"],
            stream => stream.CopyTo(taken));
        Assert.Equal(4, exit);
        Assert.Equal("a\0b", Encoding.ASCII.GetString(taken.ToArray()));
        Assert.Equal(new string('x', 4096), said);
        InvalidDataException thrown = new("no");
        Assert.Same(
            thrown, Assert.Throws<InvalidDataException>(() =>
                HostProgram.Stream("/bin/sh", ["-c", "echo a; sleep 100"], _ => throw thrown)));
    }

    [Fact]
    public void OneThatIsCancelledMayCleanUpAndIsGone()
    {
        using CancellationTokenSource cancel = new();
        string cleaned = Path.Combine(directory.Path, "cleaned");
        Assert.ThrowsAny<OperationCanceledException>(() =>
            HostProgram.Run("/bin/sh", ["-c", "trap 'touch cleaned; exit' TERM; echo ready; while :; do sleep 0.1; done"],
            _ => cancel.Cancel(), directory: directory.Path, grace: TimeSpan.FromSeconds(30), cancel: cancel.Token));
        Assert.True(File.Exists(cleaned));
        Assert.ThrowsAny<OperationCanceledException>(() =>
            HostProgram.Run("touch", ["late"], directory: directory.Path, cancel: cancel.Token));
        Assert.False(File.Exists(Path.Combine(directory.Path, "late")));
        FormatException thrown = new();
        Assert.Same(
            thrown, Assert.Throws<FormatException>(() => HostProgram.Run("/bin/sh", ["-c", "echo a; sleep 100"], _ => throw thrown)));
    }
}
