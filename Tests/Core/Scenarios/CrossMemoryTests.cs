using System.Globalization;
using Slipway.Linux;

namespace Slipway.Tests.Scenarios;

/// <summary>
/// Ranks of one node reach each other's memory (cross-memory attach, process_vm_readv(2)), as MPI libraries do for large messages.
/// </summary>
public sealed class CrossMemoryTests
{
    /// <summary>One program: without arguments it tells its pid and where its text is, and waits; with them it reads that text.</summary>
    const string Peek = """
        #define _GNU_SOURCE
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/prctl.h>
        #include <sys/uio.h>
        #include <unistd.h>
        static char text[32] = "of the other rank";
        int main(int n, char **a) {
            if (n < 3) {
                prctl(0x59616d61 /* PR_SET_PTRACER */, -1L);
                printf("%d %p\n", getpid(), (void *)text);
                fflush(stdout);
                pause();
                return 0;
            }
            char got[32] = "";
            struct iovec mine = {got, sizeof got}, theirs = {(void *)strtoul(a[2], 0, 16), sizeof got};
            if (process_vm_readv(atoi(a[1]), &mine, 1, &theirs, 1, 0) < 0) { perror("process_vm_readv"); return 1; }
            puts(got);
            return 0;
        }
        """;

    /// <summary>Starts one, and lets another read it: exit code and output of the reader.</summary>
    static Cli.Result ReadAnother(RunSite site, string prefix, string program) => site.Script($$"""
        {{prefix}} {{program}} >{{site.Scratch}}/where & p=$!
        until [ -s {{site.Scratch}}/where ]; do :; done
        read -r pid address <{{site.Scratch}}/where
        {{prefix}} {{program}} $pid $address; e=$?; kill $p $pid 2>/dev/null; rm {{site.Scratch}}/where; exit $e
        """, TinyImage.File);

    [NeedsFact(Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll", "cc", "bwrap")]
    public void RanksOfAContainerReadEachOthersMemory()
    {
        using RunSite site = new(RunSite.Ordinary);
        File.WriteAllText(site.Scratch + "/peek.c", Peek);
        string program = site.Scratch + "/peek";
        Assert.Equal(0, HostProgram.Run("cc", ["-static", "-o", program, site.Scratch + "/peek.c"]));
        Cli.Result one = ReadAnother(site, "\"$1\" run --job one \"$2\" --", program);
        Assert.Equal((0, "of the other rank\n", ""), (one.ExitCode, one.Output, one.Error));
        site.AssertNothingLeft();
        if (site.User == "root")
            return; // root may read everybody
        // what this test would show if each rank had a user namespace of its own, as bubblewrap's processes have
        Cli.Result two = ReadAnother(site, "bwrap --bind / / --unshare-user --", program);
        Assert.Equal((1, "process_vm_readv: Operation not permitted\n"), (two.ExitCode, two.Error));
    }

    /// <summary>Two ranks send each other a message too large for a shared-memory copy, and check it.</summary>
    internal const string Exchange = """
        #include <mpi.h>
        #include <stdio.h>
        #include <stdlib.h>
        int main(int n, char **a) {
            int rank, size, length = 1 << 22;
            MPI_Init(&n, &a); MPI_Comm_rank(MPI_COMM_WORLD, &rank); MPI_Comm_size(MPI_COMM_WORLD, &size);
            unsigned char *buffer = malloc(length);
            for (int i = 0; i < length; i++) buffer[i] = rank ? 0 : i * 31 + i / 256;
            if (rank == 0) MPI_Send(buffer, length, MPI_BYTE, 1, 0, MPI_COMM_WORLD);
            else {
                MPI_Recv(buffer, length, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
                int bad = 0;
                for (int i = 0; i < length; i++) bad += buffer[i] != (unsigned char)(i * 31 + i / 256);
                printf("%d ranks, %d wrong\n", size, bad);
            }
            MPI_Finalize(); return 0;
        }
        """;

    [NeedsFact(Needs.Launcher, Needs.Fuse, Needs.Network, "mksquashfs", "squashfuse_ll", "mmdebstrap", "mpicc", "mpirun")]
    public void OpenMpiInAPlainDebianRootUsesCrossMemoryAttach()
    {
        using RunSite site = new(RunSite.Ordinary);
        string image = DebianImage.File;
        Cli.Result plain = site.Run(image, "--", "/bin/sh", "-c", ". /etc/os-release; echo $ID; id -un; ls -d /.slipway");
        Assert.Equal($"debian\n{site.User}\n", plain.Output);

        File.WriteAllText(site.Scratch + "/exchange.c", Exchange);
        string program = site.Scratch + "/exchange";
        Assert.Equal(0, HostProgram.Run("mpicc", ["-o", program, site.Scratch + "/exchange.c"]));
        Cli.Result Ranks(string options) =>
            site.Start(["mpirun", "--oversubscribe", "-np", "2", "--mca", "pml", "ob1", "--mca", "btl", "self,vader", "--mca",
                "btl_vader_single_copy_mechanism", "cma",
            "/bin/sh", "-c", $"exec \"$0\" run {options} \"$1\" -- \"$2\"", Cli.Program, image, program],
            new Dictionary<string, string> { ["OMPI_ALLOW_RUN_AS_ROOT"] = "1", ["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1" }).Wait(120);
        Cli.Result together = Ranks("");
        Assert.Equal((0, "2 ranks, 0 wrong\n", ""), (together.ExitCode, together.Output, together.Error));
        site.AssertNothingLeft();
        if (site.User == "root")
            return;
        // Open MPI would have said so: it does where each rank is in a container of its own. Its longer message ("not available due to
        // different user namespaces") is now and then lost between the rank and mpirun; this one comes from the rank itself.
        Cli.Result apart = Ranks("--job $OMPI_COMM_WORLD_RANK");
        Assert.NotEqual(0, apart.ExitCode);
        Assert.Contains("The Open MPI vader BTL is aborting the MPI job", apart.Output + apart.Error, StringComparison.Ordinal);
    }
}

/// <summary>
/// An image that mksquashfs made of a plain Debian root with Open MPI: it knows nothing of Slipway. Made once a run, of the host's own
/// release.
/// </summary>
static class DebianImage
{
    static readonly Lazy<string> Shared = new(() =>
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("slipway-debian-");
        directory.UnixFileMode |= UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => directory.Delete(recursive: true);
        string suite = System.IO.File.ReadLines("/etc/os-release").First(l => l.StartsWith("VERSION_CODENAME=", StringComparison.Ordinal))
            .Split('=')[1];
        string tar = directory.FullName + "/root.tar", image = directory.FullName + "/debian.sqfs";
        Assert.Equal(0, HostProgram.Run("mmdebstrap", ["--quiet", "--variant=minbase", "--include=openmpi-bin", suite, tar], _ => { },
            _ => { }));
        Assert.Equal(0, HostProgram.Run(
            "/bin/sh",
            ["-c", string.Create(CultureInfo.InvariantCulture,
                $"mksquashfs - {image} -tar -quiet -no-progress -comp zstd -Xcompression-level 1 <{tar}")], _ => { }, _ => { }));
        System.IO.File.Delete(tar);
        return image;
    });

    public static string File => Shared.Value;
}
