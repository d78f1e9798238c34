using System.Text.RegularExpressions;
using Slipway.Building;
using Slipway.Linux;
using static Slipway.Linux.LibC;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Building;

public sealed class BuildNamespaceTests
{
    static List<string> Inside(string script)
    {
        IReadOnlyList<string> command = BuildNamespace.Command();
        List<string> said = [], errors = [];
        int exit = HostProgram.Run(command[0], [.. command.Skip(1), "/bin/sh", "-e", "-c", script], said.Add, errors.Add);
        Assert.True(exit == 0, string.Join('\n', errors));
        return said;
    }

    /// <summary>Its first process sees itself as 1, and only its own /proc.</summary>
    [NeedsFact(Needs.Root, "unshare")]
    public void TheBuilderIsRootAndAloneThere() =>
        Assert.Equal(["0", "1", "1"], Inside("id -u; echo $$; ls -d /proc/[0-9]* | grep -c '^/proc/1$'"));

    [NeedsFact(Needs.Root, "unshare")]
    public void WhatItMountsNobodyElseSees()
    {
        using TemporaryDirectory directory = new();
        directory.Write("a", "");
        Assert.Equal(["mounted"], Inside(
            $"mount -t tmpfs none '{directory.Path}' && touch '{directory.Path}/b' && [ ! -e '{directory.Path}/a' ] && echo mounted"));
        Assert.Equal(["a"], Directory.EnumerateFileSystemEntries(directory.Path).Select(Path.GetFileName));
    }

    /// <summary>What is started in it ends with it.</summary>
    [NeedsFact(Needs.Root, "unshare")]
    public void WhatItLeavesRunningEnds()
    {
        using TemporaryDirectory directory = new();
        string fifo = Path.Combine(directory.Path, "fifo");
        Inside($"mkfifo '{fifo}'; sleep 1000 <>'{fifo}' >/dev/null 2>&1 & :");
        // nobody has it open: to open it for writing would wait
        Assert.True(open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC, 0) < 0);
    }

    [Fact]
    public void TheInitialUserNamespaceIsTheOneThatHasAllIds() =>
        Assert.Equal(Regex.IsMatch(File.ReadAllText("/proc/self/uid_map"), @"^\s*0\s+0\s+4294967295\s*$"),
            BuildNamespace.IsInitialUserNamespace());

    [Fact]
    public void ATestIsNoBuilderUnderFakeroot()
    {
        Assert.False(BuildNamespace.IsFake);
        Assert.Empty(BuildNamespace.FakeLibraries);
    }

    [NeedsFact(Needs.Root)]
    public void ADiskTakesFilesOfOtherOwners()
    {
        using TemporaryDirectory directory = new();
        BuildNamespace.CheckOwners(directory.Path);
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path));
    }
}
