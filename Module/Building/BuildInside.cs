using System.Globalization;
using System.IO.Enumeration;
using System.Text;
using System.Text.Json;
using Slipway.Definitions;
using Slipway.Linux;

namespace Slipway.Building;

/// <summary>
/// The builder, as root of the build namespace (<c>slipway build-inside JOB</c>): from the definition to a packed image. It says what it does on
/// standard output, one message a line; when its standard input ends, its caller is gone or has changed its mind, and it cleans up and ends.
/// </summary>
public static class BuildInside
{
    const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>Builder's leftovers and what differs between two builds: they stay out of every image (DESIGN, "An image is common property").</summary>
    static readonly string[] EmptyDirectories = ["dev", "proc", "sys", "run", "tmp", "var/tmp", "var/cache/apt", "var/lib/apt/lists", "var/cache/ldconfig"];

    static readonly string[] Leftovers =
    [
        "etc/resolv.conf", "etc/hostname", "etc/.pwd.lock", "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-", "etc/subuid-", "etc/subgid-",
        "var/lib/dpkg/status-old", "var/lib/dpkg/diversions-old", "var/lib/dpkg/statoverride-old", "var/cache/debconf/config.dat-old", "var/cache/debconf/templates.dat-old",
        "var/lib/apt/extended_states-old", "var/lib/dbus/machine-id", "etc/apt/apt.conf.d/99mmdebstrap", "root/.bash_history", "var/lib/systemd/catalog/database",
    ];

    /// <summary>Runs the job to its end.</summary>
    /// <returns>0, or 1 after a failure that was told.</returns>
    public static int Run(string jobPath)
    {
        BuildJob job = JsonSerializer.Deserialize(File.ReadAllText(jobPath), SlipwayJson.Default.BuildJob)!;
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
        try
        {
            string digest = Build(job, line => { lock (log) log.WriteLine(line); }, stop.Token);
            Say(new BuildMessage { Digest = digest });
            return 0;
        }
        catch (OperationCanceledException)
        {
            return 1;
        }
        catch (SlipwayException e)
        {
            lock (log)
                log.WriteLine(e.Message);
            Say(new BuildMessage { Failure = new BuildFailure(e.Id, e.Kind, e.Message, e.Recommendation, e.Target?.ToString()) });
            return 1;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Say(new BuildMessage { Failure = new BuildFailure("BuildStepFailed", ErrorKind.WriteError, e.Message, $"The whole log: {job.LogPath}", job.WorkDirectory) });
            return 1;
        }
        finally
        {
            // what is still running would write into the tree while it is removed; process 1 of a namespace reaches all of it, and nothing else
            if (LibC.getpid() == 1)
                LibC.kill(-1, LibC.SIGKILL);
            WorkDirectory.Remove(job.WorkDirectory);
        }
    }

