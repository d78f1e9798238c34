using Slipway.Launching;
using Slipway.Linux;

namespace Slipway.Tests.Launching;

/// <summary>What is composed for a launcher: each row of the table with a program that answers as the real one does.</summary>
public sealed class LaunchPlannerTests : IDisposable
{
    readonly TemporaryDirectory directory = new();
    readonly Dictionary<string, string> environment = [];

    static readonly ImageMpi OpenMpi = new("libmpi.so.40", "/usr/lib/libmpi.so.40", "Open MPI") { Version = "4.1.4", Speaks = ["pmix"] },
        Mpich = new("libmpich.so.12", "/usr/lib/libmpich.so.12", "MPICH") { Version = "4.0.2", Speaks = ["pmi1"] };

    /// <summary>What the real programs say of themselves.</summary>
    static readonly Dictionary<string, string> Says = new()
    {
        ["openmpi"] = "mpirun.openmpi (OpenRTE) 4.1.4\n\nReport bugs to http://www.open-mpi.org/community/help/",
        ["prrte"] = "mpirun.openmpi (Open MPI) 5.0.7\n\nReport bugs to https://www.open-mpi.org/community/help/",
        ["hydra"] = "HYDRA build details:\n    Version:                                 4.0.2\n    Release Date: "
            + "                           Thu Apr  7 12:34:45 CDT 2022",
        ["intel"] = "Intel(R) MPI Library for Linux* OS, Version 2021.13 Build 20240515 (id: df72937)",
        ["srun"] = "slurm-wlm 22.05.8",
        ["flux"] = "commands:    \t\t0.60.0\nlibflux-core:\t\t0.60.0",
        ["pals"] = "mpiexec (PALS) 1.2.12",
        ["jsrun"] = "jsrun version 10.3.1.02",
        ["blaunch"] = "IBM Spectrum LSF Standard 10.1.0.12",
    };

    const string MpiList = "MPI plugin types are...\n\\tpmi2\n\\tcray_shasta\n\\tpmix\n\\tnone\n"
        + "specific pmix plugin versions available: pmix_v4";

    public LaunchPlannerTests() => SlipwayProgram.Path = Cli.Program;

    public void Dispose() => directory.Dispose();

