using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json.Serialization.Metadata;
using Slipway.Building;
using Slipway.Cache;
using Slipway.Fabric;
using Slipway.Inventory;
using Slipway.Linux;
using Slipway.Running;

namespace Slipway.Launcher;

/// <summary>
/// The verbs that are not on a rank's path: parameters to a request, one call into the core, its objects to standard output.
/// </summary>
static partial class CommandLine
{
    internal static readonly Option<bool> Json = new("--json") { Description = "Print objects as JSON, one a line", Recursive = true };
    internal static readonly Option<bool> Verbose = new("--verbose", "-v") { Description = "Report each step", Recursive = true };

    internal static Argument<string> Image => new("IMAGE") { Description = "Path of an image" };

    internal static Argument<string[]> Command =>
        new("CMD") { Description = "The command and its arguments, after --", Arity = ArgumentArity.ZeroOrMore };

    static readonly InvocationConfiguration Configuration =
        new() { EnableDefaultExceptionHandler = false, Output = Output.Standard, Error = Output.Error };

    public static int Run(string[] arguments)
    {
        RootCommand root = new("Slipway: container images with fabric drivers, staged once per node, started by any MPI launcher") { Json,
            Verbose };
        root.Options.Remove(root.Options.First(o => o is VersionOption));
        Option<bool> version = new("--version") { Description = "Show version and runtime" };
        root.Add(version);
        root.SetAction(result =>
        {
            if (result.GetValue(version))
                Output.Standard.WriteLine(
                    $"slipway {typeof(ContainerImage).Assembly.GetName().Version?.ToString(3)} "
                    + $"({RuntimeInformation.FrameworkDescription}, native, {RuntimeInformation.RuntimeIdentifier})");
            else
                root.Parse(["--help"]).Invoke(Configuration);
            return 0;
        });
        root.Add(Build());
        root.Add(Dependencies());
        root.Add(Compare());
        root.Add(FabricVerb());
        root.Add(CacheCommands.Publish());
        root.Add(CacheCommands.Cache());
        root.Add(MpiCommands.Mpi());
        root.Add(Inspect());
        root.Add(RunHelp("run", "Run a command in an image, or the image's runscript", Command));
        root.Add(
            RunHelp("shell", "Start a shell in an image",
                new Argument<string[]>("ARGUMENT") { Description = "Arguments of the shell, after --", Arity = ArgumentArity.ZeroOrMore }));
        return root.Parse(arguments).Invoke(Configuration);
    }

    static Command Build()
    {
        Argument<string[]> definitions =
            new("DEFINITION") { Description = "Path of a YAML definition; several are built at once", Arity = ArgumentArity.OneOrMore };
        Option<string> destination = new(
            "--destination", "-o") { Description = "Path of the image, or a directory (default: the definition's name with .sqfs, here)" };
        Option<ImageCompression> compression = new("--compression") { Description = "How to pack" };
        Option<string> lockFile = new(
            "--lock-file") { Description = "Path of the lock file: obeyed if it exists, written if it does not" };
        Option<bool> updateLock = new(
            "--update-lock") { Description = "Take what the repositories have now, and write the lock file anew" };
        Option<string[]> variables = new(
            "--variable") { Description = "NAME=VALUE, for a variable that the definition declares (may be given more than once)" };
        Option<string> packageCache = new("--package-cache") { Description = "Directory that holds packages and keeps downloads" };
        Option<int> throttle = new("--throttle-limit") { Description = "How many images are built at once", DefaultValueFactory = _ =>
            ImageBuilder.DefaultThrottle };
        Option<bool> noCache = new("--no-step-cache") { Description = "Run every step, and keep none for the next build" };
        Command verb = new("build", "Build images from definitions") { definitions, destination, compression, lockFile, updateLock,
            variables, packageCache, throttle, noCache };
        return Do(verb, ObjectsJson.Compact.ContainerImage, (result, progress, cancel) =>
        {
            IReadOnlyList<BuildRequest> requests =
                BuildRequest.ForEach(result.GetRequiredValue(definitions), result.GetValue(destination), result.GetValue(lockFile),
                    path => new BuildRequest
            {
                DefinitionPath = path,
                Destination = "",
                Compression = result.GetValue(compression),
                UpdateLock = result.GetValue(updateLock),
                Variables = Pairs(result.GetValue(variables) ?? []),
                PackageCache = result.GetValue(packageCache),
                UseStepCache = !result.GetValue(noCache),
            });
            return ImageBuilder.BuildAll(requests, result.GetValue(throttle), progress, cancel).Select(image =>
            {
                Tell(result, image.Manifest?.Problems ?? []);
                return image;
            });
        }, image => Visible.Of($"{image.Path}\n{image.Digest}  {image.Size} bytes"));
    }

    internal static Dictionary<string, string> Pairs(string[] given, string option = "--variable")
    {
        Dictionary<string, string> pairs = [];
        foreach (string pair in given)
            pairs[pair.Split('=')[0]] = pair.Contains('=') ? pair[(pair.IndexOf('=') + 1)..]
                : throw ProgramErrors.NoPair(pair, option);
        return pairs;
    }

