using Slipway.Launching;

namespace Slipway.Tests.Launching;

public sealed class AllocationTests
{
    [Theory]
    [InlineData("4(x2),3", "4 4 3")]
    [InlineData("1", "1")]
    [InlineData("", "")]
    [InlineData("4(x99999999)", "")]
    [InlineData("4(x2", "4 4")]
    [InlineData("four", "")]
    public void SlurmSTasksAreCountedNodeByNode(string text, string each) => Assert.Equal(each, string.Join(' ', Allocation.Tasks(text)));

    [Fact]
    public void AJobIsKnownByItsVariables()
    {
        using TemporaryDirectory directory = new();
        string file = Path.Combine(directory.Path, "hosts");
        Dictionary<string, string> variables = new() { ["JOB_ID"] = "7", ["PE_HOSTFILE"] = file };
        File.WriteAllText(file, "n1 4 all.q@n1 <NULL>\nn2 2 all.q@n2 <NULL>\n");
        Allocation job = Allocation.Current(LauncherTable.BuiltIn, variables.GetValueOrDefault)!;
        Assert.Equal("sge", job.System.Name);
        Assert.Equal([("n1", 4), ("n2", 2)], job.Nodes.Select(n => (n.Node, n.Slots ?? 0)));

        variables = new() { ["PBS_JOBID"] = "7", ["PBS_NODEFILE"] = file };
        File.WriteAllText(file, "n1\nn1\n-oProxyCommand=x\nn2\n");
        job = Allocation.Current(LauncherTable.BuiltIn, variables.GetValueOrDefault)!;
        Assert.Equal("pbs", job.System.Name);
        Assert.Equal([("n1", 2), ("n2", 1)], job.Nodes.Select(n => (n.Node, n.Slots ?? 0)));

        Assert.Equal(["n1", "n1", "n2"], job.Fill(3));
        Assert.Empty(job.Fill(4));
        Assert.Null(Allocation.Current(LauncherTable.BuiltIn, _ => null));
    }
}