    static void Say(BuildMessage message)
    {
        try
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(message, SlipwayJson.Compact.BuildMessage));
            Console.Out.Flush();
        }
        catch (IOException)
        {
            // nobody listens any more: standard input has ended too, and that is what ends the build
        }
    }

    static string Build(BuildJob job, Action<string> log, CancellationToken cancel)
    {
        Definition definition = DefinitionReader.Parse(job.DefinitionText, job.DefinitionPath);
        string rootPath = Path.Combine(job.WorkDirectory, "root");
        RootDirectory root = new(rootPath);
        void Step(string step, int percent = -1)
        {
            log("== " + step);
            Say(new BuildMessage { Step = step, Percent = percent });
        }

        Step("preparing the root filesystem");
        new DebRoot(definition, job, Step, log).Make(rootPath, cancel);
        long epoch = job.SourceDateEpoch ?? RepositoryDate(root) ?? 0;

        foreach (DefinitionFile file in definition.Files)
        {
            Step($"copying {file.From}");
            root.CopyIn(file.From, file.To, file.Mode, cancel);
        }

        if (definition.Run.Count > 0 || definition.Test is not null)
        {
            MountHost(root, log, cancel);
            try
            {
                for (int i = 0; i < definition.Run.Count; i++)
                {
                    Step($"running command {i + 1} of {definition.Run.Count}", 100 * i / definition.Run.Count);
                    RunInRoot(rootPath, definition, definition.Run[i], "command of 'run'", job, log, cancel);
                }
                WriteMetadata(root, definition);
                if (definition.Test is { } test)
                {
                    Step("testing");
                    RunInRoot(rootPath, definition, test, "'test'", job, log, cancel);
                }
            }
            finally
            {
                foreach (string mount in new[] { "dev", "sys", "proc" })
                    LibC.umount2(Path.Combine(rootPath, mount), LibC.MNT_DETACH);
            }
        }
        else
        {
            WriteMetadata(root, definition);
        }

        Step("describing the image");
        Clean(root);
        ImageManifest manifest = Describe(root, definition, job, epoch);
        manifest.Fabric = Slipway.Fabric.ImageFabricReader.FromRoot(rootPath, cancel);
        root.Write(".slipway/image.json", JsonSerializer.Serialize(manifest, SlipwayJson.Default.ImageManifest) + "\n");
        CutTimes(rootPath, epoch);

        Step("packing");
        ImagePacker.Pack(rootPath, job.PartialPath, job.Compression, epoch, log, cancel);
        Step("hashing");
        return Digest.OfFile(job.PartialPath, cancel: cancel);
    }

    /// <summary>The newest <c>Date:</c> of the repositories' Release files: two builds of one repository state get one time.</summary>
    static long? RepositoryDate(RootDirectory root)
    {
        string lists = Path.Combine(root.Path, "var/lib/apt/lists");
        if (!Directory.Exists(lists))
            return null;
        long? newest = null;
        foreach (string path in Directory.EnumerateFiles(lists).Where(p => p.EndsWith("Release", StringComparison.Ordinal)))
        {
            string? date = File.ReadLines(path).Take(100).FirstOrDefault(line => line.StartsWith("Date:", StringComparison.Ordinal));
            if (date is not null && DateTimeOffset.TryParse(date["Date:".Length..].Replace("UTC", "GMT", StringComparison.Ordinal), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time))
                newest = Math.Max(newest ?? 0, time.ToUnixTimeSeconds());
        }
        return newest;
    }

    static void MountHost(RootDirectory root, Action<string> log, CancellationToken cancel)
    {
        foreach (string directory in new[] { "dev", "proc", "sys" })
        {
            root.MakeDirectory(directory);
            string target = Path.Combine(root.Path, directory);
            if (LibC.stat(target, out LibC.statx_t found, follow: false) != 0 || !found.IsDirectory)
                throw new SlipwayException("BadImagePath", ErrorKind.InvalidData, $"'/{directory}' in the image is not a directory", null, directory);
            int failed = directory == "proc"
                ? LibC.mount("proc", target, "proc", LibC.MS_NOSUID | LibC.MS_NODEV, null)
                : LibC.mount("/" + directory, target, null, LibC.MS_BIND | LibC.MS_REC, null);
            if (failed != 0)
                log($"{target}: mount failed, errno {LibC.errno}");
        }
        cancel.ThrowIfCancellationRequested();
        if (File.Exists("/etc/resolv.conf"))
            root.Write("etc/resolv.conf", File.ReadAllText("/etc/resolv.conf"));
    }

    static void RunInRoot(string root, Definition definition, Located line, string what, BuildJob job, Action<string> log, CancellationToken cancel)
    {
        log("$ " + line.Value);
        List<string> last = [];
        void Line(string said)
        {
            log(said);
            last.Add(said);
            if (last.Count > 5)
                last.RemoveAt(0);
        }

        List<string> environment = ["PATH=" + DefaultPath, "HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "TERM=dumb"];
        environment.AddRange(definition.Environment.Select(pair => $"{pair.Key}={pair.Value}"));
        int exit = HostProgram.Run("chroot", [root, "/usr/bin/env", "-i", .. environment, "/bin/sh", "-e", "-c", line.Value], Line, Line, cancel: cancel);
        if (exit != 0)
            throw new SlipwayException(what == "'test'" ? "ImageTestFailed" : "BuildStepFailed", ErrorKind.InvalidOperation,
                $"{line.Where}: the {what} ended with exit code {exit}: {(last.Count > 0 ? string.Join(" | ", last) : line.Value)}", $"The whole log: {job.LogPath}", line.Value);
    }

    /// <summary>What Apptainer and Charliecloud read, so that the image runs unchanged there.</summary>
    static void WriteMetadata(RootDirectory root, Definition definition)
    {
        const UnixFileMode executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead
            | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        StringBuilder shell = new("#!/bin/sh\n"), plain = new();
        foreach ((string name, string value) in definition.Environment)
        {
            shell.Append(CultureInfo.InvariantCulture, $"export {name}='{value.Replace("'", "'\\''", StringComparison.Ordinal)}'\n");
            plain.Append(CultureInfo.InvariantCulture, $"{name}={value}\n");
        }
        root.Write(".singularity.d/env/90-environment.sh", shell.ToString(), executable);
        root.Write(".singularity.d/runscript", "#!/bin/sh\n" + (definition.Runscript ?? "exec /bin/sh \"$@\"") + "\n", executable);
        root.Write(".singularity.d/labels.json", JsonSerializer.Serialize(new SortedDictionary<string, string>(definition.Labels.ToDictionary(), StringComparer.Ordinal), SlipwayJson.Default.SortedDictionaryStringString) + "\n");
        root.Write("ch/environment", plain.ToString());
    }

    static ImageManifest Describe(RootDirectory root, Definition definition, BuildJob job, long epoch) => new()
    {
        Name = job.Name,
        Architecture = System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "aarch64" : "x86_64",
        Distribution = OsRelease.Parse(root.Read("etc/os-release") ?? root.Read("usr/lib/os-release") ?? ""),
        From = "deb",
        Definition = definition.Text,
        SourceDateEpoch = epoch,
        Packages = DpkgStatus.Parse(root.Read("var/lib/dpkg/status") ?? ""),
        Environment = definition.Environment,
        Runscript = definition.Runscript,
        Labels = definition.Labels,
    };

    static void Clean(RootDirectory root)
    {
        foreach (string directory in EmptyDirectories)
            root.Empty(directory);
        foreach (string file in Leftovers)
            root.Delete(file);
        // logs go, the directories that programs write them to stay
        string log = Path.Combine(root.Path, "var/log");
        if (LibC.stat(log, out LibC.statx_t found, follow: false) == 0 && found.IsDirectory)
            foreach (string path in Tree(log).ToList())
                if (LibC.stat(path, out LibC.statx_t entry, follow: false) == 0 && !entry.IsDirectory)
                    LibC.unlink(path);
        if (root.Read("etc/machine-id") is not null)
            root.Write("etc/machine-id", "");
    }

    /// <summary>Times later than the epoch are of this build: they become the epoch, so that two builds give the same bytes.</summary>
    static void CutTimes(string root, long epoch)
    {
        foreach (string path in Tree(root).Append(root))
            if (LibC.stat(path, out LibC.statx_t found, follow: false) == 0 && found.stx_mtime.tv_sec > epoch)
                LibC.SetModified(path, epoch);
    }

    /// <summary>Everything below a directory; a link is an entry, and never followed: it would lead to the host.</summary>
    static FileSystemEnumerable<string> Tree(string directory) =>
        new(directory, (ref FileSystemEntry entry) => entry.ToFullPath(), new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
        {
            ShouldRecursePredicate = (ref FileSystemEntry entry) => (entry.Attributes & FileAttributes.ReparsePoint) == 0,
        };
}
