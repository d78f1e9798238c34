using Slipway.Launching;

namespace Slipway.Tests.Launching;

public sealed class HostMpiTests : IDisposable
{
    readonly TemporaryDirectory directory = new();
    readonly List<string> looked = [];

    public void Dispose() => directory.Dispose();

    string Program(string name, string body)
    {
        string path = Path.Combine(directory.Path, name);
        File.WriteAllText(path, "#!/bin/sh\n" + body);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }

    /// <summary>A row whose program answers as the body has it.</summary>
    Launcher Row(string body, string more = "") => LauncherTable.Parse(
        $"launchers: [{{name: mine, programs: [{Program("mine", body)}], "
        + $"recognise: {{arguments: [--version], pattern: 'Mine (?<version>[0-9.]+)'}}{more}}}]",
        "site.yaml", null).Launchers[0];

    IReadOnlyList<FoundLauncher> Find(Launcher row, params string[] set) =>
        [.. HostMpi.Find([row], name => set.Contains(name) ? "1" : null, looked)];

    [Fact]
    public void AProgramIsKnownByWhatItSaysOnEitherStreamAndWhateverItsExitCode()
    {
        FoundLauncher found = Assert.Single(Find(Row("echo Hello; echo Mine 4.2. >&2; exit 3\n")));
        Assert.Equal(("4.2", "Mine 4.2."), (found.Version, found.Said));
        Assert.Equal(Path.Combine(directory.Path, "mine"), found.Program);
        Assert.Empty(looked);
    }

    [Fact]
    public void OneThatAnswersOtherwiseIsNoneAndTheReasonIsKept()
    {
        Assert.Empty(Find(Row("echo Yours 1.0\n")));
        Assert.EndsWith("--version does not answer as mine does", Assert.Single(looked), StringComparison.Ordinal);
    }

    [Fact]
    public void WhatItMustOfferIsAskedFor()
    {
        const string offers = ", offers: {arguments: [--list], pattern: pmix}";
        Assert.Single(Find(Row("echo Mine 1 $*\n[ \"$1\" = --list ] && echo pmix\n", offers)));
        Assert.Empty(Find(Row("echo Mine 2 $*\n", offers)));
        Assert.EndsWith("--list does not offer it", Assert.Single(looked), StringComparison.Ordinal);
    }

    [Fact]
    public void OneOfABatchSystemCountsInAJobAlone()
    {
        Launcher row = Row("echo Mine 1\n", ", inside: [MY_JOB]");
        Assert.Empty(Find(row));
        Assert.Equal("mine: MY_JOB is not set", Assert.Single(looked));
        Assert.Single(Find(row, "MY_JOB"));
    }

    [Fact]
    public void OneThatIsNotThereIsNamed()
    {
        Launcher row = LauncherTable.Parse("launchers: [{name: mine, programs: [/nowhere/mine], recognise: {pattern: x}}]", "site.yaml",
            null).Launchers[0];
        Assert.Empty(Find(row));
        Assert.Equal("mine: /nowhere/mine: not on the PATH", Assert.Single(looked));
    }

    [Fact]
    public void EachProgramIsAskedOnceUntilItChanges()
    {
        string asked = Path.Combine(directory.Path, "asked");
        Launcher row = Row($"echo x >>{asked}; echo Mine 1\n");
        Assert.Equal("1", Assert.Single(Find(row)).Version);
        Assert.Single(Find(row));
        Assert.Single(File.ReadAllLines(asked));
        File.SetLastWriteTimeUtc(Path.Combine(directory.Path, "mine"), DateTime.UtcNow.AddMinutes(1));
        Assert.Single(Find(row));
        Assert.Equal(2, File.ReadAllLines(asked).Length);
    }
}
