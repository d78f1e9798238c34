namespace Slipway.Tests.Scenarios;

/// <summary>
/// What could not be done is told with the kernel's reason: calls on the way to the message, which succeed, do not take its place.
/// </summary>
public sealed class ErrorNumberTests
{
    const string Hide = "hide() { for file; do mount --bind /dev/null $file; done; }; ";
    const string Servers = "$(command -v squashfuse) $(command -v squashfuse_ll)";

    [NeedsTheory(Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll", "unshare", "/dev/loop-control")]
    // ENOTTY and ENOENT, before the files are closed
    [InlineData(Hide + "hide /dev/loop-control " + Servers, "there is no loop device to be had (errno 25)")]
    [InlineData(Hide + "hide " + Servers + "; mount -t tmpfs none /dev", "there is no loop device to be had (errno 2)")]
    // ENOSPC, in the child of a raw clone
    [InlineData("echo 0 >/proc/sys/user/max_user_namespaces", "no user namespace can be made (errno 28)")]
    public void AFailureIsToldWithItsReason(string before, string says)
    {
        using RunSite site = new(RunSite.Ordinary);
        // in a user namespace of its own, whose mounts and sysctls are not the host's
        Cli.Result result = site.Start(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", before + "; exec \"$@\"", "sh",
            Cli.Program, "run", TinyImage.File, "--", "true"]).Wait(60);
        Assert.Equal(125, result.ExitCode);
        Assert.Contains(says, result.Error, StringComparison.Ordinal);
    }
}
