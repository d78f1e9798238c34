using System.Text.Json;

namespace Slipway.Tests.Scenarios;

/// <summary>
/// Plans that are applied on a machine with real verbs: a guest under qemu with soft-RoCE (Tests/Rdma), booted once for all cases of a set.
/// </summary>
public sealed class GuestTests
{
    static readonly Lazy<Cases> Short =
        new(() => Cases.Run("short", share => Build(share, "verbs", "bookworm"), share => BuildMpi(share, "mpi", "")));

    static readonly Lazy<Cases> Long = new(() => Cases.Run("long", share =>
    {
        BuildMpi(share, "ucx", " /usr/lib/x86_64-linux-gnu/ucx/libuct_ib*");
        Build(share, "debian11", "bullseye");
        Build(share, "debian11-auto", "bullseye", text: "fabric: auto");
    }, share =>
    {
        Build(share, "debian13", "trixie");
        // an image that is not ours; the mirror's copy of unstable may be older than apt likes
        string root = Path.Combine(share, "root");
        Start("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", "--aptopt=Acquire::Check-Valid-Until \"false\"",
            "--aptopt=Apt::Install-Recommends \"false\"",
            "--include=libibverbs1,ibverbs-utils", "sid", root);
        Start("mksquashfs", root, Path.Combine(share, "unstable.sqfs"), "-noappend", "-quiet", "-no-progress", "-comp", "zstd",
            "-Xcompression-level", "1");
        Directory.Delete(root, recursive: true);
    }));

    /// <summary>UCX needs libmlx5 of ibverbs-providers, so that package is there; what libibverbs would load is taken away.</summary>
    static void BuildMpi(string share, string name, string without)
    {
        Start("mpicc", "-O1", "-o", Path.Combine(share, "ring"), Path.Combine(Cli.Repository, "Tests/Rdma/ring.c"));
        Build(share, name, "bookworm", "openmpi-bin", $$"""
            files: [{from: ring, to: /opt/ring, mode: "0755"}]
            run: ["rm -r /etc/libibverbs.d /usr/lib/x86_64-linux-gnu/libibverbs{{without}}"]
            """);
    }

    static void Build(string share, string name, string suite, string packages = "libibverbs1", string text = "")
    {
        string definition = Path.Combine(share, name + ".yaml");
        File.WriteAllText(definition, $"from: deb\nsuite: {suite}\npackages: [{packages}, ibverbs-utils]\n{text}\n");
        Start(Cli.Program, "build", definition, "-o", Path.Combine(share, name + ".sqfs"));
    }

    static void Start(params string[] command)
    {
        Cli.Result result = Cli.Start(Environment.UserName, command).Wait(600);
        Assert.True(result.ExitCode == 0, $"{string.Join(' ', command)}: {result.ExitCode}: {result.Error}{result.Output}");
    }

    /// <summary>What a guest printed.</summary>
    sealed record Cases(IReadOnlyDictionary<string, (int Exit, string Text)> Results, string Whole)
    {
        public (int Exit, string Text) this[string name] => Results.TryGetValue(name, out (int Exit, string Text) result) ? result
            : throw new KeyNotFoundException($"the guest did not come to '{name}': {Whole}");

        /// <param name="make">What puts images into the directory that it is given, each beside the others.</param>
        public static Cases Run(string set, params Action<string>[] make)
        {
            string script = Path.Combine(Cli.Repository, "Tests/Rdma/guest.sh");
            string guest = Path.Combine(Cli.Repository, "out/rdma-guest");
            DirectoryInfo share = Directory.CreateTempSubdirectory("slipway-guest-");
            try
            {
                Parallel.Invoke([() => Start(script, "build", guest), .. make.Select(m => (Action)(() => m(share.FullName)))]);
                foreach (string file in Directory.GetFiles(Path.GetDirectoryName(Cli.Program)!))
                    File.Copy(file, Path.Combine(share.FullName, Path.GetFileName(file)));
                File.Copy(Path.Combine(Cli.Repository, "Tests/Rdma/guest-cases.sh"), Path.Combine(share.FullName, "guest-cases.sh"));
                Cli.Result result = Cli.Start(
                    Environment.UserName, [script, "run", guest, "900", share.FullName, $"bash /share/guest-cases.sh {set}"]).Wait(960);
                return Parse(result.Output, result.Output + result.Error);
            }
            finally
            {
                share.Delete(recursive: true);
            }
        }

