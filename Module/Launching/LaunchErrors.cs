using Slipway.Readers.Yaml;

namespace Slipway.Launching;

/// <summary>What can be wrong with a launch, and with the site's table of launchers.</summary>
static class LaunchErrors
{
    const string SeeTheTable = "docs/mpi.md";

    public static SlipwayException UnknownLauncher(string name, IEnumerable<string> known, string table) =>
        new("UnknownLauncher", ErrorKind.InvalidArgument, $"'{name}' is not a launcher that Slipway knows",
            $"Choose one of: {string.Join(", ", known)}; or add a row for it to {table} ({SeeTheTable}).", name);

    public static SlipwayException NoCommand() =>
        new("NoCommand", ErrorKind.InvalidArgument, "no command was given for the ranks",
            "Give it last, after --: … -Ranks 2 -- lmp -in in.melt");

    public static SlipwayException TooFewRanks(int ranks) =>
        new("BadRanks", ErrorKind.InvalidArgument, $"{ranks} ranks cannot be started", "Give 1 or more.", ranks);

    public static SlipwayException TooFewRanksPerNode(int perNode) =>
        new("BadRanks", ErrorKind.InvalidArgument, $"{perNode} ranks per node cannot be started", "Give 1 or more.", perNode);

    public static SlipwayException RanksDoNotFit(int ranks, int nodes, int perNode) =>
        new("BadRanks", ErrorKind.InvalidArgument, $"{ranks} ranks do not fit on {nodes} nodes with {perNode} each",
            "Give more nodes, or more ranks per node.", ranks);

    public static SlipwayException OneRankOnEachNode(Launcher row, int ranks, int nodes) =>
        new("BadRanks", ErrorKind.InvalidArgument,
            $"{row.Title} starts one program on each node, and cannot start {ranks} ranks on {nodes} nodes",
            "Give as many ranks as nodes, or another launcher.", ranks);

    public static SlipwayException RanksUnknown(string batchSystem, int perNode) =>
        new("NoRanks", ErrorKind.InvalidArgument,
            $"Slipway does not know how many nodes this job of {batchSystem} has, so '{perNode} ranks per node' is no number of ranks",
            "Give -Ranks too.");

    public static SlipwayException BadVariable(string name) =>
        new("BadVariable", ErrorKind.InvalidArgument, $"'{name}' is not the name of a variable",
            "Use letters, digits and '_', and do not begin with a digit.", name);

    public static SlipwayException BadTimeout(TimeSpan? timeout) =>
        new("BadTimeout", ErrorKind.InvalidArgument, "a time-out must be longer than 0 s", "Give a number of seconds.", timeout);

    public static SlipwayException ImageLauncherIsHere(string node) =>
        new("MpiImageIsHere", ErrorKind.InvalidArgument, $"{node}: the image's own launcher runs in one container, on this node",
            "Call Slipway on that node, or leave -Mpi Image out to have the host's launcher start ranks on several.", node);

    const string InstallInImage = "Install one in the image (openmpi-bin, mpich), or use the host's launcher.";

    public static SlipwayException ImageNotRead(string image, string why) =>
        new("NoImageLauncher", ErrorKind.ObjectNotFound, why, InstallInImage, image);

    public static SlipwayException NoImageLauncher(string image, IEnumerable<string> names) =>
        new("NoImageLauncher", ErrorKind.ObjectNotFound, $"{image}: the image has no MPI launcher ({string.Join(", ", names)})",
            InstallInImage, image);

    public static SlipwayException NoImageLauncherFits(string image, IEnumerable<string> launchers, IEnumerable<ImageMpi> mpi,
        IEnumerable<string> looked) =>
        new("NoImageLauncher", ErrorKind.ObjectNotFound,
            $"{image}: none of the image's launchers ({string.Join(", ", launchers)}) starts ranks of {string.Join(" or ", mpi)}: "
            + $"{string.Join("; ", looked)}",
            "Install the launcher that belongs to the image's MPI.", image);

    /// <param name="verdicts">Of the launchers that are there.</param>
    public static SlipwayException Mismatch(string image, IReadOnlyList<MpiVerdict> verdicts) =>
        new("MpiMismatch", ErrorKind.InvalidOperation, $"{image}: {string.Join("; ", verdicts.Select(v => v.Reason).Distinct())}",
            verdicts[0].Advice, image);

    public static SlipwayException NoLauncher(IEnumerable<string> looked, string table) =>
        new("NoLauncher", ErrorKind.NotInstalled, $"no launcher was recognised: {string.Join("; ", looked)}",
            "Install Open MPI or MPICH on this host, use the image's own launcher on one node (-Mpi Image), "
            + $"or add a row for yours to {table} ({SeeTheTable}).");

    public static SlipwayException NodesNotChosen(Launcher row) =>
        new("NodesNotChosen", ErrorKind.InvalidArgument, $"{row.Title} takes its nodes from the job that it is in, and you cannot name any",
            "Leave -Node out, or choose another launcher.", row.Name);

