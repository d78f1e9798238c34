using System.Globalization;
using System.Text;
using System.Text.Json;
using Slipway.Building.Inside;
using Slipway.Discovery;
using Slipway.Linux;
using Slipway.Readers;
using Slipway.Shared;

namespace Slipway.Building.Sources;

/// <summary><c>from: host</c>: programs, packages and files of this host with all that they need, at the same paths.</summary>
sealed class HostRoot(HostSource source, Stage stage, BuildContext context) : RootSource(stage, context)
{
    const string Generated = "/etc/ld.so.cache", Record = ".slipway/host.json";

    /// <summary>What a container takes for granted; the mode of each.</summary>
    static readonly (string Path, uint Mode)[] Directories =
        [
            ("dev", Mode.rwxr_xr_x), ("etc", Mode.rwxr_xr_x), ("home", Mode.rwxr_xr_x), ("proc", Mode.rwxr_xr_x), ("root", Mode.rwx______),
            ("run", Mode.rwxr_xr_x), ("sys", Mode.rwxr_xr_x), ("tmp", Mode.rwxrwxrwt), ("var", Mode.rwxr_xr_x), ("var/tmp", Mode.rwxrwxrwt),
        ];

    /// <summary>Which distribution the files are of; what the loader's cache is made from.</summary>
    static readonly string[] Always = [.. OsRelease.Places, LoaderConfiguration.Path, "/etc/ld.so.conf.d/*.conf"];

    /// <summary>Bytes of a file of users or groups.</summary>
    const int LargestAccounts = 64 << 20;

    static readonly string[] Accounts = ["/etc/passwd", "/etc/group"];

    /// <summary>From login.defs(5), UID_MIN: below are the system's.</summary>
    const int FirstPerson = 1000, Nobody = 65534;

    IReadOnlyList<string> LibraryPath =>
        Stage.Environment.TryGetValue("LD_LIBRARY_PATH", out string? path) ? [.. path.Split(':').Where(d => d.StartsWith('/'))] : [];

    /// <summary>What the definition itself will have run in the image.</summary>
    IEnumerable<string> Shell => Stage.Run.Count > 0 || Stage.Test is not null ? ["/bin/sh", "/usr/bin/env"]
        : Stage.Name.Length == 0 && Context.Definition.Runscript is not null ? ["/bin/sh"] : [];

    protected override string Inputs(CancellationToken cancel) => NewLock(
    [
        .. source.Programs.Select(p => "program " + p.Value), .. source.Packages.Select(p => "package " + p.Value),
        .. source.Files.Select(f => "file " + f.Value),
        .. source.Exclude.Select(e => "exclude " + e.Value), .. LibraryPath.Select(d => "library path " + d),
        .. Shell.Select(s => "shell " + s), "fabric " + string.Join(' ', Fabric.Select(f => f.Value)),
    ]).Inputs;

    protected override LockedSource Resolve(CancellationToken cancel)
    {
        DependencySet found = Find(cancel);
        if (found.Files.Count == 0)
            throw SourceErrors.ImageEmpty(source.Exclude[0], Context.Job.DefinitionPath);
        return new LockedSource
        {
            Stage = Stage.Name,
            From = source.From.Value,
            Inputs = Inputs(cancel),
            Digest = Digest(found, path => path, cancel),
            SourceDateEpoch = found.Files.Max(f => f.Modified),
        };
    }

    DependencySet Find(CancellationToken cancel)
    {
        Context.Step("finding what the programs need");
        RootTree tree = new("/");
        IEnumerable<string> optional = Always.Concat(FabricLibraries()).Where(p => PathPattern.Parse(p).SelectMany(tree.Glob).Any());
        foreach (Located path in source.Programs.Concat(source.Files).Where(p => Leftovers.Has(p.Value)))
            throw SourceErrors.PathStaysOut(path);
        try
        {
            return WithoutWhatStaysOut(DependencyFinder.Find(new DependencyRequest
            {
                Programs = [.. source.Programs.Select(p => p.Value), .. Shell],
                Packages = [.. source.Packages.Select(p => p.Value)],
                Files = [.. source.Files.Select(f => f.Value), .. optional],
                Exclude = [.. source.Exclude.Select(e => e.Value)],
                LibraryPath = LibraryPath,
            }, cancel));
        }
        catch (DependencyNotFoundException e)
        {
            Located? named = source.Programs.Concat(source.Packages).Concat(source.Files).FirstOrDefault(l => l.Value == e.Name);
            throw BuildErrors.At((named ?? source.From).Where, e);
        }
    }

