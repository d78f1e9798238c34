using System.Globalization;
using System.Text.RegularExpressions;
using Slipway.Cache;
using Slipway.Inventory;
using Slipway.Linux;
using Slipway.Running;
using Slipway.Staging.Controller;
using Slipway.Staging.Messages;

namespace Slipway.Launching;

/// <summary>
/// Composes a launch plan: chooses the launcher, judges whether it and the image's MPI go together, and fills in its row's flags.
/// </summary>
sealed partial class LaunchPlanner
{
    readonly MpiRequest request;
    readonly LauncherTable table;
    readonly Func<string, string?> variable;
    readonly Allocation? allocation;
    readonly string directory;
    readonly CancellationToken cancel;
    readonly IReadOnlyList<Bind> binds;
    readonly List<string> arguments = [], reasons = [];
    readonly List<PlannedVariable> variables = [];

    LaunchPlanner(MpiRequest request, LauncherTable table, Func<string, string?> variable, CancellationToken cancel)
    {
        this.request = request;
        this.table = table;
        this.variable = variable;
        this.cancel = cancel;
        binds = [.. request.Binds.Select(Bind.Parse)];
        allocation = Allocation.Current(table, variable);
        directory = request.WorkingDirectory ?? request.Location ?? Environment.CurrentDirectory;
    }

    /// <exception cref="SlipwayException">No launcher is there that goes with the image's MPI, or the request asks for what cannot
    /// be.</exception>
    public static RunnablePlan Plan(MpiRequest request, CancellationToken cancel) =>
        Plan(request, LauncherTable.Read(), Environment.GetEnvironmentVariable, cancel);

    /// <param name="variable">A variable of the environment: by those a job of a batch system is known.</param>
    internal static RunnablePlan Plan(MpiRequest request, LauncherTable table, Func<string, string?> variable,
        CancellationToken cancel = default)
    {
        Check(request);
        if (request.Launcher is { } wanted && !table.Launchers.Any(l => l.Answers(wanted)))
            throw LaunchErrors.UnknownLauncher(wanted, table.Names, LauncherTable.Path);
        LaunchPlanner planner = new(request, table, variable, cancel);
        return request.Mpi == MpiMode.Image ? planner.InImage() : planner.OnHost();
    }

    static void Check(MpiRequest request)
    {
        if (request.Command.Count == 0)
            throw LaunchErrors.NoCommand();
        if (request.Ranks is < 1 and var ranks)
            throw LaunchErrors.TooFewRanks(ranks);
        if (request.RanksPerNode is < 1 and var perNode)
            throw LaunchErrors.TooFewRanksPerNode(perNode);
        if (request.Nodes.FirstOrDefault(n => !NodeName.IsValid(n)) is { } bad)
            throw StagingErrors.BadNodeName(bad);
        if (request.Environment.Keys.FirstOrDefault(n => !VariableName().IsMatch(n)) is { } name)
            throw LaunchErrors.BadVariable(name);
        if (request.Timeout <= TimeSpan.Zero)
            throw LaunchErrors.BadTimeout(request.Timeout);
    }

    /// <summary>The host's launcher, with ranks that enter the image.</summary>
    RunnablePlan OnHost()
    {
        ImageMpiFacts mpi = ImageMpiFacts.Of(request.Image, request.Command[0], directory, cancel);
        (FoundLauncher found, MpiVerdict verdict) = Choose(mpi);
        Launcher row = found.Row;
        (int ranks, int? perNode, IReadOnlyList<string> placement) = Spread(row);

        reasons.Add($"{found.Program}: recognised as {row.Name} (it says '{found.Said}')");
        if (geteuid() == 0)
            Add(row.Root, "you are root");
        Add(row.Always, $"what {row.Title} always gets");
        if (!request.TryMismatch)
            Add(row.Together, "one rank that fails ends the others");
        if (!(row.InsteadOfRanks && perNode is not null))
            Add(Fill(row.Ranks, ranks, perNode), "the number of ranks");
        if (request.Nodes.Count > 0 || perNode is not null)
            Add(Fill(row.Nodes, ranks, perNode), "the number of nodes");
        if (request.Nodes.Count > 0)
            Add(Hosts(row, ranks, perNode), "the nodes, with the ranks spread over them");
        if (perNode is not null)
            Add(perNode == 1 && row.OnePerNode.Count > 0 ? row.OnePerNode : Fill(row.RanksPerNode, ranks, perNode),
                "how many ranks each node gets");
        AddOptions(row);
        if (variable("SLIPWAY_CONFIG") is { Length: > 0 } configuration)
            AddVariable(row, "SLIPWAY_CONFIG", configuration, "slipway on every node is to read the same configuration as here");
        Add(request.LauncherArguments, "asked for");

        bool published = request.Image.Placements.Count > 0;
        // where it was brought along, or is not at our own path, publishing tells where all of the nodes have it
        string slipway = request.Image.Placements.Select(p => p.Launcher).Distinct().ToList() is [{ } everywhere] ? everywhere
            : SlipwayProgram.Path;
        foreach ((string name, string value, string whose, string reason) in Compatibility.Variables(row, found.Version, mpi))
            if (whose == "launcher" ? variable(name) is null : !request.Environment.ContainsKey(name))
                variables.Add(new PlannedVariable(name, value, whose, reason));
        RunRequest run = Run(published ? request.Image.Digest : request.Image.Path, request.Command);
        List<string> before = [.. arguments, slipway];
        Add([slipway, "run", .. run.ToArguments()],
            published ? "each rank enters the image by its digest, from the cache of its node" : "each rank enters the image by its path");
        return Plan(row, found.Version, found.Program, verdict, ranks, perNode, placement, before, run);
    }