        static Cases Parse(string output, string whole)
        {
            Dictionary<string, (int, string)> results = [];
            string? name = null;
            List<string> text = [];
            foreach (string line in output.Split('\n'))
                if (line.IndexOf("=== exit ", StringComparison.Ordinal) is >= 0 and var at && name is not null)
                {
                    // what does not end in a newline stands before it
                    text.Add(line[..at]);
                    results[name] = (int.Parse(line[(at + 9)..], System.Globalization.CultureInfo.InvariantCulture),
                        string.Join('\n', text));
                    name = null;
                }
                else if (line.StartsWith("=== ", StringComparison.Ordinal))
                {
                    name = line[4..];
                    text.Clear();
                }
                else
                {
                    text.Add(line);
                }
            return new Cases(results, whole);
        }
    }

    [NeedsFact(Needs.Guest, Needs.Launcher, Needs.Root, Needs.Network)]
    public void APlanGivesAnOrdinaryUsersContainerTheDevice()
    {
        Cases cases = Short.Value;
        Assert.Equal(255, cases["bare"].Exit);
        Assert.Contains("No IB devices found", cases["bare"].Text);
        Assert.StartsWith("Provider: rxe0: ", cases["plan"].Text);
        Assert.Contains("fails  Image: the image has no provider rxe", cases["plan"].Text);
        Assert.Equal(0, cases["devinfo"].Exit);
        Assert.Matches(@"(?s)hca_id:\s+rxe0.*state:\s+PORT_ACTIVE", cases["devinfo"].Text);
        Assert.Equal(0, cases["pingpong"].Exit);
        Assert.Contains("1000 iters", cases["pingpong"].Text);
        Assert.Contains("server: 0", cases["pingpong"].Text);
    }

    [NeedsFact(Needs.Guest, Needs.Launcher, Needs.Root, Needs.Network)]
    public void OpenMpiSendsItsDataOverTheDevice()
    {
        Cases cases = Short.Value;
        Assert.NotEqual(0, cases["mpi-bare"].Exit);
        Assert.Contains("packets: 0", cases["mpi-bare"].Text);
        Assert.StartsWith("Provider: rxe0: ", cases["mpi-plan"].Text);
        Assert.Equal(0, cases["mpi"].Exit);
        Assert.Contains("2 ranks, 0 wrong", cases["mpi"].Text);
        Assert.Matches(@"packets: [1-9]\d{2,}", cases["mpi"].Text);
    }

    [NeedsFact(Needs.Guest, Needs.Launcher, Needs.Root, Needs.Network)]
    public void TheInventoryAndTheCdiSpecificationAreThoseOfTheGuest()
    {
        Cases cases = Short.Value;
        using JsonDocument inventory = System.Text.Json.JsonDocument.Parse(cases["inventory"].Text);
        JsonElement rxe = inventory.RootElement.GetProperty("devices")[0];
        Assert.Equal(("rxe0", "SoftRoCE", "ACTIVE", 2),
            (rxe.GetProperty("name").GetString(), rxe.GetProperty("fabric").GetString(), rxe.GetProperty("state").GetString(),
                rxe.GetProperty("uverbsAbi").GetInt32()));
        Assert.Equal(long.MaxValue, inventory.RootElement.GetProperty("memlockSoft").GetInt64());
        using JsonDocument cdi = System.Text.Json.JsonDocument.Parse(cases["cdi"].Text);
        Assert.Equal("0.3.0", cdi.RootElement.GetProperty("cdiVersion").GetString());
        Assert.Equal("/dev/infiniband/uverbs0", cdi.RootElement.GetProperty("devices")[0].GetProperty("containerEdits")
            .GetProperty("deviceNodes")[0].GetProperty("path").GetString());
    }

