using System.Globalization;
using System.IO.Enumeration;
using System.Text.Json;
using Slipway.Building.Sources;
using Slipway.Definitions;
using Slipway.Linux;
using Slipway.Readers;
using Slipway.Readers.Packages;

namespace Slipway.Building.Inside;

/// <summary>
/// The builder, as root of the build namespace (<c>slipway build-inside JOB</c>): from the definition to a packed image. It says what it does on
/// standard output, one message a line; when its standard input ends, its caller is gone or has changed its mind, and it cleans up and ends.
/// </summary>
public static class BuildInside
{
    /// <summary>Builder's leftovers and what differs between two builds: they stay out of every image (DESIGN, "An image is common property").</summary>
    static readonly string[] EmptyDirectories = ["dev", "proc", "sys", "run", "tmp", "var/tmp", "var/cache/apt", "var/lib/apt/lists", "var/cache/ldconfig", "var/cache/dnf", "var/cache/yum", "var/lib/dnf"];

    static readonly string[] Leftovers =
    [
        "etc/resolv.conf", "etc/hostname", "etc/.pwd.lock", "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-", "etc/subuid-", "etc/subgid-",
        "var/lib/dpkg/status-old", "var/lib/dpkg/diversions-old", "var/lib/dpkg/statoverride-old", "var/cache/debconf/config.dat-old", "var/cache/debconf/templates.dat-old",
        "var/lib/apt/extended_states-old", "var/lib/dbus/machine-id", "etc/apt/apt.conf.d/99mmdebstrap", "root/.bash_history", "var/lib/systemd/catalog/database",
    ];

    /// <summary>True for what no image keeps, so that a source need not bring it.</summary>
    /// <param name="path">Absolute.</param>
    internal static bool StaysOut(string path) => EmptyDirectories.Any(d => path.StartsWith($"/{d}/", StringComparison.Ordinal)) || path.StartsWith("/var/log/", StringComparison.Ordinal) || Leftovers.Contains(path[1..]);

    /// <summary>Runs the job to its end.</summary>
    /// <returns>0, or 1 after a failure that was told.</returns>
    public static int Run(string jobPath)
    {
        BuildJob job = JsonSerializer.Deserialize(File.ReadAllText(jobPath), BuildJson.Default.BuildJob)!;
        using CancellationTokenSource stop = new();
        Thread watch = new(() =>
        {
            using Stream input = Console.OpenStandardInput();
            while (input.ReadByte() >= 0)
                continue;
            stop.Cancel();
        })
        { IsBackground = true };
        watch.Start();

        using StreamWriter log = new(job.LogPath, append: false) { AutoFlush = true };
        void Log(string line)
        {
            lock (log)
                log.WriteLine(Visible.Line(line));
        }
        try
        {
            Say(Build(job, Log, stop.Token));
            return 0;
        }
        catch (OperationCanceledException)
        {
            return 1;
        }
        catch (SlipwayException e)
        {
            Log(e.Message);
            if (e.Id != "DiskFull" && IsFull(job))
                e = new SlipwayException("DiskFull", ErrorKind.WriteError, $"{job.WorkDirectory}: no space left on the device: {e.Message}", "Free some space, or set TMPDIR to a roomier local disk.", job.WorkDirectory, e);
            string hint = $"The whole log: {job.LogPath}";
            string recommendation = e.Recommendation?.Contains(job.LogPath, StringComparison.Ordinal) == true ? e.Recommendation : $"{e.Recommendation} {hint}".Trim();
            Say(new BuildMessage { Failure = new BuildFailure(e.Id, e.Kind, e.Message, recommendation, e.Target?.ToString()) });
            return 1;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // .NET tells of ENOSPC by HResult alone (System.IO: Interop.GetExceptionForIoErrno)
            string why = e.Message.Replace(job.PartialPath, job.Destination, StringComparison.Ordinal);
            bool full = e.HResult == ENOSPC || e.Message.Contains("No space left", StringComparison.Ordinal);
            Say(new BuildMessage
            {
                Failure = full ? new BuildFailure("DiskFull", ErrorKind.WriteError, $"{job.DefinitionPath}: no space left on the device: {why}", $"Free some space in {job.WorkDirectory[..job.WorkDirectory.LastIndexOf('/')]}, or set TMPDIR to a roomier local disk. The whole log: {job.LogPath}", job.WorkDirectory)
                    : new BuildFailure("BuildStepFailed", ErrorKind.WriteError, $"{job.DefinitionPath}: {why}", $"The whole log: {job.LogPath}", job.WorkDirectory),
            });
            return 1;
        }
        catch (Exception e)
        {
            SlipwayException unexpected = SlipwayException.From(e);
            Log(e.ToString().ReplaceLineEndings(" "));
            Say(new BuildMessage { Failure = new BuildFailure(unexpected.Id, unexpected.Kind, $"{job.DefinitionPath}: {unexpected.Message}", $"{unexpected.Recommendation} The whole log: {job.LogPath}".Trim(), job.WorkDirectory) });
            return 1;
        }
        finally
        {
            // what is still running would write into the tree while it is removed; process 1 of a namespace reaches all of it, and nothing else
            if (getpid() == 1)
                kill(-1, SIGKILL);
            WorkDirectory.Remove(job.WorkDirectory);
        }
    }