    /// <summary>One container, with the image's own launcher in it.</summary>
    RunnablePlan InImage()
    {
        if (request.Nodes.FirstOrDefault(n => !NodeName.IsThis(n)) is { } elsewhere)
            throw LaunchErrors.ImageLauncherIsHere(elsewhere);
        ImageMpiFacts mpi = ImageMpiFacts.Of(request.Image, request.Command[0], directory, cancel);
        if (mpi.Facts is not { } facts)
            throw LaunchErrors.ImageNotRead(request.Image.Path, mpi.Why);
        if (facts.MpiLaunchers.Count == 0)
            throw LaunchErrors.NoImageLauncher(request.Image.Path, ProviderTable.Default.MpiLaunchers);

        // what a launcher that started us, or a batch system, has set would lead the image's own astray
        foreach (string name in Environment.GetEnvironmentVariables().Keys.Cast<string>().Order(StringComparer.Ordinal))
            if (table.RanksPrefixes.Concat(allocation?.System.Prefixes ?? [])
                .Any(p => p.EndsWith('_') ? name.StartsWith(p, StringComparison.Ordinal) : name == p))
                variables.Add(new PlannedVariable(
                    name, null, "launcher", "the image's own launcher is not to take part in the job that we are in"));

        (FoundLauncher found, MpiVerdict verdict) = ChooseInImage(mpi, facts);
        Launcher row = found.Row;
        int ranks = request.Ranks ?? request.RanksPerNode ?? 1;
        reasons.Add($"{found.Program} of the image: recognised as {row.Name} (it says '{found.Said}')");
        List<string> launch = [];
        void Launch(IEnumerable<string> parts, string reason)
        {
            List<string> filled = [.. parts];
            launch.AddRange(filled);
            if (filled.Count > 0)
                reasons.Add($"{string.Join(' ', filled)}: {reason}");
        }
        if (geteuid() == 0)
            Launch(row.Root, "you are root");
        Launch(row.Always, $"what {row.Title} always gets");
        Launch(Fill(row.Ranks, ranks, null), "the number of ranks");
        AddOptions(row);
        launch.AddRange(arguments);
        arguments.Clear();
        Launch(request.LauncherArguments, "asked for");
        string image = request.Image.Placements.Any(p => NodeName.IsThis(p.Node)) ? request.Image.Digest : request.Image.Path;
        RunRequest run = Run(image, [found.Program, .. launch, .. request.Command]);
        Add(["run", .. run.ToArguments()],
            "one container, in which the image's own launcher starts the ranks: they share its namespaces, /dev/shm and /tmp");
        string[] here = [.. Enumerable.Repeat(Environment.MachineName, ranks)];
        return Plan(row, found.Version, SlipwayProgram.Path, verdict, ranks, null, here, [], run);
    }

    RunnablePlan Plan(Launcher row, string? version, string program, MpiVerdict verdict, int ranks, int? perNode,
        IReadOnlyList<string> placement,
        IReadOnlyList<string> before, RunRequest run) => new()
    {
        Launcher = row.Name,
        LauncherVersion = version,
        Mpi = request.Mpi,
        Program = program,
        Arguments = arguments,
        Ranks = ranks,
        RanksPerNode = perNode,
        Nodes = request.Nodes,
        BatchSystem = allocation?.System.Name,
        Image = request.Image.Placements.Count > 0 ? request.Image.Digest : request.Image.Path,
        Command = request.Command,
        WorkingDirectory = request.Location ?? request.WorkingDirectory ?? Environment.CurrentDirectory,
        Verdict = verdict,
        Variables = variables,
        Binds = Binds(run),
        Reasons = reasons,
        Timeout = request.Timeout,
        Labelled = request.Label && row.Tag is not null,
        Row = row,
        Placement = placement,
        BeforeVerb = before,
        Run = run,
    };

