using System.Globalization;
using System.Text.Json;
using Slipway.Building.Sources;
using Slipway.Definitions;
using Slipway.Images;
using Slipway.Linux;
using Slipway.Readers;
using Slipway.Readers.Packages;

namespace Slipway.Building.Inside;

/// <summary>From a job to a packed image, in the build namespace: sources, stages, what every image has, and the file.</summary>
static class ImageMaker
{
    /// <param name="tell">Gets a message for each step.</param>
    /// <param name="log">Gets each line of the log.</param>
    public static BuildMessage.Done Make(BuildJob job, Action<BuildMessage> tell, Action<string> log, CancellationToken cancel)
    {
        BuildNamespace.CheckOwners(job.WorkDirectory);
        if (BuildNamespace.IsFake)
            log("this user has no subordinate ids: owners of files are remembered by fakeroot while the image is built; "
                + "file capabilities are not kept, and statically linked programs cannot change owners");
        Definition definition = DefinitionReader.Parse(job.DefinitionText, job.DefinitionPath, job.Variables);
        BuildContext context = new(definition, job, (step, percent) => tell(new BuildMessage.Step(step, percent)), log);
        RootSource[] sources = [.. definition.Stages.Append(definition).Select(stage => RootSources.Of(stage, context))];
        LockedSource[] locked = [.. sources.Select(s => s.Lock(cancel))];
        BuildLock made = new() { Sources = locked };
        string key = StepCache.ImageKey(definition, job, made);
        if (context.Cache.TakeImage(key, job.Destination, job.PartialPath, cancel) is { } before)
            return new BuildMessage.Done(before.Digest, before.IsThere, made, Manifest: null);

        Dictionary<string, string> roots = [], stageKeys = [];
        long epoch = 0;
        ImageRuntime? runtime = null;
        for (int i = 0; i < sources.Length; i++)
        {
            string stage = sources[i].Stage.Name;
            (roots[stage], runtime) = StageBuilder.Make(sources[i], locked[i], roots, stageKeys, context, cancel);
            BuildRoot of = new(roots[stage]);
            long date = long.TryParse(of.Read(ArchiveRoot.DateFile), NumberStyles.None, CultureInfo.InvariantCulture, out long read)
                ? read : locked[i].SourceDateEpoch;
            of.Delete(ArchiveRoot.DateFile);
            epoch = job.SourceDateEpoch ?? Math.Max(epoch, date);
        }

        string rootPath = roots[""];
        BuildRoot root = new(rootPath);
        context.Step("describing the image");
        Leftovers.Remove(root);
        ImageManifest manifest = Describe(root, context, locked, runtime!, epoch);
        manifest.Fabric = Slipway.Inventory.ImageFabricReader.FromRoot(rootPath, cancel);
        string text = JsonSerializer.Serialize(manifest, ObjectsJson.Default.ImageManifest) + "\n";
        root.Write(ManifestReader.Path, text);
        CutTimes(rootPath, epoch);

        context.Step("packing");
        ImagePacker.Pack(rootPath, job.PartialPath, job.Compression, epoch, context, cancel);
        context.Step("hashing");
        string digest = Digest.OfFile(job.PartialPath, cancel: cancel);
        context.Cache.KeepImage(key, job.PartialPath, digest);
        return new BuildMessage.Done(digest, IsThere: false, made, text);
    }

    static ImageManifest Describe(BuildRoot root, BuildContext context, IReadOnlyList<LockedSource> locked, ImageRuntime runtime,
        long epoch)
    {
        ImageManifest? host = context.Definition.Source is HostSource ? HostRoot.TakeRecord(root) : null;
        return new ImageManifest
        {
            Name = context.Job.Name,
            Architecture =
                System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64
                ? "aarch64" : "x86_64",
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

    /// <summary>Times later than the epoch are of this build: they become the epoch, so that two builds give the same bytes.</summary>
    static void CutTimes(string root, long epoch)
    {
        foreach (string path in FilesBelow.Of(root).Append(root))
            if (stat(path, out statx found, follow: false) == 0 && found.stx_mtime.tv_sec > epoch)
                SetModified(path, epoch);
    }
}