    DependencySet WithoutWhatStaysOut(DependencySet found) => new()
    {
        Files = [.. found.Files.Where(f => !Leftovers.Has(f.Path))],
        Problems =
        [
            .. found.Files.Where(f => Leftovers.Has(f.Path)).Select(f => new DependencyProblem(f.AskedBy is null
                ? DependencySeverity.Warning : DependencySeverity.Error, f.Path, f.Rule,
                $"{f.Path}: left out: an image has nothing of its own "
                + $"there{(f.AskedBy is null ? "" : $" ({f.AskedBy} asks for it)")}") { Recommendation = "Move it to another directory." }),
            .. found.Files.Where(f => IsFiltered(f)).Select(AccountsLeftOut),
            .. found.Problems,
        ],
        Packages = found.Packages,
    };

    /// <summary>
    /// For the definition's <c>fabric</c>; providers and their configuration come by the rules of libibverbs and libfabric.
    /// </summary>
    IEnumerable<string> FabricLibraries() => Slipway.Inventory.FabricPackages.Libraries(Fabric.Select(f => f.Value))
        .Select(l => $"/usr/{{lib64,lib/*-linux-gnu*}}/{l}");

    public override void Make(string root, LockedSource locked, CancellationToken cancel)
    {
        DependencySet found = Find(cancel);
        foreach (DependencyProblem problem in found.Problems)
            Context.Log($"{problem.Severity}: {problem.Message} [{problem.Rule}]");
        Context.Step($"copying {found.Files.Count} files");
        foreach ((string path, uint mode) in Directories)
            MakeDirectory(Path.Combine(root, path), mode);
        Copy(found, root, cancel);
        if (Digest(found, path => root + path, cancel) != locked.Digest)
            throw SourceErrors.HostNotLocked(source.From, Context.Job.DefinitionPath);
        // the loader finds what lies outside its default directories by the cache alone; the host's names what is not here
        (int exit, IReadOnlyList<string> said) = Context.Run("ldconfig", ["-X", "-r", root], cancel: cancel);
        if (exit != 0)
            throw BuildErrors.ProgramFailed(source.From.Where, "ldconfig", exit, said.LastOrDefault(), Generated);
        new BuildRoot(root).Write(Record, JsonSerializer.Serialize(new ImageManifest
        {
            Packages = found.Packages,
            Problems = found.Problems,
            Dependencies =
            [
                .. found.Files.GroupBy(f => (f.Rule, f.AskedBy, f.Why))
                    .Select(g => new DependencyReason(g.Key.Rule, g.Key.AskedBy, g.Key.Why, [.. g.Select(f => f.Path)])),
                new DependencyReason("loader", null, "made by ldconfig from the libraries of the image", [Generated]),
            ],
        }, ObjectsJson.Default.ImageManifest));
    }

    /// <summary>
    /// Takes out what <see cref="Make"/> put down for the manifest: it stays with the root where that is kept for later builds.
    /// </summary>
    public static ImageManifest? TakeRecord(BuildRoot root)
    {
        using Stream? file = root.Open(Record);
        ImageManifest? record = file is null ? null : JsonSerializer.Deserialize(file, ObjectsJson.Default.ImageManifest);
        root.Delete(Record);
        return record;
    }

