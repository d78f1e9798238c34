using Slipway.Linux;

namespace Slipway.Tests.Linux;

/// <summary>A file that is being written is its living writer's, whoever looks, and whatever /proc shows of that writer.</summary>
public sealed class PartialFileTests : IDisposable
{
    readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("slipway-partial-");

    public void Dispose() => directory.Delete(recursive: true);

    static void Grant(string mode, string path) => Assert.Equal(0, HostProgram.Run("chmod", [mode, path]));

    /// <summary>Two users, one destination in a directory that both may write to: sticky, as /tmp, or not, as a group's.</summary>
    [NeedsTheory(Needs.Launcher, Needs.OtherUser, "busybox", "mksquashfs", "newuidmap")]
    [InlineData(0, "1777"), InlineData(1, "1777"), InlineData(2, "1777"), InlineData(0, "777"), InlineData(1, "777"), InlineData(2, "777")]
    public void ABuildOfAnotherUserIsSeen(int hidePid, string mode)
    {
        Grant(mode, directory.FullName);
        string definition = Path.Combine(directory.FullName, "x.yaml"), image = Path.Combine(directory.FullName, "x.sqfs");
        string go = Path.Combine(directory.FullName, "go");
        File.WriteAllText(definition, "from: host\nprograms: [sh, sleep, ls]\nrun: [\"sleep 3\"]\n");
        Grant("644", definition);
        Cli.Running Build(string user) =>
            Cli.Start(user, ["env", "SLIPWAY_STEP_CACHE_BYTES=0", Cli.Program, "build", definition, "-o", image], hidePid: hidePid);
        foreach ((string first, string second) in new[] { (Cli.OtherUser!, "root"), ("root", Cli.OtherUser!) })
        {
            Cli.Running one = Build(first);
            Slipway.Tests.RunSite.WaitUntil(() => Directory.GetFiles(directory.FullName, ".x.sqfs.*.partial").Length == 1,
                "the first is at it");
            Cli.Result two = Build(second).Wait(60);
            Assert.True(two.ExitCode == 1 && two.Error.Contains("another build is writing this image", StringComparison.Ordinal),
                $"{second} after {first}: {two}");
            Cli.Result result = one.Wait(60);
            Assert.True(result.ExitCode == 0, result.ToString());
            Assert.Equal(["x.sqfs", "x.yaml"], Directory.GetFiles(directory.FullName).Select(Path.GetFileName)
                .Order(StringComparer.Ordinal));
            File.Delete(image);
        }
    }

    [Fact]
    public void WhatADeadWriterLeftGoesAndWhatALivingOneHasStays()
    {
        string Make(string name, bool locked)
        {
            string path = Path.Combine(directory.FullName,
                $".{name}.{Environment.MachineName.Replace('.', '_')}.{name[1..]}.7.0123abcd.partial");
            File.WriteAllText(path, "");
            if (locked)
                File.WriteAllText(path[..^8] + ".lock", "");
            return path;
        }
        using PartialFile living = PartialFile.Reserve(Path.Combine(directory.FullName, "living"));
        File.WriteAllText(living.Path, "");
        // pid 1 is not who wrote it: the lock says so, and without one the start time
        string[] dead = [Make("a1", true), Make("b1", false), Make("c4194303", false), Make("d4194303", true)];
        string lockAlone = Path.Combine(
            directory.FullName, Path.GetFileName(dead[0])[..^8].Replace(".a1.", ".e1.", StringComparison.Ordinal) + ".lock");
        File.WriteAllText(lockAlone, "");
        string elsewhere = Path.Combine(directory.FullName, ".f.another-host.1.7.0123abcd.partial");
        string other = Path.Combine(directory.FullName, ".lock");
        File.WriteAllText(elsewhere, "");
        File.WriteAllText(other, "");
        PartialFile.RemoveStale(directory.FullName);
        Assert.Equal(new[] { living.Path, living.Path[..^8] + ".lock", elsewhere, other }.Order(StringComparer.Ordinal),
            Directory.GetFiles(directory.FullName).Order(StringComparer.Ordinal));
        living.Dispose();
        Assert.Equal(new[] { elsewhere, other }.Order(StringComparer.Ordinal), Directory.GetFiles(directory.FullName)
            .Order(StringComparer.Ordinal));
    }
}
