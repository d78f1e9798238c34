using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Slipway.Building.Sources;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Building.Inside;

/// <summary>A stage from its source to what its last command leaves: source, <c>files</c>, <c>run</c>, <c>test</c>.</summary>
static class StageBuilder
{
    const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>Makes the root of a stage.</summary>
    /// <param name="roots">Of the stages that were made before.</param>
    /// <param name="stageKeys">What those hold; this stage's is added.</param>
    /// <returns>Its path, and what holds when it runs.</returns>
    public static (string Root, ImageRuntime Runtime) Make(RootSource source, LockedSource locked,
        IReadOnlyDictionary<string, string> roots, Dictionary<string, string> stageKeys, BuildContext context, CancellationToken cancel)
    {
        Stage stage = source.Stage;
        string path = context.Directory("root", stage.Name.Length == 0 ? "image" : "stage-" + stage.Name);
        File.SetUnixFileMode(path, (UnixFileMode)Mode.rwxr_xr_x);
        BuildRoot root = new(path);
        // what the root is made of, step by step: the steps before the last that an earlier build has kept need not be taken again
        List<string> keys = Keys(stage, locked, stageKeys, context);
        stageKeys[stage.Name] = keys[^1];
        // the last step is worth keeping where others copy from it; of the image itself the image is kept
        int kept = Enumerable.Range(0, keys.Count).LastOrDefault(i => context.Cache.HasRoot(keys[i]), -1);
        if (kept >= 0)
        {
            context.Step("taking over what was built before");
            if (!context.Cache.TakeRoot(keys[kept], path, context, cancel))
                kept = -1;
        }
        long since = Stopwatch.GetTimestamp();
        void Done(int step)
        {
            if ((step < keys.Count - 1 || stage.Name.Length > 0 || stage.Test is not null)
                && context.Cache.KeepRoot(keys[step], path, Stopwatch.GetElapsedTime(since), context, cancel))
                since = Stopwatch.GetTimestamp();
        }

        if (kept < 0)
        {
            source.Make(path, locked, cancel);
            Done(0);
        }
        ImageRuntime runtime = ImageRuntime.Of(stage, root);
        if (kept < 1 && stage.Files.Count > 0)
        {
            foreach (DefinitionFile file in stage.Files)
                Copy(file, root, roots, context, cancel);
            if (stage.Run.Count > 0)
                Done(1);
        }
        for (int i = Math.Max(0, kept - 1); i < stage.Run.Count; i++)
        {
            context.Step($"running command {i + 1} of {stage.Run.Count}", 100 * i / stage.Run.Count);
            InMounts(root, context, () => Run(path, runtime, stage.Run[i], isTest: false, context, cancel), cancel);
            Done(i + 2);
        }
        if (stage.Name.Length == 0)
            ImageMetadata.Write(root, runtime);
        if (stage.Test is { } test)
        {
            context.Step("testing");
            InMounts(root, context, () => Run(path, runtime, test, isTest: true, context, cancel), cancel);
        }
        return (path, runtime);
    }

    /// <summary>Keys of what the root holds after its source, after <c>files</c>, and after each command of <c>run</c>.</summary>
    static List<string> Keys(Stage stage, LockedSource locked, IReadOnlyDictionary<string, string> stageKeys, BuildContext context)
    {
        List<string> keys = [ContentKey.Of([StepCache.Version, JsonSerializer.Serialize(locked, ObjectsJson.Default.LockedSource)])];
        keys.Add(
            ContentKey.Of(
                [keys[0], .. stage.Files.SelectMany(
                    f => new[] { f.To, f.Mode.ToString(CultureInfo.InvariantCulture), f.From, f.Stage is null ? FileKey.Of(f.From)
                        : stageKeys[f.Stage] })]));
        foreach (Located line in stage.Run)
            keys.Add(
                ContentKey.Of([keys[^1], line.Value, context.Job.SourceDateEpoch?.ToString(CultureInfo.InvariantCulture)
                    ?? "", .. stage.Environment.SelectMany(v => new[] { v.Key, v.Value })]));
        return keys;
    }

    static void InMounts(BuildRoot root, BuildContext context, Action work, CancellationToken cancel)
    {
        using BuildMounts mounts = new(root, context.Log);
        mounts.Mount(cancel);
        if (OpenedFile.TryTextNamed("/etc/resolv.conf") is { } resolvers)
            root.Write("etc/resolv.conf", resolvers);
        work();
        mounts.Dispose();
        context.Mend(root.Path);
    }

    static void Copy(DefinitionFile file, BuildRoot root, IReadOnlyDictionary<string, string> roots, BuildContext context,
        CancellationToken cancel)
    {
        if (file.Stage is null)
        {
            context.Step($"copying {file.From}");
            root.CopyIn(file.From, file.To, file.Mode, cancel);
            return;
        }
        context.Step($"copying {file.From} from {file.Stage}");
        BuildRoot from = new(roots[file.Stage]);
        if (!from.With(file.From, source => root.CopyIn(source, file.To, file.Mode, cancel, keepOwner: true)))
            throw BuildErrors.FileNotInStage(file);
    }

    static void Run(string root, ImageRuntime runtime, Located line, bool isTest, BuildContext context, CancellationToken cancel)
    {
        context.Log("$ " + line.Value);
        List<string> last = [];
        void Line(string said)
        {
            context.Log(said);
            last.Add(said);
            if (last.Count > 5)
                last.RemoveAt(0);
        }

        List<string> environment = ["PATH=" + DefaultPath, "HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "TERM=dumb"];
        environment.AddRange(runtime.Environment.Select(pair => $"{pair.Key}={pair.Value}"));
        // nothing of the builder's environment but what fakeroot is known by
        if (BuildNamespace.IsFake)
            environment.AddRange(new[] { "LD_PRELOAD", "FAKEROOTKEY", "FAKED_MODE", "FAKEROOTDONTTRYCHOWN" }
                .Where(n => Environment.GetEnvironmentVariable(n) is not null)
                .Select(n => $"{n}={Environment.GetEnvironmentVariable(n)}")
                .Append("LD_LIBRARY_PATH=" + BuildNamespace.FakeLibraryPlace));
        int exit = HostProgram.Run("env", ["-i", .. environment, HostProgram.Find("chroot"), root, "/bin/sh", "-e", "-c", line.Value], Line,
            Line, cancel: cancel);
        if (exit == 0)
            return;
        if (last.Any(l => l.Contains("No space left on device", StringComparison.Ordinal)))
            throw BuildErrors.DiskFull(context.Job.WorkDirectory, doing: isTest ? "the 'test' ran" : "the command of 'run' ran",
                said: last[^1], where: line.Where);
        throw isTest ? BuildErrors.TestFailed(line, exit, last) : BuildErrors.CommandFailed(line, exit, last);
    }
}