    public static SlipwayException RanksPerNodeNotChosen(Launcher row) =>
        new("RanksPerNodeNotChosen", ErrorKind.InvalidArgument, $"{row.Title} cannot be told how many ranks each node gets",
            "Leave -RanksPerNode out, or choose another launcher.", row.Name);

    public static SlipwayException BindToNotChosen(Launcher row, string what)
    {
        string advice = row.BindTo.Count == 0 ? "Give its own flags as -LauncherArgument."
            : $"Choose one of: {string.Join(", ", row.BindTo.Keys)}; or give its own flags as -LauncherArgument.";
        return new("BindToNotChosen", ErrorKind.InvalidArgument, $"{row.Title} cannot bind ranks to '{what}'", advice, what);
    }

    public static SlipwayException DirectoryNotChosen(Launcher row) =>
        new("WorkingDirectoryNotChosen", ErrorKind.InvalidArgument, $"{row.Title} cannot be told where ranks work",
            "Change to the directory first.", row.Name);

    public static SlipwayException LauncherNotStarted(string program, string directory, Exception why) =>
        new("ProgramNotStarted", ErrorKind.InvalidOperation, $"{program}: {why.Message}",
            Directory.Exists(directory) ? null : $"{directory} is not there: choose another working directory.", program, why);

    // The site's table: each names file, line and column of the key.

    const string Invalid = "LaunchersInvalid";

    public static SlipwayException TableNotRead(string path, string why, Exception inner) =>
        new(Invalid, ErrorKind.ReadError, $"{path}: {why}", $"Make it a file of a few lines that all users may read: see {SeeTheTable}.",
            path, inner);

    public static SlipwayException TwoLaunchers(YamlMap row, string name) =>
        row.Error("name", Invalid, $"there are two launchers '{name}'", "Give each a name of its own.");

    public static SlipwayException NothingLike(YamlMap row, string like) =>
        row.Error("like", Invalid, $"'like: {like}': no launcher before this one has that name",
            "Name a row that stands above it, or one of Slipway's own.");

    /// <param name="may">The words that are filled in in this key.</param>
    public static SlipwayException NotFilledIn(YamlMap row, string key, string word, IReadOnlyList<string> may) =>
        row.Error(key, Invalid, $"'{key}' has '{word}', and Slipway does not fill that in there",
            may.Count == 0 ? $"'{key}' takes plain words." : $"Choose from: {string.Join(", ", may.Select(w => $"{{{w}}}"))}.");

    public static SlipwayException NoProgram(YamlMap row, string name) =>
        row.Error("programs", Invalid, $"the launcher '{name}' names no program", "Add e.g. 'programs: [mpirun]'.");

    public static SlipwayException NoInterface(YamlMap row, string name, IEnumerable<string> known) =>
        row.Error("gives", Invalid, $"'{name}' is not a process management interface", $"Choose one of: {string.Join(", ", known)}.");

    public static SlipwayException NotRecognised(YamlMap row, string name) =>
        row.Error("recognise", Invalid, $"the launcher '{name}' has no 'recognise'",
            "Say what tells its program from others: 'recognise: {arguments: [--version], pattern: \"MyLauncher\"}'.");

    public static SlipwayException NodesWithoutForm(YamlMap row) =>
        row.Error("form", Invalid, "a row has both 'nodes' and 'form', or neither; 'form' is 'slurm' or 'file'",
            "Write e.g. 'nodes: PBS_NODEFILE, form: file'.");

    public static SlipwayException NoInside(YamlMap row) =>
        row.Error("inside", Invalid, "'inside' is missing", "Name the variables that every job has.");

    public static SlipwayException NoSignal(YamlMap row, string name, IEnumerable<string> known) =>
        row.Error("stop", Invalid, $"'{name}' is not a signal that ends a launcher", $"Choose one of: {string.Join(", ", known)}.");

    public static SlipwayException BindingIsNoList(YamlMap row, Located name) =>
        row.Error("bind-to", Invalid, $"{name.Where}: 'bind-to.{name.Value}' must be a list",
            "Write e.g. 'bind-to: {core: [--bind-to, core]}'.");

    public static SlipwayException NoExpression(YamlMap row, string key) =>
        row.Error(key, Invalid, $"'{key}' is missing", "Write a regular expression.");

    public static SlipwayException NoGroup(YamlMap row, string key, string group) =>
        row.Error(key, Invalid, $"'{key}' has no group '{group}'", $"Mark it: (?<{group}>…).");

    public static SlipwayException BadExpression(YamlMap row, string key, Exception why) =>
        row.Error(key, Invalid, $"'{key}' is not a regular expression: {why.Message}",
            "Write one of .NET's, e.g. 'MyLauncher (?<version>[0-9.]+)'.");
}