    /// <summary>The first launcher that is there and goes with the MPI; a certain one before one of which nothing is known.</summary>
    (FoundLauncher, MpiVerdict) Choose(ImageMpiFacts mpi)
    {
        List<string> looked = [];
        List<(FoundLauncher Found, MpiVerdict Verdict)> there = [];
        foreach (FoundLauncher found in HostMpi.Find(table.Launchers.Where(l => request.Launcher is null || l.Answers(request.Launcher)),
            variable, looked, cancel))
        {
            MpiVerdict verdict = Compatibility.Judge(mpi, found.Row, found.Version);
            if (verdict.Fit == MpiFit.Works)
                return (found, verdict);
            there.Add((found, verdict));
        }
        if (there.Find(t => t.Verdict.Fit == MpiFit.Unknown) is { Found: not null } tried)
            return tried;
        if (there.Count > 0 && request.TryMismatch)
            return there[0];
        if (there.Count > 0)
            throw LaunchErrors.Mismatch(request.Image.Path, [.. there.Select(t => t.Verdict)]);
        string program = table.Launchers.Where(l => request.Launcher is null || l.Answers(request.Launcher)).SelectMany(l => l.Programs)
            .FirstOrDefault(p => HostProgram.TryFind(p) is null) ?? "mpirun";
        // the plain error for a program that is missing tells the package
        if (request.Launcher is not null && table.Launchers.Where(l => l.Answers(request.Launcher)).SelectMany(l => l.Programs)
            .All(p => HostProgram.TryFind(p) is null))
            HostProgram.Find(program);
        if (request.Launcher is null && HostProgram.TryFind("mpirun") is null && HostProgram.TryFind("mpiexec") is null
            && Candidate(mpi) is { } named)
            HostProgram.Find(named);
        throw LaunchErrors.NoLauncher(looked, LauncherTable.Path);
    }

    static string Candidate(ImageMpiFacts mpi) => mpi.Candidates.Any(m => m.Family == "MPICH") ? "mpiexec" : "mpirun";

    (FoundLauncher, MpiVerdict) ChooseInImage(ImageMpiFacts mpi, ImageFabric facts)
    {
        List<string> looked = [];
        foreach (Launcher row in table.Launchers.Where(
            l => l.Family is not null && (request.Launcher is null || l.Answers(request.Launcher))))
            foreach (string program in facts.MpiLaunchers.Where(p => row.Programs.Contains(Path.GetFileName(p)))
                .OrderBy(p => row.Programs.ToList().IndexOf(Path.GetFileName(p))))
            {
                // asked in the container, with the same environment
                string Ask(IReadOnlyList<string> question)
                {
                    RunRequest run = new() { Image = request.Image.Path, Fabric = "none", Command = [program, .. question] };
                    IEnumerable<string> without = variables.Where(v => v.Value is null).SelectMany(v => new[] { "-u", v.Name });
                    return HostMpi.AskNow("env", [.. without, SlipwayProgram.Path, "run", .. run.ToArguments()], cancel);
                }
                if (HostMpi.Recognise(row, program, Ask, looked) is { } found
                    && Compatibility.Judge(mpi, row, found.Version) is { Fit: not MpiFit.Refuse } verdict)
                    return (found, verdict);
            }
        throw LaunchErrors.NoImageLauncherFits(request.Image.Path, facts.MpiLaunchers, mpi.Candidates, looked);
    }