    [NeedsFact(Needs.Guest, Needs.Launcher, Needs.Root, Needs.Network)]
    public void DevicesThatAreLeftOutAreNotSeen()
    {
        Cases cases = Short.Value;
        Assert.Equal("rdma_cm\nuverbs0\nuverbs1\n", cases["both-seen"].Text);
        Assert.Contains("rxe1: left out: the plan was asked for rxe0 alone", cases["one"].Text);
        Assert.Equal("rdma_cm\nuverbs0\n", cases["one-seen"].Text);
        Assert.Contains("1 HCA found", cases["one-devinfo"].Text);
        // a plan for both, in a job that was given one
        Assert.Equal("rdma_cm\nuverbs1\n", cases["job-seen"].Text);
        Assert.Contains("rxe0: left out: the job was not given it (SLURM_STEP_NICS=1)", cases["job-plan"].Text);
        Assert.Contains("rxe1: left out: the job's cgroup does not let it open /dev/infiniband/uverbs1", cases["cgroup"].Text);
    }

    [NeedsTheory(Needs.Long, Needs.Guest, Needs.Launcher, Needs.Root, Needs.Network)]
    [InlineData("debian11", FabricRung.Refuse, "image provider stack")]
    [InlineData("debian13", FabricRung.Provider, "image")]
    [InlineData("unstable", FabricRung.Refuse, "image provider stack")]
    [InlineData("debian11-auto", FabricRung.Image, "provider stack")]
    public void AnotherDistributionsImageTakesTheRungThatWorks(string image, FabricRung rung, string refused)
    {
        Cases cases = Long.Value;
        Assert.StartsWith($"{rung}: rxe0: ", cases[image + "-plan"].Text);
        bool works = rung is not FabricRung.Refuse;
        Assert.Equal(works ? 0 : 255, cases[image + "-devinfo"].Exit);
        Assert.Equal(works ? 0 : 1, cases[image + "-pingpong"].Exit);
        foreach (string source in (string[])["image", "provider", "stack"])
            Assert.Equal(refused.Split(' ').Contains(source) ? 1 : 0, cases[$"{image}-{source}"].Exit);
    }

    [NeedsFact(Needs.Long, Needs.Guest, Needs.Launcher, Needs.Root, Needs.Network)]
    public void TheNodesUcxTakesThePlaceOfOneWithoutVerbs()
    {
        Cases cases = Long.Value;
        Assert.NotEqual(0, cases["ucx-bare"].Exit);
        Assert.Contains("the image's UCX has no module for verbs (libuct_ib.so.0), so programs use the node's", cases["ucx-plan"].Text);
        Assert.Contains("2 ranks, 0 wrong", cases["ucx"].Text);
        Assert.Matches(@"packets: [1-9]\d{2,}", cases["ucx"].Text);
    }

    [NeedsFact(Needs.Long, Needs.Guest, Needs.Launcher, Needs.Root, Needs.Network)]
    public void EachFailureIsNamed()
    {
        Cases cases = Long.Value;
        string plan = cases["debian11-plan"].Text;
        Assert.Contains("fails  Image: the image has no provider rxe (librxe-rdmav33.so)", plan);
        Assert.Contains("fails  Provider: the node's provider rxe needs IBVERBS_PRIVATE_34; "
            + "the image's libibverbs 33.2 has IBVERBS_PRIVATE_33", plan);
        Assert.Matches("fails  Stack: .*GLIBC_2.34.*ibv_devinfo needs IBVERBS_PRIVATE_33", plan);
        Assert.Contains("ibverbs-providers", plan);
        Assert.Contains("IBVERBS_PRIVATE_33", cases["debian11-stack"].Text);
        Assert.Contains("GLIBC_2.34", cases["debian11-stack"].Text);
        Assert.Contains("IBVERBS_PRIVATE_65", cases["unstable-plan"].Text);
        Assert.Contains("IBVERBS_1.16", cases["unstable-stack"].Text);
        Assert.Equal(0, cases["debian13-stack-pingpong"].Exit);
    }
}
