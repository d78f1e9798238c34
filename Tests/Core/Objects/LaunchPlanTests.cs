using System.Text.Json;
using Slipway.Linux;

namespace Slipway.Tests.Objects;

public sealed class LaunchPlanTests
{
    const string Whole = """
        {
          "launcher": "openmpi", "launcherVersion": "4.1.4", "mpi": "Image", "program": "/usr/bin/mpirun", "arguments": ["-np", "2", "a b"],
          "ranks": 2,
          "nodes": ["n1", "n2"], "ranksPerNode": 1, "batchSystem": "slurm", "image": "/i.sqfs", "command": ["a b"],
          "workingDirectory": "/w",
          "verdict": {"fit": "Works", "mpi": "Open MPI 4.1.4", "launcher": "Open MPI", "reason": "one version", "advice": "none"},
          "variables": [
            {"name": "A", "value": "1", "for": "ranks", "reason": "you set it"}, {"name": "B", "for": "launcher", "reason": "it misleads"}
          ],
          "binds": [
            {"source": "/s", "destination": "/d", "readOnly": true, "reason": "you asked"},
            {"source": "/s", "destination": "/s", "readOnly": false, "reason": "home"}
          ],
          "reasons": ["mpirun is on the PATH"], "timeout": "00:01:30", "labelled": true, "commandLine": "/usr/bin/mpirun -np 2 'a b'"
        }
        """;

    [Fact]
    public void AWholePlanIsTheSameWhenItIsReadAndWritten()
    {
        LaunchPlan plan = RoundTrip.Whole(Whole, ObjectsJson.Default.LaunchPlan);
        Assert.Equal(MpiMode.Image, plan.Mpi);
        Assert.Equal(TimeSpan.FromSeconds(90), plan.Timeout);
        Assert.Equal(["-np", "2", "a b"], plan.Arguments);
        Assert.Null(plan.Variables[1].Value);
    }

    [Fact]
    public void APlanOfWhatIsRequiredLeavesTheRestToTheLauncher()
    {
        LaunchPlan plan = new() { Launcher = "mpich", Program = "/m", Arguments = [], Ranks = 1, Image = "/i", WorkingDirectory = "/" };
        Assert.Equal(MpiMode.Host, plan.Mpi);
        Assert.Null(plan.Timeout);
        Assert.Null(plan.RanksPerNode);
        Assert.False(plan.Labelled);
        Assert.Equal("/m", plan.ToString());
        Assert.Equal(["/m"], plan.Explain());
    }

    [Fact]
    public void ExplainsTheCommandLineTheVerdictAndEachReason()
    {
        LaunchPlan plan = JsonSerializer.Deserialize(Whole, ObjectsJson.Default.LaunchPlan)!;
        Assert.Equal(
        [
            "/usr/bin/mpirun -np 2 'a b'",
            "Works: one version. none",
            "mpirun is on the PATH",
            "A=1 (ranks): you set it",
            "B is taken away (launcher): it misleads",
            "/s at /d, read-only: you asked",
            "/s: home",
        ], plan.Explain());
        Assert.Equal("Works: one version", (plan with { Verdict = plan.Verdict! with { Advice = null } }).Explain().ElementAt(1));
    }

    /// <summary>A shell takes the command line for the same words.</summary>
    [Fact]
    public void AShellReadsTheCommandLineAsItIs()
    {
        string[] words = ["plain", "", "a b", "it's", "$HOME", "`id`", "a;b", "*", "~", "\"", "\\", "-x=1,2:3@4%5+6", "a\nb", "ü"];
        LaunchPlan plan = new() { Launcher = "x", Program = "printf", Arguments = ["%s|", .. words], Ranks = 1, Image = "/i",
            WorkingDirectory = "/" };
        Assert.Equal(string.Concat(words.Select(w => w + "|")), HostProgram.Read("/bin/sh", "-c", plan.CommandLine));
        Assert.EndsWith(" -x=1,2:3@4%5+6", (plan with { Arguments = ["-x=1,2:3@4%5+6"] }).CommandLine, StringComparison.Ordinal);
    }
}
