using System.Text;
using System.Text.RegularExpressions;
using static Slipway.Tests.Cluster;
using static Slipway.Tests.MpiCluster;

namespace Slipway.Tests.Scenarios;

/// <summary>
/// Which image works under which launcher, tried: the table in docs/mpi.md. The test fails where that is not what it finds; with
/// SLIPWAY_TEST_WRITE=1 it writes it.
/// </summary>
[Collection(nameof(Cluster))]
public sealed class MpiMatrixTests(OneCluster one)
{
    readonly MatrixCluster cluster = one.Of<MatrixCluster>();

    const string Begin = "<!-- the matrix: written by Tests/Core/Scenarios/MpiMatrixTests.cs -->", End = "<!-- the end of the matrix -->";

    static readonly int Ranks = 2 * Nodes.Length;

    /// <summary>An image: its row's title and its name.</summary>
    sealed record Row(string Title, string Image, bool Mpich);

    /// <summary>A way of starting ranks, its column's title.</summary>
    sealed record Column(string Title, string Launcher, string Where, int Ranks, int Nodes);

    static readonly Column[] Columns =
    [
        new("`mpirun` 4.1.4 over SSH", "openmpi", "ssh", Ranks, Nodes.Length),
        new("in Slurm", "openmpi", "slurm", Ranks, Nodes.Length),
        new("in Grid Engine", "openmpi", "sge", Ranks, Nodes.Length),
        new("`srun --mpi=pmix`", "srun-pmix", "slurm", Ranks, Nodes.Length),
        new("`mpiexec` of MPICH 4.0.2 over SSH", "hydra", "ssh", Ranks, Nodes.Length),
        new("in Slurm", "hydra", "slurm", Ranks, Nodes.Length),
        new("`srun --mpi=pmi2`", "srun-pmi2", "slurm", Ranks, Nodes.Length),
        new("`srun --mpi=none`", "srun-none", "slurm", Ranks, Nodes.Length),
        new("`-Mpi Image`, one node", "", "image", 2, 1),
    ];

    static string Definition(string suite, bool mpich) => $$"""
        from: deb
        suite: {{suite}}
        packages: [{{(mpich ? "mpich" : "openmpi-bin")}}, openssh-client]
        stages:
          build:
            from: deb
            suite: {{suite}}
            packages: [gcc, libc6-dev, {{(mpich ? "libmpich-dev" : "libopenmpi-dev")}}]
            files: [{from: {{Path.Combine(Cli.Repository, "Tests/Cluster/sum.c")}}, to: /sum.c}]
            run: mpicc -O1 -o /sum /sum.c
        files: [{stage: build, from: /sum, to: /usr/local/bin/sum}]
        run: rm -rf /usr/share/doc /usr/share/man /usr/share/locale

        """;

    [MpiFact(Needs.Long, Needs.Network, "mmdebstrap", "sge_qmaster", "sge_execd", "qsub")]
    public void EveryCellWorksOrIsRefusedBeforehand()
    {
        Row[] rows =
        [
            new("Debian 11: Open MPI 4.1.0", "bullseye", false), new("Debian 12: Open MPI 4.1.4", "bookworm", false),
            new("Debian 13: Open MPI 5.0.7", "trixie", false),
            new("Debian 12: MPICH 4.0.2", "bookworm-mpich", true),
            new("`from: host`: Open MPI 4.1.4", "openmpi", false), new("`from: host`: MPICH 4.0.2", "mpich", true),
        ];
        cluster.Build(
            [.. rows.Where(r => r.Title.StartsWith("Debian", StringComparison.Ordinal))
                .Select(r => (r.Image, Definition(r.Image.Split('-')[0], r.Mpich)))]);
        Assert.Equal((0, ""), (cluster.Script("gridengine") is var up ? up.ExitCode : 1, up.Error));

        List<string> reasons = [], wrong = [];
        StringBuilder table = new();
        table.Append("| image | ").AppendJoin(" | ", Columns.Select(c => c.Title)).Append(" |\n|")
            .Insert(table.Length, " --- |", Columns.Length + 1).Append('\n');
        foreach (Row row in rows)
            table.Append("| ").Append(row.Title).Append(" | ").AppendJoin(" | ", Columns.Select(c => Cell(row, c, reasons, wrong)))
                .Append(" |\n");
        table.Append('\n');
        for (int i = 0; i < reasons.Count; i++)
            table.Append($"{i + 1}. {reasons[i]}\n");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        cluster.AssertNothingIsLeft();

        string path = Path.Combine(Cli.Repository, "docs/mpi.md"), text = File.ReadAllText(path);
        int from = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, to = text.IndexOf(End, StringComparison.Ordinal);
        Assert.True(from >= Begin.Length && to > from, "docs/mpi.md has no place for the matrix");
        string found = $"\n{table}", written = text[from..to];
        if (Environment.GetEnvironmentVariable("SLIPWAY_TEST_WRITE") == "1")
            File.WriteAllText(path, text[..from] + found + text[to..]);
        else
            Assert.Equal(found, written);
    }

    string Cell(Row row, Column column, List<string> reasons, List<string> wrong)
    {
        string image = row.Image + ".sqfs";
        string[] what = [.. row.Mpich ? ForMpich : [], image, "--", "/usr/local/bin/sum", $"{column.Ranks}"];
        Cli.Result result = column.Where switch
        {
            "ssh" => cluster.Mpi(["-n", $"{column.Ranks}", "--launcher", column.Launcher, "--node", string.Join(',', Nodes), .. what]),
            "slurm" => cluster.Mpi(["-n", $"{column.Ranks}", "--launcher", column.Launcher, "--ranks-per-node", "2", .. what],
                Nodes.Length),
            "sge" => GridEngineJob(["-n", $"{column.Ranks}", "--launcher", column.Launcher, .. what], column.Ranks),
            _ => cluster.Sh("n1", $"{Program} mpi -n {column.Ranks} --mpi Image {string.Join(' ', what)}"),
        };
        // refused by slipway, before any rank was there
        if (result.ExitCode == 1 && !Regex.IsMatch(result.Output, @"rank \d+ of \d+ on ")
            && result.Error.Split('\n').Where(l => l.StartsWith("slipway: ", StringComparison.Ordinal)).Select(l => l["slipway: ".Length..])
            .ToList() is [var refused, var advice, ..])
        {
            string reason = $"{refused[(refused.IndexOf(": ", StringComparison.Ordinal) + 2)..]}. {advice}";
            if (!reasons.Contains(reason))
                reasons.Add(reason);
            return $"refused ({reasons.IndexOf(reason) + 1})";
        }
        if (Wrong(result, column.Ranks, column.Nodes) is not { } problem)
            return "works";
        wrong.Add($"{row.Title}, {column.Title} ({column.Launcher}, {column.Where}): {problem}");
        return "fails";
    }

    /// <summary>A job of Grid Engine, in which the launcher finds its nodes by itself.</summary>
    Cli.Result GridEngineJob(string[] arguments, int slots)
    {
        string output = $"{SharedPath}/sge.{Guid.NewGuid():N}";
        Cli.Result job = cluster.Sh("head",
            $"SGE_ROOT=/var/lib/gridengine SGE_CELL=default qsub -sync y -b y -cwd -j y -o {output} -pe mpi {slots} {Program} mpi "
            + $"{string.Join(' ', arguments)}; e=$?; cat {output}; exit $e");
        return job with { Error = job.Error
            + string.Concat(job.Output.Split('\n').Where(l => l.StartsWith("slipway: ", StringComparison.Ordinal)).Select(l => l + "\n")) };
    }
}