    void Copy(DependencySet found, string root, CancellationToken cancel)
    {
        // a parent that were a link in the image would lead a write to the host
        HashSet<string> links = [.. found.Files.Where(f => f.Kind == DependencyKind.Link).Select(f => f.Path)], made = ["/"];
        foreach (ImageDependency file in found.Files)
        {
            cancel.ThrowIfCancellationRequested();
            string to = root + file.Path;
            MakeParents(RootTree.Parent(file.Path), root, links, made);
            try
            {
                if (file.Kind == DependencyKind.Directory)
                    MakeParents(file.Path, root, links, made);
                else if (file.Kind == DependencyKind.Link)
                    File.CreateSymbolicLink(to, file.Target!);
                else if (Text(file) is { } text)
                    File.WriteAllText(to, text);
                else
                    OpenedFile.CopyNamed(file.Path, to);
                if (file.Kind == DependencyKind.File)
                    chmod(to, file.Mode);
                if (file.Kind != DependencyKind.Directory)
                    SetModified(to, file.Modified);
            }
            catch (UnauthorizedAccessException)
                when (found.Problems.Any(p => p.Path == file.Path && p.Severity == DependencySeverity.Error))
            {
                // told already: it may not be read
            }
            catch (IOException e) when ((e.HResult & 0xffff) == ENOSPC)
            {
                throw BuildErrors.DiskFull(Context.Job.WorkDirectory, doing: $"{file.Path} was copied", inner: e);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw SourceErrors.NotCopied(source.From, file.Path, e);
            }
        }
    }

    void MakeParents(string path, string root, HashSet<string> links, HashSet<string> made)
    {
        if (!made.Add(path))
            return;
        if (links.Contains(path))
            throw SourceErrors.BecameLink(source.From, path);
        MakeParents(RootTree.Parent(path), root, links, made);
        MakeDirectory(root + path, stat(path, out statx found, follow: false) == 0 ? found.stx_mode & Mode.rwxrwxrwt : Mode.rwxr_xr_x);
    }

    static void MakeDirectory(string path, uint mode)
    {
        Directory.CreateDirectory(path);
        // its owner must be able to fill it
        chmod(path, mode | Mode.rwx______);
    }

    static DependencyProblem AccountsLeftOut(ImageDependency file)
    {
        string people = file.Path == "/etc/group" ? "groups of people (ids from 1000) and all members"
            : "the accounts of people (ids from 1000)";
        return new DependencyProblem(DependencySeverity.Note, file.Path, file.Rule, $"{file.Path}: {people} are left out")
        {
            Recommendation = $"Name {file.Path} under 'files' if the image is to have them.",
        };
    }

    bool IsFiltered(ImageDependency file) => Accounts.Contains(file.Path) && !source.Files.Any(f => f.Value == file.Path);

    /// <summary>
    /// User and group files without the people of this host; null for all others, and for those that the definition names.
    /// </summary>
    string? Text(ImageDependency file)
    {
        if (!IsFiltered(file))
            return null;
        List<string[]> kept = [.. OpenedFile.TextNamed(file.Path, LargestAccounts).Split('\n').Select(l => l.Split(':'))
            .Where(f => f.Length >= 4
            && int.TryParse(f[2], NumberStyles.None, CultureInfo.InvariantCulture, out int id) && id is < FirstPerson or Nobody)];
        foreach (string[] fields in kept)
        {
            fields[1] = "x";
            if (file.Path == "/etc/group")
                fields[3] = "";
        }
        return string.Concat(kept.Select(f => string.Join(':', f) + "\n"));
    }

    /// <summary>Of names, modes and content: the state of the host, as far as the image has it.</summary>
    /// <param name="place">Where the content of a path is read.</param>
    string Digest(DependencySet found, Func<string, string> place, CancellationToken cancel)
    {
        StringBuilder all = new();
        foreach (ImageDependency file in found.Files)
        {
            string content = file.Kind != DependencyKind.File ? file.Target ?? "" : Text(file) ?? ContentOf(place(file.Path), cancel);
            all.Append(CultureInfo.InvariantCulture, $"{file.Kind}\0{file.Path}\0{file.Mode}\0{content}\n");
        }
        return Linux.Digest.OfText(all.ToString());
    }

    static string ContentOf(string path, CancellationToken cancel)
    {
        try
        {
            return Linux.Digest.OfFile(path, cancel: cancel);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or FileNotFoundException or SlipwayException)
        {
            // one that may not be read is told, and is not in the image
            return "";
        }
    }
}