    /// <summary>How many ranks, how many of them on each node, and where each will be as far as that is certain.</summary>
    (int Ranks, int? PerNode, IReadOnlyList<string> Placement) Spread(Launcher row)
    {
        IReadOnlyList<string> nodes = request.Nodes.Count > 0 ? request.Nodes : [.. allocation?.Nodes.Select(n => n.Node) ?? []];
        int? perNode = request.RanksPerNode;
        int ranks = request.Ranks ?? (perNode is null ? row.Ranks.Count == 0 ? nodes.Count : 1
            : nodes.Count > 0 ? perNode.Value * nodes.Count
            : allocation is null ? perNode.Value
            : throw LaunchErrors.RanksUnknown(allocation.System.Name, perNode.Value));
        if (perNode is { } each && request.Nodes.Count > 0 && ranks > each * request.Nodes.Count)
            throw LaunchErrors.RanksDoNotFit(ranks, request.Nodes.Count, each);
        if (row.Ranks.Count == 0 && !(row.InsteadOfRanks && perNode is not null) && ranks != nodes.Count)
            throw LaunchErrors.OneRankOnEachNode(row, ranks, nodes.Count);
        if (request.Nodes.Count > 0 && row.Hosts.Count == 0)
            throw LaunchErrors.NodesNotChosen(row);
        // a launcher that takes no number for each node spreads unevenly by itself (srun: 4, 2, 1, 1)
        if (perNode is null && request.Nodes.Count > 0 && row.RanksPerNode.Count > 0
            && !row.Host.Contains("{slots}", StringComparison.Ordinal))
            perNode = (ranks + request.Nodes.Count - 1) / request.Nodes.Count;
        if (perNode is not null && row.RanksPerNode.Count == 0)
            throw LaunchErrors.RanksPerNodeNotChosen(row);
        IReadOnlyList<string> placement = request.Nodes.Count > 0
            ? [.. request.Nodes.SelectMany((n, i) => Enumerable.Repeat(n, request.RanksPerNode ?? Slots(ranks, i))).Take(ranks)]
            : allocation is null ? [.. Enumerable.Repeat(Environment.MachineName, ranks)]
            : request.RanksPerNode is { } k && nodes.Count > 0 ? [.. nodes.SelectMany(n => Enumerable.Repeat(n, k)).Take(ranks)]
            : row.Family is not null ? allocation.Fill(ranks) : [];
        return (ranks, perNode, placement);
    }

    /// <summary>The ranks of the i-th node where they are spread evenly.</summary>
    int Slots(int ranks, int i) => (ranks + request.Nodes.Count - 1 - i) / request.Nodes.Count;

    List<string> Hosts(Launcher row, int ranks, int? perNode)
    {
        string hosts = string.Join(row.Separator, request.Nodes.Select((node, i) => row.Host
            .Replace("{node}", node, StringComparison.Ordinal)
            .Replace("{slots}", (perNode ?? Slots(ranks, i)).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)));
        return [.. row.Hosts.Select(h => h.Replace("{hosts}", hosts, StringComparison.Ordinal))];
    }

    IEnumerable<string> Fill(IReadOnlyList<string> parts, int ranks, int? perNode)
    {
        int nodes = request.Nodes.Count > 0 ? request.Nodes.Count : perNode is { } each ? (ranks + each - 1) / each : 1;
        return parts.Select(p => p.Replace("{ranks}", ranks.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{nodes}", nodes.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{per-node}", (perNode ?? ranks).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
    }

    /// <summary>Binding, working directory and marks.</summary>
    void AddOptions(Launcher row)
    {
        if (request.BindTo is { } what)
            Add(row.BindTo.GetValueOrDefault(what) ?? throw LaunchErrors.BindToNotChosen(row, what), "what each rank is bound to");
        if (request.WorkingDirectory is not null)
            Add(row.Directory.Count > 0 ? row.Directory.Select(d => d.Replace("{directory}", directory, StringComparison.Ordinal))
                : throw LaunchErrors.DirectoryNotChosen(row), "where the ranks work");
        if (request.Label && row.Tag is { } tag)
            Add(tag.Arguments, "each line is marked with its rank, so that the result can tell whose the last ones are");
        if (request.Label && row.Codes is { } codes)
            Add(codes.Arguments, "it lists how each rank ended, so that the result can tell which one failed");
    }

    void AddVariable(Launcher row, string name, string value, string reason)
    {
        Add(row.Environment.Select(e => e.Replace("{name}", name, StringComparison.Ordinal)
            .Replace("{value}", value, StringComparison.Ordinal)), reason);
        variables.Add(new PlannedVariable(name, value, "launcher", reason));
    }

    void Add(IEnumerable<string> parts, string reason)
    {
        List<string> filled = [.. parts];
        if (filled.Count == 0)
            return;
        arguments.AddRange(filled);
        reasons.Add($"{string.Join(' ', filled)}: {reason}");
    }

    /// <summary>What the ranks' <c>slipway run</c> is asked for.</summary>
    RunRequest Run(string image, IReadOnlyList<string> command)
    {
        foreach ((string name, string value) in request.Environment)
            variables.Add(new PlannedVariable(name, value, "ranks", "asked for"));
        return new RunRequest
        {
            Image = image,
            Command = [.. command],
            Binds = binds,
            Variables = [.. variables.Where(v => v.For == "ranks").Select(v => new RunVariable(v.Name, v.Value ?? ""))],
            Fabric = request.Fabric,
        };
    }

    /// <summary>As a container of this node would have them.</summary>
    IReadOnlyList<PlannedBind> Binds(RunRequest run) =>
        [.. HostBinds.Make(run, request.Fabric == "none" ? null : request.Image.FabricPlan, SiteConfiguration.Read())
            .Select(b => new PlannedBind(b.Source, b.Destination, b.ReadOnly, b.Why))];

    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_]*\z")] private static partial Regex VariableName();
}
