using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Slipway.Linux;

namespace Slipway.Launching;

/// <summary>What to start, and how many.</summary>
public sealed class MpiRequest
{
    public required ContainerImage Image { get; init; }
    public required IReadOnlyList<string> Command { get; init; }
    public int Ranks { get; init; } = 1;

    /// <summary>Empty: the launcher decides.</summary>
    public IReadOnlyList<string> Nodes { get; init; } = [];

    /// <summary>A row's name; null takes the first that fits.</summary>
    public string? Launcher { get; init; }

    /// <summary>Where the ranks work; null is where we are.</summary>
    public string? WorkingDirectory { get; init; }
}

/// <summary>Composes a launch plan, and runs it.</summary>
public static partial class MpiJob
{
    /// <summary>How long a launcher may take to end its ranks after SIGTERM before everything is killed.</summary>
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    public static IReadOnlyList<string> LauncherNames => [.. LauncherTable.Rows.Select(r => r.Name)];

    /// <summary>The exact command line for a request.</summary>
    /// <exception cref="SlipwayException">No launcher is there, or a node's name is none.</exception>
    public static LaunchPlan Plan(MpiRequest request)
    {
        if (request.Command.Count == 0)
            throw new SlipwayException("NoCommand", ErrorKind.InvalidArgument, "no command was given for the ranks", "Give it last, after --: … -Ranks 2 -- lmp -in in.melt");
        if (request.Ranks < 1)
            throw new SlipwayException("BadRanks", ErrorKind.InvalidArgument, $"{request.Ranks} ranks cannot be started", "Give 1 or more.", request.Ranks);
        if (request.Nodes.FirstOrDefault(n => !HostName().IsMatch(n)) is { } bad)
            throw new SlipwayException("BadNodeName", ErrorKind.InvalidArgument, $"'{bad}' is not the name of a node", "A host name has letters, digits, '.' and '-', and begins with a letter or digit.", bad);

        (Launcher row, string program, string why) = Choose(request);
        List<string> reasons = [why];
        List<string> arguments = [];
        void Add(IEnumerable<string> parts, string reason)
        {
            List<string> filled = [.. parts.Select(p => Fill(p, request, row))];
            if (filled.Count == 0)
                return;
            arguments.AddRange(filled);
            reasons.Add($"{string.Join(' ', filled)}: {reason}");
        }

        if (LibC.geteuid() == 0)
            Add(row.Root, "you are root");
        Add(row.Ranks, "the number of ranks");
        if (request.Nodes.Count > 0)
            Add(row.Hosts, "the nodes, with the ranks spread over them");
        string image = request.Image.Placements.Count > 0 ? request.Image.Digest : request.Image.Path;
        // where it was brought along, or is not at our own path, publishing tells where all of the nodes have it
        string launcher = request.Image.Placements.Select(p => p.Launcher).Distinct().ToList() is [{ } everywhere] ? everywhere : SlipwayProgram.Path;
        Add([launcher, "run", image, "--", .. request.Command], request.Image.Placements.Count > 0
            ? "each rank enters the image by its digest, from the cache of its node" : "each rank enters the image by its path");
        return new LaunchPlan
        {
            Launcher = row.Name,
            Program = program,
            Arguments = arguments,
            Ranks = request.Ranks,
            Nodes = request.Nodes,
            Image = image,
            WorkingDirectory = request.WorkingDirectory ?? Environment.CurrentDirectory,
            Reasons = reasons,
        };
    }

    /// <summary>Runs a plan to its end.</summary>
    /// <param name="output">Gets each line of the ranks' output; null leaves it where ours goes.</param>
    public static MpiResult Run(LaunchPlan plan, Action<string>? output = null, Action<string>? error = null, CancellationToken cancel = default)
    {
        Stopwatch watch = Stopwatch.StartNew();
        int exit = HostProgram.Run(plan.Program, plan.Arguments, output, error, directory: plan.WorkingDirectory, grace: Grace, cancel: cancel);
        return new MpiResult
        {
            ExitCode = exit,
            Ranks = plan.Ranks,
            Nodes = plan.Nodes.Count > 0 ? plan.Nodes : [Environment.MachineName],
            Launcher = plan.Launcher,
            Elapsed = watch.Elapsed,
            CommandLine = plan.CommandLine,
        };
    }

    static (Launcher Row, string Program, string Why) Choose(MpiRequest request)
    {
        IEnumerable<Launcher> rows = LauncherTable.Rows;
        if (request.Launcher is { } wanted)
        {
            rows = rows.Where(r => r.Name == wanted);
            if (!rows.Any())
                throw new SlipwayException("UnknownLauncher", ErrorKind.InvalidArgument, $"'{wanted}' is not a launcher that Slipway knows", $"Choose one of: {string.Join(", ", LauncherNames)}.", wanted);
        }
        else
        {
            rows = rows.Where(r => r.Inside.All(v => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(v))));
            if (MpiOf(request.Image) is { } mpi)
                rows = rows.Where(r => r.Mpi.Contains(mpi));
        }
        List<string> looked = [];
        foreach (Launcher row in rows)
            foreach (string name in row.Programs)
            {
                looked.Add(name);
                if (HostProgram.TryFind(name) is { } program && HostProgram.Read(program, "--version") is { } version && row.Recognise.Match(version) is { Success: true } match)
                    return (row, program, $"{program}: recognised as {row.Name} (its version says '{match.Value}')");
            }
        // the plain error for a program that is missing tells the package
        HostProgram.Find(looked.FirstOrDefault(n => HostProgram.TryFind(n) is null) ?? "mpirun");
        throw new SlipwayException("NoLauncher", ErrorKind.NotInstalled, $"no launcher was recognised among {string.Join(", ", looked.Distinct())}", "Install Open MPI or MPICH on this host.");
    }

    /// <summary>The MPI that an image of ours has, by its packages; null where the manifest does not tell.</summary>
    static string? MpiOf(ContainerImage image) =>
        image.Manifest?.Packages.Select(p => p.Name).FirstOrDefault(n => n.StartsWith("libopenmpi", StringComparison.Ordinal) || n.StartsWith("libmpich", StringComparison.Ordinal)) is { } package
            ? package.StartsWith("libopenmpi", StringComparison.Ordinal) ? "openmpi" : "mpich"
            : null;

    static string Fill(string part, MpiRequest request, Launcher row)
    {
        if (part is not ("{ranks}" or "{hosts}"))
            return part;
        if (part == "{ranks}")
            return request.Ranks.ToString(CultureInfo.InvariantCulture);
        int n = request.Nodes.Count;
        return string.Join(',', request.Nodes.Select((node, i) => row.Host
            .Replace("{node}", node, StringComparison.Ordinal)
            .Replace("{slots}", ((request.Ranks + n - 1 - i) / n).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)));
    }

    // RFC 1123: no option, no shell, no white space gets through
    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$")] private static partial Regex HostName();
}