    static Command FabricVerb()
    {
        Argument<string?> image = new("IMAGE") { Description = "Path of an image; without one, this node's fabric devices are listed",
            Arity = ArgumentArity.ZeroOrOne };
        Option<string> from = new("--root") { Description = "Read devices and libraries below this directory, laid out like a node's root",
            DefaultValueFactory = _ => "/" };
        Option<string[]> devices = new("--device") { Description = "Plan for this device alone (may be given more than once)" };
        Option<FabricSource> source = new(
            "--source") { Description = "auto, or the only source to use: image, provider, stack, "
            + "or package (build the image anew from --definition, with its distribution's provider packages)" };
        Option<bool> explain = new("--explain") { Description = "Show each rung of the ladder with its reason" };
        Option<string> cdi = new("--cdi") { Description = "Write the plan as a CDI specification too" };
        Option<string> definition = new(
            "--definition") { Description = "With --source package: the definition that the image is built from" };
        Option<string[]> variables = new(
            "--variable") { Description = "NAME=VALUE, for a variable that this definition declares (may be given more than once)" };
        Command verb = new("fabric", "List this node's fabric devices, or plan the drivers for an image") { image, from, devices, source,
            definition, variables, explain, cdi };
        verb.SetAction(result => Guarded(cancel =>
        {
            string root = Path.GetFullPath(result.GetValue(from)!);
            if (result.GetValue(image) is not { } path)
            {
                Print(result, FabricInventoryReader.Read(root), ObjectsJson.Compact.FabricInventory,
                    i => string.Join('\n', i.Describe().Select(Visible.Line)));
                return 0;
            }
            using ProgressLine progress = new(result.GetValue(Verbose));
            ContainerImage planned = FabricStep.Add(NodeCache.Describe(path, cancel), new FabricRequest
            {
                Definition = result.GetValue(definition) is { } text ? Path.GetFullPath(text) : null,
                Variables = Pairs(result.GetValue(variables) ?? []),
                Root = root, Devices = result.GetValue(devices) ?? [], Source = result.GetValue(source),
                Cdi = result.GetValue(cdi) is { } file ? Path.GetFullPath(file) : null,
            }, progress, cancel);
            progress.Clear();
            Print(result, planned, ObjectsJson.Compact.ContainerImage,
                i => string.Join('\n', (result.GetValue(explain) ? i.FabricPlan!.Explain() : [i.FabricPlan!.ToString()])
                    .Select(Visible.Line)));
            return 0;
        }));
        return verb;
    }

    static Command Inspect()
    {
        Argument<string> image = Image;
        Command verb = new("inspect", "Describe an image: its digest, and its manifest if Slipway made it") { image };
        verb.SetAction(result => Guarded(cancel =>
        {
            ContainerImage found = NodeCache.Describe(result.GetRequiredValue(image), cancel, Warn);
            string distribution = found.Distribution?.PrettyName ?? "no distribution";
            Print(result, found, ObjectsJson.Compact.ContainerImage,
                i => Visible.Of($"{i.Path}\n{i.Digest}  {i.Size} bytes, {i.Compressor}, {distribution}, made {i.Made:yyyy-MM-dd}"));
            if (found.Manifest is null && !result.GetValue(Json))
                Output.Standard.WriteLine("not made by Slipway: it has no manifest");
            else if (!result.GetValue(Json))
                Output.Standard.Json(found.Manifest!, ObjectsJson.Default.ImageManifest);
            return 0;
        }));
        return verb;
    }

    /// <summary>`run` and `shell` themselves are read by hand (RunRequest); this is their help.</summary>
    static Command RunHelp(string name, string description, Argument last)
    {
        Command verb = new(name, description);
        foreach (RunOption option in RunOption.All.Where(o => !o.Hidden))
            verb.Add(option.Value is null ? new Option<bool>(option.Name) { Description = option.Description }
                : option.Repeats ? new Option<string[]>(option.Name) { Description = option.Description }
                : new Option<string>(option.Name) { Description = option.Description });
        verb.Add(
            new Argument<string>("IMAGE") { Description =
                "Path of an image or of an unpacked root, or sha256:DIGEST of an image in the node cache" });
        verb.Add(last);
        return verb;
    }

    static Command Do<T>(Command verb, JsonTypeInfo<T> type,
        Func<ParseResult, IProgress<StepProgress>, CancellationToken, IEnumerable<T>> work, Func<T, string> text)
    {
        verb.SetAction(result => Guarded(cancel =>
        {
            using ProgressLine progress = new(result.GetValue(Verbose));
            foreach (T item in work(result, progress, cancel))
            {
                progress.Clear();
                Print(result, item, type, text);
            }
            return 0;
        }));
        return verb;
    }

    /// <param name="text">Of several lines and columns, with all that is not ours written out (<see cref="Visible"/>).</param>
    internal static void Print<T>(ParseResult result, T item, JsonTypeInfo<T> type, Func<T, string> text)
    {
        if (result.GetValue(Json))
            Output.Standard.Json(item, type);
        else
            Output.Standard.WriteLine(text(item));
    }

    internal static void Warn(string what) => Output.Error.WriteLine(Visible.Of($"slipway: warning: {what}"));

    /// <summary>Signals cancel the work, which cleans up; a second one is left to the system.</summary>
    internal static int Guarded(Func<CancellationToken, int> work)
    {
        using CancellationTokenSource stop = new();
        void OnSignal(PosixSignalContext context)
        {
            context.Cancel = !stop.IsCancellationRequested;
            stop.Cancel();
        }
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
            terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
            hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnSignal);
        try
        {
            return work(stop.Token);
        }
        catch (OperationCanceledException e)
        {
            return Program.Report(SlipwayException.From(e));
        }
    }
}