    string Program(string name, string says, string list = MpiList)
    {
        string path = Path.Combine(directory.Path, name);
        File.WriteAllText(path, $"#!/bin/sh\ncase \"$*\" in --mpi=list) printf '{list}\\n' ;; *help*) echo 'pmi=pmix --pmi pmix' ;; "
            + $"*) cat <<'END'\n{says}\nEND\n;; esac\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }

    /// <summary>The built-in rows of these names alone, each with a program of ours.</summary>
    LauncherTable Table(params string[] names) => Table(l => !names.Contains(l.Name) ? "/nowhere/" + l.Name
        : Program(l.Name, Says.GetValueOrDefault(l.Name) ?? Says[l.Group]));

    static LauncherTable Table(Func<Launcher, string> program) => LauncherTable.Parse(
        "launchers:\n" + string.Concat(LauncherTable.BuiltIn.Launchers
            .Select(l => $"- {{name: {l.Name}, like: {l.Name}, programs: [{program(l)}]}}\n")),
        "site.yaml", LauncherTable.BuiltIn);

    static MpiRequest Request(ImageMpi? mpi, params string[] command) => new()
    {
        Image = new ContainerImage
        {
            Path = "/data/app.sqfs", Digest = "sha256:" + new string('a', 64), Size = 1,
            Manifest = new ImageManifest { Fabric = new ImageFabric { Mpi = mpi is null ? [] : [mpi], Sonames = ["libmunge.so.2"] } },
        },
        Command = command.Length > 0 ? command : ["app"],
    };

    RunnablePlan Plan(MpiRequest request, params string[] launchers) =>
        LaunchPlanner.Plan(request, Table(launchers), environment.GetValueOrDefault);

    /// <summary>The launcher's own arguments: what stands before <c>slipway run</c>.</summary>
    static string Flags(RunnablePlan plan) =>
        string.Join(' ', plan.Arguments.TakeWhile(a => a != Cli.Program).Where(a => a != "--allow-run-as-root"));

    [Theory]
    [InlineData("openmpi", "-np 5 --host n1:3,n2:2 --bind-to core --wdir /work --tag-output --mca opal_abort_print_stack 1")]
    [InlineData("prrte", "-np 5 --host n1:3,n2:2 --bind-to core --wdir /work --output tag")]
    [InlineData("hydra", "-n 5 -hosts n1:3,n2:2 -bind-to core -wdir /work -prepend-pattern <rank %r on %h>:  -print-all-exitcodes")]
    [InlineData("intel", "-n 5 -hosts n1:3,n2:2 -bind-to core -wdir /work -prepend-pattern <rank %r on %h>: ")]
    [InlineData("srun-pmix", "--mpi=pmix --kill-on-bad-exit=1 --ntasks 5 --nodes 2 --nodelist n1,n2 "
        + "--ntasks-per-node 3 --cpu-bind=cores --chdir /work --label")]
    [InlineData("srun-pmi2", "--mpi=pmi2 --kill-on-bad-exit=1 --ntasks 5 --nodes 2 --nodelist n1,n2 "
        + "--ntasks-per-node 3 --cpu-bind=cores --chdir /work --label")]
    [InlineData("flux", "run -o pmi=simple --nodes=2 --requires=hosts:n1,n2 --tasks-per-node=3 "
        + "-o cpu-affinity=per-task --cwd=/work --label-io")]
    [InlineData("pals-pmix", "--pmi=pmix -n 5 --hosts n1,n2 --ppn 3 --cpu-bind core --wdir /work --label")]
    public void EachLauncherIsToldInItsOwnWords(string launcher, string flags)
    {
        environment["SLURM_JOB_ID"] = environment["FLUX_URI"] = "x";
        bool pmix = LauncherTable.BuiltIn.Launchers.Single(l => l.Name == launcher).Gives.Contains("pmix");
        RunnablePlan plan =
            Plan(Request(pmix ? OpenMpi : Mpich, "app") with { Ranks = 5, Nodes = ["n1", "n2"], BindTo = "core", WorkingDirectory = "/work",
                Label = true, Launcher = launcher }, launcher);
        Assert.Equal(flags, Flags(plan));
        Assert.Equal(MpiFit.Works, plan.Verdict!.Fit);
        Assert.Equal(["run", "/data/app.sqfs", "--", "app"], plan.Arguments.SkipWhile(a => a != Cli.Program).Skip(1));
        // nothing stands there without a reason
        foreach (string argument in plan.Arguments)
            Assert.Contains(plan.Reasons, r => r.Contains(argument, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("openmpi", "-np 8 --map-by ppr:4:node")]
    [InlineData("hydra", "-n 8 -ppn 4")]
    [InlineData("srun-pmix", "--mpi=pmix --kill-on-bad-exit=1 --ntasks 8 --nodes 2 --ntasks-per-node 4")]
    [InlineData("flux-pmix", "run -o pmi=pmix --nodes=2 --tasks-per-node=4")]
    [InlineData("jsrun", "--tasks_per_rs 1 --cpu_per_rs 1 --nrs 8 --rs_per_host 4")]
    public void RanksPerNode(string launcher, string flags)
    {
        environment["FLUX_URI"] = environment["LSB_JOBID"] = environment["SLURM_JOB_ID"] = "x";
        Assert.Equal(
            flags, Flags(Plan(Request(launcher == "hydra" ? Mpich : OpenMpi) with { Ranks = 8, RanksPerNode = 4, Launcher = launcher },
                launcher)));
    }

    [Fact]
    public void RanksFollowFromNodesAndRanksPerNode()
    {
        RunnablePlan plan = Plan(Request(OpenMpi) with { Nodes = ["n1", "n2", "n3"], RanksPerNode = 2 }, "openmpi");
        Assert.Equal(6, plan.Ranks);
        Assert.Equal("-np 6 --host n1:2,n2:2,n3:2 --map-by ppr:2:node", Flags(plan));
        Assert.Equal(["n1", "n1", "n2", "n2", "n3", "n3"], plan.Placement);
    }

    [Fact]
    public void OneProcessPerNodeIsALaunchLikeAnother()
    {
        environment["SLURM_JOB_ID"] = "7";
        Assert.Equal("--mpi=pmix --kill-on-bad-exit=1 --ntasks 2 --nodes 2 --nodelist n1,n2 --ntasks-per-node 1",
            Flags(Plan(Request(OpenMpi) with { Nodes = ["n1", "n2"], RanksPerNode = 1 }, "srun-pmix")));
    }

    [Fact]
    public void TheNodesOfTheJobGiveTheRanks()
    {
        string file = Path.Combine(directory.Path, "nodes");
        File.WriteAllText(file, "n1\nn1\nn2\nn2\n");
        environment["PBS_JOBID"] = "7";
        environment["PBS_NODEFILE"] = file;
        RunnablePlan plan = Plan(Request(OpenMpi) with { RanksPerNode = 2 }, "openmpi");
        Assert.Equal((4, "pbs"), (plan.Ranks, plan.BatchSystem));
        Assert.Equal(["n1", "n1", "n2", "n2"], plan.Placement);
    }

    [Fact]
    public void TheFirstThatGoesWithTheImageIsTaken()
    {
        string[] all = ["srun-pmix", "srun-pmi2", "srun-none", "openmpi", "hydra"];
        Assert.Equal("openmpi", Plan(Request(OpenMpi), all).Launcher);
        Assert.Equal("hydra", Plan(Request(Mpich), all).Launcher);
        environment["SLURM_JOB_ID"] = "7";
        Assert.Equal("srun-pmix", Plan(Request(OpenMpi), all).Launcher);
        Assert.Equal("srun-pmi2", Plan(Request(Mpich), all).Launcher);
        Assert.Equal("srun-pmi2", Plan(Request(Mpich) with { Launcher = "srun" }, all).Launcher);
    }

    [Fact]
    public void ASlurmWithoutPmixIsNotTaken()
    {
        environment["SLURM_JOB_ID"] = "7";
        string old = Program("old-srun", "slurm 19.05", "MPI plugin types are...\\n\\tpmi2\\n\\tnone");
        LauncherTable table = Table(l => l.Group == "srun" ? old : "/nowhere/x");
        SlipwayException error = Assert.Throws<SlipwayException>(() =>
            LaunchPlanner.Plan(Request(OpenMpi), table, environment.GetValueOrDefault));
        Assert.Equal("MpiMismatch", error.Id);
        Assert.Contains("speaks PMIx, and Slurm's srun, with PMI-2, version 19.05 gives", error.Message, StringComparison.Ordinal);
        Assert.Equal("srun-pmi2", LaunchPlanner.Plan(Request(Mpich), table, environment.GetValueOrDefault).Launcher);
    }

    [Theory]
    [InlineData("openmpi")]
    [InlineData("srun-pmix")]
    [InlineData("srun-none")]
    public void APairThatCannotWorkIsRefusedBeforehand(string launcher)
    {
        environment["SLURM_JOB_ID"] = "7";
        SlipwayException error = Assert.Throws<SlipwayException>(() => Plan(Request(Mpich) with { Launcher = launcher }, launcher));
        Assert.Equal(("MpiMismatch", ErrorKind.InvalidOperation), (error.Id, error.Kind));
        Assert.Contains("rank 0 of 1", error.Message, StringComparison.Ordinal);
        Assert.Contains("-Launcher", error.Recommendation, StringComparison.Ordinal);
    }

    [Fact]
    public void AnImageWithTwoMpisGoesWithEither()
    {
        MpiRequest request = Request(OpenMpi, "/bin/sh");
        request.Image.Manifest!.Fabric!.Mpi = [OpenMpi, Mpich];
        RunnablePlan plan = Plan(request, "openmpi");
        Assert.Equal(MpiFit.Works, plan.Verdict!.Fit);
        Assert.Contains("does not tell which it uses", plan.Verdict.Reason, StringComparison.Ordinal);
    }

    [NeedsFact("mpicc.openmpi")]
    public void AProgramOfTheHostTellsWhichOfTwoMpisItUses()
    {
        string program = Path.Combine(directory.Path, "ring");
        File.WriteAllText(program + ".c", "#include <mpi.h>\nint main(void) { MPI_Init(0, 0); return MPI_Finalize(); }\n");
        Assert.Equal(0, HostProgram.Run("mpicc.openmpi", ["-o", program, program + ".c"], _ => { }, _ => { }));
        MpiRequest request = Request(OpenMpi, program);
        request.Image.Manifest!.Fabric!.Mpi = [OpenMpi, Mpich];
        Assert.Equal("Open MPI 4.1.4", Plan(request, "openmpi").Verdict!.Mpi);
        Assert.Equal("MpiMismatch", Assert.Throws<SlipwayException>(() => Plan(request with { Launcher = "hydra" }, "hydra")).Id);
    }

    [Fact]
    public void WhatTheRanksGetStandsBehindSlipwayRun()
    {
        using TemporaryDirectory data = new();
        RunnablePlan plan = Plan(Request(OpenMpi, "app", "-x") with
        {
            Binds = [data.Path + ":/data:ro"], Environment = new Dictionary<string, string> { ["OMP_NUM_THREADS"] = "2" }, Fabric = "none",
            LauncherArguments = ["--oversubscribe"],
        }, "openmpi");
        Assert.Equal($"-np 1 --oversubscribe {Cli.Program} run --bind {data.Path}:/data:ro "
            + "--env OMP_NUM_THREADS=2 --fabric none /data/app.sqfs -- app -x",
            string.Join(' ', plan.Arguments.Where(a => a != "--allow-run-as-root")));
        Assert.Contains(plan.Variables, v => v is { Name: "OMP_NUM_THREADS", Value: "2", For: "ranks" });
        Assert.Contains(plan.Binds, b => b is { Destination: "/data", ReadOnly: true, Reason: "--bind" });
        Assert.Contains(plan.Binds, b => b is { Source: "/dev", Reason: "always" });
        Assert.All(plan.Explain(), line => Assert.NotEmpty(line));
    }

    [Fact]
    public void WhatSlurmAndTheImageDifferInIsMended()
    {
        environment["SLURM_JOB_ID"] = "7";
        MpiRequest request = Request(OpenMpi);
        request.Image.Manifest!.Fabric!.Sonames = [];
        RunnablePlan plan = Plan(request, "srun-pmix");
        Assert.Contains("PMIX_MCA_psec=native", plan.Arguments);
        Assert.Contains("munge", Assert.Single(plan.Variables, v => v.For == "ranks").Reason, StringComparison.Ordinal);
        Assert.Equal(("SLURM_PMIX_FENCE", "ring"), Assert.Single(plan.Variables, v => v.For == "launcher") is var fence
            ? (fence.Name, fence.Value) : default);
        // the user's word stands
        Assert.Equal(["PMIX_MCA_psec=munge"],
            Plan(request with { Environment = new Dictionary<string, string> { ["PMIX_MCA_psec"] = "munge" } }, "srun-pmix")
            .Arguments.Where(a => a.StartsWith("PMIX", StringComparison.Ordinal)));
        environment["SLURM_PMIX_FENCE"] = "tree";
        Assert.DoesNotContain(Plan(request, "srun-pmix").Variables, v => v.For == "launcher");
    }

    [Theory]
    [InlineData("blaunch", 2, null, "BadRanks")]
    [InlineData("jsrun", 2, "n1", "NodesNotChosen")]
    public void WhatALauncherCannotDoIsSaid(string launcher, int ranks, string? node, string id)
    {
        environment["LSB_JOBID"] = "7";
        Assert.Equal(
            id, Assert.Throws<SlipwayException>(() =>
                Plan(Request(launcher == "blaunch" ? null : OpenMpi) with { Ranks = ranks, Nodes = node is null ? [] : [node],
                    Launcher = launcher }, launcher)).Id);
    }

    [Theory]
    [InlineData("BadRanks", 0, null, null)]
    [InlineData("BadRanks", null, 0, null)]
    [InlineData("BindToNotChosen", 1, null, "tile")]
    public void WhatCannotBeIsRefused(string id, int? ranks, int? perNode, string? bindTo) =>
        Assert.Equal(
            id, Assert.Throws<SlipwayException>(() =>
                Plan(Request(OpenMpi) with { Ranks = ranks, RanksPerNode = perNode, BindTo = bindTo }, "openmpi")).Id);

    [Theory]
    [InlineData("A B")]
    [InlineData("1A")]
    [InlineData("")]
    [InlineData("A;reboot")]
    public void RefusesAVariableThatIsNone(string name) =>
        Assert.Equal(
            "BadVariable", Assert.Throws<SlipwayException>(() =>
                Plan(Request(OpenMpi) with { Environment = new Dictionary<string, string> { [name] = "x" } }, "openmpi")).Id);

    [Fact]
    public void AnUnknownLauncherNamesTheTableSFile()
    {
        SlipwayException error = Assert.Throws<SlipwayException>(() => Plan(Request(OpenMpi) with { Launcher = "mylauncher" }));
        Assert.Contains("launchers.yaml", error.Recommendation, StringComparison.Ordinal);
    }

    [Fact]
    public void TheImageSOwnLauncherRunsHere()
    {
        Assert.Equal("MpiImageIsHere",
            Assert.Throws<SlipwayException>(() => Plan(Request(OpenMpi) with { Mpi = MpiMode.Image, Nodes = ["elsewhere"] })).Id);
        Assert.Equal("NoImageLauncher", Assert.Throws<SlipwayException>(() => Plan(Request(OpenMpi) with { Mpi = MpiMode.Image })).Id);
    }
}
