using Slipway.Staging.Controller;

namespace Slipway.Tests.Staging;

/// <summary>The command line that starts a program on nodes.</summary>
public sealed class NodeStarterTests
{
    [Fact]
    public void AShellOnTheNodeSeesOneWordForEach()
    {
        NodeStarter starter = new("ssh", "ssh", true, false, false, ["-T", "--", "{node}"]);
        (string program, List<string> arguments) = starter.Command(["n1"], "echo \"$1\"; it's", ["a", "b="]);
        Assert.Equal("ssh", program);
        Assert.Equal(["-T", "--", "n1", "exec /bin/sh -c 'echo \"$1\"; it'\\''s' slipway a b="], arguments);
    }

    [Fact]
    public void OthersTakeArgumentsForANumberOfNodes()
    {
        NodeStarter starter = new("srun", "srun", false, true, false, ["--jobid={job}", "--nodes={count}", "--nodelist={node}"], Job: "47");
        Assert.Equal(["--jobid=47", "--nodes=2", "--nodelist=n1,n2", "/bin/sh", "-c", "script", "slipway", "a b"],
            starter.Command(["n1", "n2"], "script", ["a b"]).Arguments);
    }
}