    /// <summary>A tool that could not write does not always say why.</summary>
    static bool IsFull(BuildJob job)
    {
        try
        {
            return new DriveInfo(job.WorkDirectory).AvailableFreeSpace < 256 << 10
                || File.ReadLines(job.LogPath).Any(line => line.Contains("No space left on device", StringComparison.Ordinal) || line.Contains("database or disk is full", StringComparison.Ordinal));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return false;
        }
    }

    static void Say(BuildMessage message)
    {
        try
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(message, BuildJson.Default.BuildMessage));
            Console.Out.Flush();
        }
        catch (IOException)
        {
            // nobody listens any more: standard input has ended too, and that is what ends the build
        }
    }

    static BuildMessage Build(BuildJob job, Action<string> log, CancellationToken cancel)
    {
        BuildNamespace.CheckOwners(job.WorkDirectory);
        if (BuildNamespace.IsFake)
            log("this user has no subordinate ids: owners of files are remembered by fakeroot while the image is built; file capabilities are not kept, and statically linked programs cannot change owners");
        Definition definition = DefinitionReader.Parse(job.DefinitionText, job.DefinitionPath, job.Variables);
        BuildContext context = new(definition, job, (step, percent) => Say(new BuildMessage { Step = step, Percent = percent }), log);
        Stage[] stages = [.. definition.Stages, definition];
        List<LockedSource> locked = [];
        Dictionary<string, string> roots = [];
        foreach (Stage stage in stages)
            locked.Add(BuildLocks.Source(stage, RootSource.Of(stage, context), job, cancel));
        BuildLock made = new() { Sources = locked };
        string key = StepCache.ImageKey(definition, job, made);
        if (context.Cache.TakeImage(key, job.Destination, job.PartialPath, cancel) is { } before)
            return new BuildMessage { Digest = before.Digest, Unchanged = before.IsThere, Lock = made };

        Dictionary<string, string> stageKeys = [];
        long epoch = 0;
        ImageRuntime? runtime = null;
        for (int i = 0; i < stages.Length; i++)
        {
            (roots[stages[i].Name], runtime) = StageBuilder.Make(stages[i], locked[i], roots, stageKeys, context, cancel);
            BuildRoot of = new(roots[stages[i].Name]);
            long date = long.TryParse(of.Read(ArchiveRoot.DateFile), NumberStyles.None, CultureInfo.InvariantCulture, out long read) ? read : locked[i].SourceDateEpoch;
            of.Delete(ArchiveRoot.DateFile);
            epoch = job.SourceDateEpoch ?? Math.Max(epoch, date);
        }

        string rootPath = roots[""];
        BuildRoot root = new(rootPath);
        context.Step("describing the image");
        Clean(root);
        ImageManifest manifest = Describe(root, context, locked, runtime!, epoch);
        manifest.Fabric = Slipway.Inventory.ImageFabricReader.FromRoot(rootPath, cancel);
        root.Write(".slipway/image.json", JsonSerializer.Serialize(manifest, ObjectsJson.Default.ImageManifest) + "\n");
        CutTimes(rootPath, epoch);

        context.Step("packing");
        ImagePacker.Pack(rootPath, job.PartialPath, job.Compression, epoch, context, cancel);
        context.Step("hashing");
        string digest = Digest.OfFile(job.PartialPath, cancel: cancel);
        context.Cache.KeepImage(key, job.PartialPath, digest);
        return new BuildMessage { Digest = digest, Lock = made };
    }

    static ImageManifest Describe(BuildRoot root, BuildContext context, IReadOnlyList<LockedSource> locked, ImageRuntime runtime, long epoch)
    {
        ImageManifest? host = context.Definition.Source is HostSource ? HostRoot.TakeRecord(root) : null;
        return new ImageManifest
        {
            Name = context.Job.Name,
            Architecture = System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "aarch64" : "x86_64",
            Distribution = OsRelease.Find(place => root.Read(place[1..])),
            From = context.Definition.Source.From.Value,
            Definition = context.Definition.Text,
            Variables = context.Definition.Variables,
            SourceDateEpoch = epoch,
            Packages = host?.Packages ?? Installed(root, context),
            Dependencies = host?.Dependencies ?? [],
            Problems = host?.Problems ?? [],
            Sources = locked,
            Environment = runtime.Environment,
            Runscript = runtime.Runscript,
            Labels = runtime.Labels,
        };
    }

    static IReadOnlyList<ImagePackage> Installed(BuildRoot root, BuildContext context)
    {
        RootTree tree = root.AsTree();
        IReadOnlyList<ImagePackage> packages = [.. DpkgDatabase.InstalledIn(tree), .. ImageRpmDatabase.Installed(root, tree, context)];
        foreach ((string file, int limit) in tree.TooLarge)
            throw ReaderErrors.ImageFileTooLarge(root.Path, file[1..], limit);
        return packages;
    }

    static void Clean(BuildRoot root)
    {
        foreach (string directory in EmptyDirectories)
            root.Empty(directory);
        foreach (string file in Leftovers)
            root.Delete(file);
        // logs go, the directories that programs write them to stay
        string log = Path.Combine(root.Path, "var/log");
        if (stat(log, out statx found, follow: false) == 0 && found.IsDirectory)
            foreach (string path in Tree(log).ToList())
                if (stat(path, out statx entry, follow: false) == 0 && !entry.IsDirectory)
                    unlink(path);
        if (root.Read("etc/machine-id") is not null)
            root.Write("etc/machine-id", "");
    }

    /// <summary>Times later than the epoch are of this build: they become the epoch, so that two builds give the same bytes.</summary>
    static void CutTimes(string root, long epoch)
    {
        foreach (string path in Tree(root).Append(root))
            if (stat(path, out statx found, follow: false) == 0 && found.stx_mtime.tv_sec > epoch)
                SetModified(path, epoch);
    }

    /// <summary>Everything below a directory; a link is an entry, and never followed: it would lead to the host.</summary>
    static FileSystemEnumerable<string> Tree(string directory) =>
        new(directory, (ref FileSystemEntry entry) => entry.ToFullPath(), new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
        {
            ShouldRecursePredicate = (ref FileSystemEntry entry) => (entry.Attributes & FileAttributes.ReparsePoint) == 0,
        };
}
